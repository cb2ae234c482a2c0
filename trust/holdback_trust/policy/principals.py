"""A caller as Cedar sees it: an entity with what its token says of it. Pure."""

from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from holdback_trust.identity import Caller, TaskClaim

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


def plan(task: TaskClaim) -> str:
    """What a task's skill may call, as Cedar's JSON: the same for all tasks with these tools."""
    tools = [entity("Capability", each) for each in sorted(task.tools)]
    return to_json([{"uid": uid("Plan", task.skill), "attrs": {"tools": tools}, "parents": []}]).decode()


def entities(caller: Caller) -> str:
    """The person, and the agent that acts for that person, with all that is known of them but the `plan` of its task,
    as Cedar's JSON."""
    acts = caller.agent is None
    person: dict[str, Any] = {
        "uid": uid("Person", caller.person),
        "attrs": _held(caller) if acts else {"scopes": [], "stories": [], "factors": [], "level": caller.level},
        "parents": [uid("Role", each) for each in sorted(caller.roles)],
    }
    return to_json([person] if acts else [person, _agent(caller)]).decode()


def _agent(caller: Caller) -> dict[str, Any]:
    attrs = _held(caller) | {
        "chain": [entity("Agent", each) for each in caller.chain],
        "depth": len(caller.chain),
    }
    if (task := caller.task) is not None:
        attrs["task"] = {
            "id": task.id,
            "root": task.root,
            "skill": task.skill,
            "plan": entity("Plan", task.skill),
            "policy": task.policy,
            "until": seconds(task.expires),
        }
    return {"uid": principal(caller), "attrs": attrs, "parents": []}


def _held(caller: Caller) -> dict[str, Any]:
    return {
        "scopes": sorted(caller.scopes),
        "stories": [entity("Story", each) for each in sorted(caller.stories)],
        "factors": sorted(caller.factors),
        "level": caller.level,
    }
