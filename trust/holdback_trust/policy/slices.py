"""The part of all policies that can say something of one type of principal and one verb, and what it looks at.

A decision pays for every policy that Cedar is given, for every action that a scope lists, and for every attribute that
is read. So Cedar is given the policies that a request can concern at all, and of the request what they look at. Pure.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple, cast

from holdback_trust.policy import engine

Verb = Literal["read", "write", "destroy", "approve", "know", "use"]
Actor = Literal["Person", "Agent"]


class Slice(NamedTuple):
    """Policies; every name of an attribute that one of them looks at; and whether a template is among them."""

    policies: engine.PolicySet
    looks_at: frozenset[str]
    template: bool


def cut(every: Iterable[engine.Told], actor: Actor, verb: Verb, template: str = "") -> Slice:
    """Those of the policies that can be satisfied, or fail to be evaluated, where such a principal does this.

    A scope that names other actions or another type is false before a condition is looked at, so what is left out says
    nothing. What is left names this verb or all: it says the same without its list of actions. Nothing is an action's
    parent, so `in` is equality there. The one template there may be is called `template`; the others have their names
    and a number, for what cannot be evaluated is told by them.
    """
    left = [
        each._replace(shape={**each.shape, "action": {"op": "All"}})
        for each in every
        if _concerns(each.shape, actor, verb)
    ]
    named = {template if each.template else f"{each.name} ({place})": each for place, each in enumerate(left)}
    return Slice(engine.gather_policies(named), looked_at(left), template in named)


def looked_at(every: Iterable[engine.Told]) -> frozenset[str]:
    """Every name of an attribute that any of them reads or asks for, of whatever, and that a record it writes has:
    Cedar compares records of one type only, so one that is compared as a whole is named in full."""
    return frozenset(name for each in every for name in _names(each.shape["conditions"]))


def names_type(every: Iterable[engine.Told], kind: str) -> bool:
    """Whether any of them names an entity of this type, such as `Task::"..."`."""
    return any(node.get("type") == kind for each in every for node in _nodes(each.shape))


def _concerns(shape: engine.Shape, actor: Actor, verb: Verb) -> bool:
    principal, action = shape["principal"], shape["action"]
    if principal.get("entity_type", actor) != actor:
        return False
    if action["op"] == "All":
        return True
    named = action["entities"] if "entities" in action else [action["entity"]]
    return {"type": "Action", "id": verb} in named


def _names(part: Any) -> Iterator[str]:
    for node in _nodes(part):
        if isinstance(name := node.get("attr"), str):
            yield name
        yield from node.get("Record", ())


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Every object of a policy's JSON, with all that lies within it."""
    if isinstance(part, list):
        for each in cast(list[Any], part):
            yield from _nodes(each)
    elif isinstance(part, dict):
        node = cast(dict[str, Any], part)
        yield node
        for each in node.values():
            yield from _nodes(each)
