"""The duties of a permission become conditions of a grant. Pure.

A credit and a disclaimer are checked in the cut, a blur, a mute and other music are edits, an age gate and a geo-block
are undertaken. Any other duty (to pay, to inform, to obtain consent) nobody here can see fulfilled: a person approves.
"""

from typing import Any, Final

from holdback_base.elements import is_ref

from holdback_servers.rights.interchange.odrl_model import Duty, Rule

ACTION_OF: Final = {
    "blur": "holdback:blur",
    "mute": "holdback:mute",
    "replace_music": "holdback:replaceMusic",
    "credit": "attribute",
    "disclaimer": "cc:Notice",
    "age_gate": "holdback:ageGate",
    "geo_block": "holdback:geoBlock",
    "approval": "obtainConsent",
}
"""The action of the duty that says a condition."""
_TYPE_OF: Final = {action: type for type, action in ACTION_OF.items()} | {"cc:Attribution": "credit"}


def is_exclusive(duty: Duty, rule: Rule) -> bool:
    """Whether it is the licensor's promise that nobody else gets the right: ensureExclusivity on the assigner."""
    who = dict(duty.functions).get("assignee")
    return duty.action.term == "ensureExclusivity" and who is not None and who == rule.assigner


def condition_of(duty: Duty) -> dict[str, Any] | None:
    """The fields of a condition, unchecked; nothing for a credit that does not say whom to name."""
    kind = _TYPE_OF.get(duty.action.term, "approval")
    text = duty.detail("text") or ""
    if kind == "credit":
        party = dict(duty.functions).get("attributedParty")
        text = text or (party.name or party.uid or "" if party else "")
        if not text:
            return None
    if kind == "disclaimer" and not text:
        kind = "approval"
    if kind == "approval":
        bare = duty.action.term == "obtainConsent" and not (
            duty.constraints or duty.functions or duty.action.refinements
        )
        text = text or ("" if bare else words(duty))
    named = (duty.target.ref, duty.target.uid) if duty.target else ()
    target = next((each for each in named if each and is_ref(each)), None)
    return {
        "type": kind,
        "text": text,
        "min_seconds": duty.detail("minSeconds"),
        "ref": target,
        "approved": tuple(sorted(value for name, value in duty.details if name == "approved")),
    }


def words(duty: Duty) -> str:
    """What the duty says, for the person who approves."""
    limits = [each.text() for each in (*duty.action.refinements, *duty.constraints)]
    parties = [f"{name} {party.name or party.uid or ''}".strip() for name, party in duty.functions]
    return " ".join(["Duty:", duty.action.term, *(f"({each})" for each in (*limits, *parties))])
