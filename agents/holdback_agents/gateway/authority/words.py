"""What a scope lets a program do, in words that a person signs in with. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from holdback_trust.grants import DECLARE, HOLD

from holdback_agents.gateway.registry import Registry

OPENID = ("openid", "profile", "offline_access")
"""Scopes of OpenID Connect: who you are, what you are called, and to ask again later."""
_READING = "look"
_CHANGING = "change"
_GRAVE = "grave"

_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "assets:read": (_READING, "Search the library and look at what it says of each work"),
        "assets:write": (_CHANGING, "Take media into the library and change what is written of it"),
        DECLARE: (_GRAVE, "Say, on your word alone, what media is made of"),
        HOLD: (_GRAVE, "Place and release legal holds"),
        "editing:read": (_READING, "Look at timelines and renders"),
        "editing:write": (_CHANGING, "Make and change timelines, and render them"),
        "rights:read": (_READING, "Look at rights and contracts"),
        "rights:write": (_GRAVE, "Record and change rights"),
        "rights:clear": (_CHANGING, "Ask for clearances"),
        "schedule:read": (_READING, "Look at the schedule"),
        "schedule:plan": (_CHANGING, "Plan and hold slots"),
        "schedule:commit": (_GRAVE, "Commit publications"),
        "registry:read": (_READING, "See who is in the house"),
        "approval:ask": (_CHANGING, "Ask other people for approvals"),
        "approval:decide": (_GRAVE, "Approve or reject in your name"),
        "guardian:act": (_GRAVE, "Stop agents, and let them work again"),
        "openid": (_READING, "Know that it is you"),
        "profile": (_READING, "Know your name and roles"),
        "offline_access": (_READING, "Stay signed in for some hours"),
    }
)
_NEVER_OFFERED = frozenset({"approval:decide", "guardian:act"})
"""What a person has to tick: a program that decides by itself would otherwise decide in a person's place."""


@dataclass(frozen=True)
class Line:
    """One thing that a program asks for. `kind` is `look`, `change` or `grave`; `ticked` whether it is offered so."""

    scope: str
    words: str
    kind: str
    ticked: bool


def lines(scopes: Iterable[str], registry: Registry) -> list[Line]:
    """The scopes as a person reads them: looking first, what weighs most last."""
    order = (_READING, _CHANGING, _GRAVE)
    found = [_line(each, registry) for each in sorted(scopes)]
    return sorted(found, key=lambda each: order.index(each.kind))


def _line(scope: str, registry: Registry) -> Line:
    kind, words = _WORDS.get(scope) or (_CHANGING, _skill(scope, registry))
    return Line(scope, words, kind, ticked=scope not in _NEVER_OFFERED)


def _skill(scope: str, registry: Registry) -> str:
    kind, _, rest = scope.partition(":")
    name, _, skill = rest.partition(":")
    agent = registry.agents.get(name) if kind == "agent" else None
    if agent is None:
        return scope
    title = next((each.name for each in agent.card.skills if each.id == skill), skill)
    return f"Ask the agent {agent.card.name}: {title}"
