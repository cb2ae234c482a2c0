"""A caller and its request as Cedar sees them: an entity with what its token says of it, and a context. Pure."""

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic_core import to_json

from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.policy.asking import Action
from holdback_trust.task_policy import task_name, until

Uid = dict[str, str]
_ACTING: Uid = {"type": "Task", "id": "acting"}


def uid(kind: str, name: str) -> Uid:
    """The name of an entity, such as `Agent::"agent:compliance"`."""
    return {"type": kind, "id": name}


def entity(kind: str, name: str) -> dict[str, Uid]:
    """The same as a value of an attribute."""
    return {"__entity": uid(kind, name)}


def seconds(at: datetime) -> int:
    """An instant as a value that is quick to read: whole seconds since 1970, as tokens have them."""
    return int(at.timestamp())


def moment(at: datetime) -> dict[str, dict[str, str]]:
    """An instant as a value, to the millisecond."""
    text = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"__extn": {"fn": "datetime", "arg": text}}


def address(network: str) -> dict[str, dict[str, str]]:
    """An IP address as a value."""
    return {"__extn": {"fn": "ip", "arg": network}}


def principal(caller: Caller) -> Uid:
    """Who acts: the agent where there is one, else the person."""
    return uid("Person", caller.person) if caller.agent is None else uid("Agent", caller.agent)


class Lasting(NamedTuple):
    """What is the same of a caller in all tasks with these tools: who acts, for whom, with what."""

    person: str
    agent: str | None
    chain: tuple[str, ...]
    scopes: frozenset[str]
    roles: frozenset[str]
    stories: frozenset[str]
    factors: frozenset[str]
    level: int
    plan: tuple[str, frozenset[str]] | None


def lasting(caller: Caller) -> Lasting:
    """That of this caller; `plan` is the skill of its task and its tools, where it is an agent in a task."""
    plan = None if caller.task is None or caller.agent is None else (caller.task.skill, caller.task.tools)
    return Lasting(
        caller.person,
        caller.agent,
        caller.chain,
        caller.scopes,
        caller.roles,
        caller.stories,
        caller.factors,
        caller.level,
        plan,
    )


def lasting_entities(lasting: Lasting, looked_at: Container[str]) -> str:
    """Who acts with all that is known and looked at, the person for whom an agent acts, and the plan of its task, as
    Cedar's JSON."""
    attrs: dict[str, Any] = {
        "scopes": sorted(lasting.scopes),
        "stories": [entity("Story", each) for each in sorted(lasting.stories)],
        "factors": sorted(lasting.factors),
        "level": lasting.level,
    }
    roles = [uid("Role", each) for each in sorted(lasting.roles)]
    if lasting.agent is None:
        return _written(_entity(uid("Person", lasting.person), _seen(attrs, looked_at), roles))
    nothing: dict[str, Any] = {"scopes": [], "stories": [], "factors": [], "level": lasting.level}
    found = [_entity(uid("Person", lasting.person), nothing, roles)]
    attrs["chain"] = [entity("Agent", each) for each in lasting.chain]
    attrs["depth"] = len(lasting.chain)
    parents: list[Uid] = []
    if lasting.plan is not None:
        skill, tools = lasting.plan
        planned = {"tools": [entity("Capability", each) for each in sorted(tools)]}
        found.append(_entity(uid("Plan", skill), planned, []))
        attrs["task"] = {"__entity": _ACTING}
        parents.append(_ACTING)
    return _written(*found, _entity(uid("Agent", lasting.agent), _seen(attrs, looked_at), parents))


def task_entity(task: TaskClaim, person: str, looked_at: Container[str]) -> str:
    """The task in which an agent acts, within the one that its own policy names, as Cedar's JSON."""
    attrs: dict[str, Any] = {
        "id": task.id,
        "root": task.root,
        "skill": task.skill,
        "plan": entity("Plan", task.skill),
        "policy": task.policy,
        "until": until(task),
    }
    return _written(_entity(_ACTING, _seen(attrs, looked_at), [uid("Task", task_name(task, person))]))


def _entity(name: Uid, attrs: dict[str, Any], parents: list[Uid]) -> dict[str, Any]:
    return {"uid": name, "attrs": attrs, "parents": parents}


def _written(*entities: dict[str, Any]) -> str:
    return to_json(entities).decode()


def _seen(attrs: dict[str, Any], looked_at: Container[str]) -> dict[str, Any]:
    return {name: value for name, value in attrs.items() if name in looked_at}


_READY = frozenset({"scope", "tier", "factor_needed", "strange"})
_CIRCUMSTANCES: Mapping[str, Callable[[Caller, Action, datetime], Any]] = {
    "person": lambda caller, _, __: entity("Person", caller.person),
    "audience": lambda caller, _, __: caller.audience,
    "now": lambda _, __, now: moment(now),
    "epoch": lambda _, __, now: seconds(now),
    "network": lambda caller, action, _: address(at) if (at := action.network or caller.network) else None,
    "target": lambda _, action, __: action.resource or None,
    "asked_by": lambda _, action, __: None if action.asked_by is None else entity("Person", action.asked_by),
    "story": lambda _, action, __: None if action.story is None else entity("Story", action.story),
}
CIRCUMSTANCES = _READY | _CIRCUMSTANCES.keys()
"""What can be told of how something is asked."""


def circumstances(caller: Caller, action: Action, now: datetime, told: Iterable[str]) -> dict[str, Any]:
    """How it is asked: of `CIRCUMSTANCES` what is wanted and there. Each takes time to read, the instant and the person
    as much as an eighth of a decision."""
    context: dict[str, Any] = {}
    for name in told:
        value = getattr(action, name) if name in _READY else _CIRCUMSTANCES[name](caller, action, now)
        if value is not None:
            context[name] = value
    return context
