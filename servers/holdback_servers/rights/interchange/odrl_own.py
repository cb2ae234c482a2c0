"""What a rule says in Holdback's profile: terms of a right that ODRL has no word for. Pure."""

from typing import Any, Final
from urllib.parse import unquote

from holdback_servers.rights.interchange.odrl_model import Rule

_TEXTS: Final = {
    "kind": "kind",
    "licenceType": "licence_type",
    "clause": "clause",
    "source": "source",
    "groupsOn": "groups_on",
    "workSeconds": "work_seconds",
}


def own_terms(rule: Rule) -> dict[str, Any]:
    """The fields of a right that the profile names on a rule.

    `kind` is licence_out for a permission, holdback or embargo for a prohibition; another one is left to be refused.
    """
    found: dict[str, Any] = {field: value for name, field in _TEXTS.items() if (value := rule.detail(name)) is not None}
    if rule.kind == "prohibition" and found.get("kind") in ("grant", "licence_out"):
        found["kind"] = f"{found['kind']} in a prohibition"
    reruns = rule.detail("reruns")
    if reruns is not None:
        repeats, _, hours = reruns.partition("/")
        found["reruns"] = {"repeats": repeats, "hours": hours}
    carried = [value.partition(" ")[2].partition("=") for value in sorted(_carried(rule))]
    if carried:
        found["carried"] = tuple((unquote(name), value) for name, _, value in carried)
    return found


def _carried(rule: Rule) -> list[str]:
    """`003 name=value`: numbered, since a graph keeps no order."""
    return [value for name, value in rule.details if name == "carried"]
