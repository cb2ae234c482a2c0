"""Whether a clearance and an approval are about a publication, and about each other. Pure: signatures are verified
before."""

from holdback_base.problem import Problem
from holdback_base.vocabulary import difference, instant_text

from holdback_servers.schedule.admission.facts import ApprovalFacts, ClearanceFacts
from holdback_servers.schedule.model import Publication, windows_of

POLICY = "policy:"
"""What the name of who decided begins with, where that was no person."""
_MOST_BY_POLICY = 2
"""The highest value tier that a house may let pass without a person (ER 1011, 10.2)."""


def check_statements(
    publication: Publication, clearance: ClearanceFacts, approval: ApprovalFacts, *, renewed: bool = False
) -> None:
    """Both statements are about these bytes, the approval about this clearance, and another person approved.

    With `renewed` the clearance is a newer one than the person saw, of the same bytes and elements.

    Raises:
        Problem: CLEARANCE_HASH_MISMATCH, also where it names no media; APPROVAL_HASH_MISMATCH, APPROVAL_REQUIRED or
            SEPARATION_OF_DUTIES.
    """
    media = publication.media
    if media is None:
        raise Problem(
            "CLEARANCE_HASH_MISMATCH",
            f"{publication.id} names no media, so no clearance or approval can be about it.",
            "Hold its slot for the exact bytes that are to go out.",
        )
    if media not in clearance.elements:
        raise Problem(
            "CLEARANCE_HASH_MISMATCH",
            f"The clearance {clearance.id} covers other media than {publication.id}, which is {_short(media)}.",
            "Ask for a clearance of this cut; a new render needs a new one.",
            media=media,
            covered=sorted(clearance.elements),
        )
    if media not in approval.media or clearance.elements.get(approval.subject) != approval.elements:
        raise Problem(
            "APPROVAL_HASH_MISMATCH",
            f"The approval {approval.id} is for other media than {publication.id}, which is {_short(media)}.",
            "Ask for an approval of this cut; a new render needs a new one.",
            media=media,
            approved=sorted(approval.media),
        )
    if approval.decision != "approved":
        raise Problem(
            "APPROVAL_REQUIRED",
            f"In {approval.id} {approval.by} decided {approval.decision!r}, not approved.",
            "Answer what the person objected to, then ask again.",
        )
    if approval.clearance != clearance.id and not renewed:
        raise Problem(
            "APPROVAL_REQUIRED",
            f"The approval {approval.id} was given with clearance {approval.clearance}, not with {clearance.id}.",
            "Pass the clearance that the person saw, or ask for an approval of this one.",
        )
    if approval.by.startswith(POLICY) and (approval.tier is None or approval.tier > _MOST_BY_POLICY):
        raise Problem(
            "APPROVAL_REQUIRED",
            f"{approval.by} passed {approval.id}, but {_short(media)} is of tier {approval.tier or 'unknown'}.",
            "Have a person approve it: what is of the highest tier passes by no policy.",
        )
    if approval.by in (approval.asked_by, publication.on_behalf_of):
        raise Problem(
            "SEPARATION_OF_DUTIES",
            f"{approval.by} asked for {publication.id} and may not also approve it.",
            "Let another person approve.",
        )


def check_seen(held: Publication, approval: ApprovalFacts) -> None:
    """The slot is one that the person saw who approved, and is no more than it was then.

    Raises Problem APPROVAL_REQUIRED.
    """
    if approval.slots is None:
        return
    seen = next((each for each in approval.slots if each.hold == held.hold), None)
    if seen is None:
        raise Problem(
            "APPROVAL_REQUIRED",
            f"The approval {approval.id} was given for other slots than {held.hold}.",
            "Ask for an approval of this slot; one approval is for the slots that were shown with it.",
            approved=[each.hold for each in approval.slots],
        )
    shown = windows_of(seen.availability)
    wanted = windows_of(held.availability)
    grown = sorted(each for each, windows in wanted.items() if difference(windows, shown.get(each, ())))
    if grown or (seen.channel, seen.start) != (held.channel, held.start):
        raise Problem(
            "APPROVAL_REQUIRED",
            f"{held.hold} is not as it was when {approval.id} was given: it was on {seen.channel} from "
            f"{instant_text(seen.start)}, now it is on {held.channel} from {instant_text(held.start)}"
            f"{', and would be seen longer in ' + ', '.join(grown) if grown else ''}.",
            "Ask for an approval of the slot as it is now.",
        )


def check_grown(changed: Publication, approval: ApprovalFacts) -> None:
    """What is on the books is seen nowhere longer than the person saw who approved, or was approved before.

    Raises Problem APPROVAL_REQUIRED.
    """
    if approval.publications is None:
        return
    seen = next((each for each in approval.publications if each.publication == changed.id), None)
    shown = windows_of((*changed.approved_for, *(seen.availability if seen else ())))
    wanted = windows_of(changed.availability)
    grown = sorted(each for each, windows in wanted.items() if difference(windows, shown.get(each, ())))
    if grown or seen is None or seen.channel != changed.channel:
        raise Problem(
            "APPROVAL_REQUIRED",
            f"{approval.id} was not given for {changed.id} on {changed.channel}"
            f"{' for so long in ' + ', '.join(grown) if grown else ''}.",
            "Ask for an approval of the change as it is now.",
            territories=grown,
        )


def _short(media: str) -> str:
    return media[:19]
