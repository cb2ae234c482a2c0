"""Whether a clearance and an approval let a publication be committed. Pure: signatures are verified before.

A clearance says where and when, an approval that a person said yes; both must be about the exact bytes.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun, Sha256, TimeRange, expand_territories, instant_text
from pydantic import ValidationError

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell, covering, windows_for
from holdback_servers.schedule.constraints import Obstacle, minutes_text
from holdback_servers.schedule.model import Availability, Publication, arranged, availability_bounds


class ClearanceFacts(Noun):
    """What the schedule needs of a verified clearance; `elements` is the element hash of each delivery it covers."""

    id: str
    elements: dict[Sha256, Sha256]
    issued: Instant
    cells: tuple[ClearedCell, ...]


class ApprovalFacts(Noun):
    """What the schedule needs of a verified approval: what was asked, by whom, and who decided what.

    `subject` is the cut that the person saw and `elements` its element hash; `media` is all that was approved with it.
    """

    id: str
    subject: Sha256
    media: frozenset[Sha256]
    elements: Sha256
    clearance: str
    decision: str
    by: str
    asked_by: str
    expires: Instant


def clearance_facts(claims: Mapping[str, Any]) -> ClearanceFacts:
    """The facts of a clearance's claims. Raises Problem STATEMENT_INVALID when they have another shape."""
    try:
        subject: str = claims["elements"]
        elements = dict.fromkeys(claims.get("deliveries", ()), subject)
        elements |= claims.get("delivery_elements", {})
        return ClearanceFacts(
            id=claims["jti"],
            elements=elements | {claims["sub"]: claims["elements"]},
            issued=claims["iat"],
            cells=claims["cells"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _misshapen("clearance") from error


def approval_facts(claims: Mapping[str, Any]) -> ApprovalFacts:
    """The facts of an approval's claims. Raises Problem STATEMENT_INVALID when they have another shape."""
    try:
        return ApprovalFacts(
            id=claims["jti"],
            subject=claims["sub"],
            media=frozenset({claims["sub"], *claims.get("deliveries", ())}),
            elements=claims["elements"],
            clearance=claims["clearance"],
            decision=claims["decision"],
            by=claims["by"],
            asked_by=claims["for"],
            expires=claims["exp"],
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise _misshapen("approval") from error


def _misshapen(name: str) -> Problem:
    return Problem(
        "STATEMENT_INVALID",
        f"The {name} verifies but lacks what the schedule needs to know.",
        f"Pass the {name} as its issuer made it.",
    )


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
    if approval.by in (approval.asked_by, publication.on_behalf_of):
        raise Problem(
            "SEPARATION_OF_DUTIES",
            f"{approval.by} asked for {publication.id} and may not also approve it.",
            "Let another person approve.",
        )


def check_windows(publication: Publication, channel: Channel, cells: Collection[ClearedCell]) -> None:
    """Every territory of the publication is cleared on the channel's platform for as long as it is up there.

    Raises:
        Problem: TERRITORY_NOT_CLEARED where nothing clears a territory, OUTSIDE_CLEARED_WINDOW where something does at
            another time; both say what is open.
    """
    for piece in publication.availability:
        for territory in piece.territories:
            windows = windows_for(cells, territory, channel.platform)
            if not covering(windows, piece.window):
                raise _not_cleared(publication, channel, territory, piece, windows)


def _not_cleared(
    publication: Publication, channel: Channel, territory: str, piece: Availability, windows: list[TimeRange]
) -> Problem:
    where = f"{publication.title!r} on {channel.name} ({channel.platform}) in {territory}"
    if not windows:
        return Problem(
            "TERRITORY_NOT_CLEARED",
            f"Nothing clears {where}.",
            f"Leave {territory} out, or have the rights for it cleared first.",
            territory=territory,
            platform=channel.platform,
        )
    wanted, opened = piece.window.text(), "; ".join(window.text() for window in windows)
    return Problem(
        "OUTSIDE_CLEARED_WINDOW",
        f"{where} would be up {wanted}; it is cleared {opened}.",
        f"Keep it within {windows[0].text()}: hold a slot that starts there and comes down in time.",
        territory=territory,
        platform=channel.platform,
        wanted=wanted,
        cleared=[window.text() for window in windows],
    )


def check_reach(channel: Channel, availability: tuple[Availability, ...]) -> None:
    """The channel can do what is asked: it reaches the territories, and can be kept out of the others if need be.

    `availability` is in its arranged form.

    Raises:
        Problem: INVALID_ARGUMENT, naming the territories.
    """
    reached = channel.reaches(availability_bounds(availability)[0])
    asked = frozenset(territory for piece in availability for territory in piece.territories)
    if beyond := sorted(asked - reached):
        raise Problem(
            "INVALID_ARGUMENT",
            f"{channel.name} does not reach {', '.join(beyond)}.",
            f"Leave them out, or use another channel; it reaches {', '.join(channel.territories)}.",
        )
    if channel.kind == "linear" and any(piece.end is None for piece in availability):
        raise Problem(
            "INVALID_ARGUMENT",
            f"A transmission on {channel.name} must have an end.",
            "Give the end of the transmission: its start and its duration.",
        )
    if channel.geo_blocking:
        return
    if asked != reached or len(availability) != 1:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{channel.name} cannot be kept out of a territory: what it shows is seen everywhere it reaches at once.",
            f"Ask for one window in {', '.join(channel.territories)}, all of it cleared.",
        )


def check_outlasts_lead(channel: Channel, availability: tuple[Availability, ...]) -> None:
    """Nothing is asked for that would have to come down before it could go up. Raises Problem INVALID_ARGUMENT."""
    lead = timedelta(minutes=channel.takedown_lead_minutes)
    for piece in availability:
        if piece.end is not None and piece.end - piece.start <= lead:
            raise Problem(
                "INVALID_ARGUMENT",
                f"{', '.join(piece.territories)} would be open for {minutes_text(piece.end - piece.start)}, and what "
                f"is on {channel.name} is ordered down {channel.takedown_lead_minutes} min before its rights end: it "
                "would never go up.",
                "Leave them out, or take a slot from which they are open for longer.",
            )


def slot_problem(channel: Channel, start: datetime, stop: Obstacle) -> Problem:
    """A rule of the channel that refuses a start, as something a caller is told."""
    code = {"IN_THE_PAST": "INVALID_ARGUMENT", "SLOT_TAKEN": "SLOT_TAKEN"}.get(stop.rule, "SLOT_REFUSED")
    return Problem(
        code,
        f"{channel.name} at {instant_text(start)}: {stop.text}.",
        "Ask propose_slots for a free slot.",
        rule=stop.rule,
        publications=list(stop.others),
    )


def asked_availability(channel: Channel, pieces: Collection[Availability]) -> tuple[Availability, ...]:
    """What somebody asks to hold, each group of territories replaced by its members of the day it starts.

    Raises:
        Problem: TERRITORY_UNKNOWN, or INVALID_ARGUMENT for what the channel cannot do.
    """
    if not pieces:
        raise Problem("INVALID_ARGUMENT", "The availability names no territory.", "Give at least one.")
    named: list[Availability] = []
    for piece in pieces:
        places = tuple(sorted(expand_territories(piece.territories, piece.start.date())))
        named.append(Availability(territories=places, start=piece.start, end=piece.end))
    availability = arranged(tuple(named))
    check_reach(channel, availability)
    return availability


def _short(media: str) -> str:
    return media[:19]
