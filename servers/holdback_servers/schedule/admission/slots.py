"""Whether a slot is within what is cleared, and what a channel can do. Pure."""

from collections.abc import Collection
from datetime import datetime, timedelta

from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, expand_territories, instant_text

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell, covering, windows_for
from holdback_servers.schedule.constraints import Obstacle, minutes_text
from holdback_servers.schedule.model import Availability, Publication, arranged, availability_bounds


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
