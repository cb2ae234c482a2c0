"""Who has signed in at which browser, and who is a person of this house. In memory: a restart signs browsers out."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdback_trust.grants import AUDIENCE_SCOPES
from holdback_trust.identity import GATEWAY

from holdback_agents.gateway.authority.requests import hashed
from holdback_agents.gateway.authority.words import OPENID
from holdback_agents.gateway.memory import remember
from holdback_agents.gateway.registry import Registry

SESSION_LIFE = timedelta(minutes=15)
"""How long a browser need not sign in again for the next program: long enough for the four servers of a house."""
CODE_LIFE = timedelta(seconds=60)
_MOST = 1000


@dataclass(frozen=True)
class SignedIn:
    """A person at a browser: `factors` say how it was proved (RFC 8176), `at` when."""

    person: str
    factors: frozenset[str]
    at: datetime


@dataclass(frozen=True)
class Grant:
    """What a code stands for, until its program fetches it. `family` is what came of it."""

    client: str
    redirect_uri: str
    challenge: str
    audience: str
    scopes: frozenset[str]
    nonce: str
    refreshes: bool
    who: SignedIn
    family: str
    expires: datetime


class Sessions:
    """Browsers that a person signed in at, by the sha256 of their cookie."""

    def __init__(self) -> None:
        self._kept: dict[str, SignedIn] = {}

    def begin(self, who: SignedIn) -> str:
        """The cookie of a new session."""
        cookie = secrets.token_urlsafe(32)
        remember(self._kept, hashed(cookie), who, _MOST)
        return cookie

    def find(self, cookie: str, now: datetime) -> SignedIn | None:
        """Who signed in with this cookie within a quarter of an hour."""
        found = self._kept.get(hashed(cookie))
        return found if found is not None and now < found.at + SESSION_LIFE else None

    def end(self, cookie: str) -> None:
        """Nobody is signed in with this cookie."""
        self._kept.pop(hashed(cookie), None)


class Codes:
    """Codes on their way to their programs. Each is taken once; a second time tells that it was stolen."""

    def __init__(self) -> None:
        self._kept: dict[str, Grant] = {}
        self._taken: dict[str, Grant] = {}

    def give(self, grant: Grant) -> str:
        """A code for the grant."""
        code = secrets.token_urlsafe(32)
        remember(self._kept, hashed(code), grant, _MOST)
        return code

    def take(self, code: str) -> Grant | None:
        """What the code stands for, the first time."""
        key = hashed(code)
        grant = self._kept.pop(key, None)
        if grant is not None:
            remember(self._taken, key, grant, _MOST)
        return grant

    def taken(self, code: str) -> Grant | None:
        """What the code stood for, once it was taken."""
        return self._taken.get(hashed(code))


def possible_scopes(roles: Iterable[str], audience: str, registry: Registry) -> frozenset[str]:
    """What a token of a person with these roles may hold; at the gateway also what may be handed on to agents."""
    held = registry.person_scopes(roles, audience)
    if audience != GATEWAY:
        return held
    return held.union(*(registry.person_scopes(roles, each.audience) for each in registry.agents.values()))


def meant_scopes(audience: str) -> frozenset[str]:
    """What may be asked for at an audience at all: its own scopes, at an agent or the gateway what may be handed on."""
    if audience.startswith("mcp:"):
        return AUDIENCE_SCOPES.get(audience, frozenset()) | frozenset(OPENID)
    return frozenset(OPENID).union(*AUDIENCE_SCOPES.values())
