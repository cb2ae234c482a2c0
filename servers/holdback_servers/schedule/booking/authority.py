"""Who may change what: a slot is of the person it is held for; what is committed needs schedule:commit."""

from typing import Any, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_trust.identity import Caller
from holdback_trust.policy import Action

from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.store import Admission
from holdback_servers.services import Call


def require_commit(call: Call, name: str, kind: Literal["write", "destroy"]) -> None:
    """Raises Problem PERMISSION_DENIED or WRITE_NOT_ALLOWED."""
    call.require(Action(name=name, scope="schedule:commit", kind=kind))


def require_holder(held: Publication, caller: Caller, cure: str) -> None:
    """Raises Problem PERMISSION_DENIED."""
    if held.on_behalf_of != caller.person:
        raise Problem(
            "PERMISSION_DENIED",
            f"{held.hold} is kept for {held.on_behalf_of}, not for {caller.person}.",
            f"Hold a slot yourself, or {cure}",
        )


def require_admitted(call: Call, publication: Publication, admission: Admission) -> None:
    """The caller may publish material of that value elsewhere. Raises Problem PERMISSION_DENIED."""
    call.require_reach(admission.clearance.tier, publication.title, *filter(None, [publication.media]))


def as_json(noun: Noun) -> dict[str, Any]:
    """An answer as it is kept."""
    return noun.model_dump(mode="json", exclude_none=True)
