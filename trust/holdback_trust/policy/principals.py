"""A caller and its request as Cedar sees them: an entity with what its token says of it, and a context. Pure."""

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.policy.asking import Action
from holdback_trust.task_policy import task_name, until

Uid = dict[str, str]


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


def background(person: str, roles: frozenset[str], level: int, skill: str, tools: frozenset[str]) -> str:
    """For whom an agent acts, and what its task's skill may call, as Cedar's JSON: the same for all tasks of a person
    with these tools."""
    nothing: list[str] = []
    attrs = {"scopes": nothing, "stories": nothing, "factors": nothing, "level": level}
    behalf = {"uid": uid("Person", person), "attrs": attrs, "parents": [uid("Role", each) for each in sorted(roles)]}
    plan = {"tools": [entity("Capability", each) for each in sorted(tools)]}
    return to_json([behalf, {"uid": uid("Plan", skill), "attrs": plan, "parents": nothing}]).decode()


def acting(caller: Caller, looked_at: Container[str]) -> str:
    """Who acts, the agent where there is one, with all that is known of it and that somebody looks at, as Cedar's
    JSON."""
    attrs: dict[str, Any] = {
        "scopes": sorted(caller.scopes),
        "stories": [entity("Story", each) for each in sorted(caller.stories)],
        "factors": sorted(caller.factors),
        "level": caller.level,
    }
    parents = [uid("Role", each) for each in sorted(caller.roles)]
    if caller.agent is not None:
        parents.clear()
        attrs["chain"] = [entity("Agent", each) for each in caller.chain]
        attrs["depth"] = len(caller.chain)
        if caller.task is not None:
            attrs["task"] = _seen(_task(caller.task), looked_at)
            parents.append(uid("Task", task_name(caller.task, caller.person)))
    return to_json([{"uid": principal(caller), "attrs": _seen(attrs, looked_at), "parents": parents}]).decode()


def _task(task: TaskClaim) -> dict[str, Any]:
    return {
        "id": task.id,
        "root": task.root,
        "skill": task.skill,
        "plan": entity("Plan", task.skill),
        "policy": task.policy,
        "until": until(task),
    }


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
