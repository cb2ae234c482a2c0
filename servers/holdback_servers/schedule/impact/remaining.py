"""What of a publication's time is still cleared, and where it would be shown from another start. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from holdback_base.vocabulary import TimeRange, difference, intersection, union

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell, common_windows, windows_by_territory
from holdback_servers.schedule.model import Availability, Publication, arranged

Windows = Mapping[str, Sequence[TimeRange]]
"""When each territory of a publication is cleared."""


def on_air(publication: Publication, now: datetime) -> bool:
    """Whether it has begun: live, or committed with its start passed, which the clock is about to make live."""
    begun = publication.state in ("approved", "scheduled") and publication.start <= now
    return publication.state == "live" or begun


def movable(publication: Publication, now: datetime) -> bool:
    """Whether it may be given another start: not begun, not locked, and kept or committed for its slot."""
    waits = publication.state in ("held", "approved", "scheduled") and publication.start > now
    return waits and not publication.locked


def cleared_windows(channel: Channel, publication: Publication, cells: tuple[ClearedCell, ...]) -> Windows:
    """When the cells open each of its territories; where a channel cannot be kept out of one, when all are open."""
    found = windows_by_territory(cells, publication.territories, publication.platform)
    if channel.geo_blocking:
        return found
    return dict.fromkeys(found, common_windows(found.values()))


def own_windows(publication: Publication) -> Windows:
    """When it is to be on show, which is what was cleared for it."""
    return _by_territory(publication.availability)


def still_cleared(
    channel: Channel, publication: Publication, windows: Windows, now: datetime
) -> tuple[Availability, ...]:
    """What remains of its availability in the windows; what was on show before `now` was on show.

    A stretch that has not begun and is too short to be shown, for the length of the media or for the lead time of
    taking it down, is left out. Of a transmission that has begun only what comes without a break remains.
    """
    if channel.kind == "linear" and not on_air(publication, now):
        whole = all(_covers(windows, piece) for piece in publication.availability)
        return publication.availability if whole else ()
    pieces: list[Availability] = []
    for piece in publication.availability:
        for territory in piece.territories:
            kept = _kept(piece, windows.get(territory, ()), now if on_air(publication, now) else None)
            if channel.kind == "linear":
                kept = [each for each in kept if each.start == piece.start]
            kept = [each for each in kept if each.start < now or _worth_showing(channel, publication, each)]
            pieces += [Availability(territories=(territory,), start=each.start, end=each.end) for each in kept]
    return arranged(tuple(pieces))


def _covers(windows: Windows, piece: Availability) -> bool:
    return all(any(w.covers(piece.window) for w in windows.get(territory, ())) for territory in piece.territories)


def _kept(piece: Availability, windows: Sequence[TimeRange], shown_until: datetime | None) -> list[TimeRange]:
    kept = intersection([piece.window], windows)
    if shown_until is None or piece.start >= shown_until:
        return kept
    shown = TimeRange(start=piece.start, end=shown_until if piece.end is None else min(shown_until, piece.end))
    return union([shown, *kept])


def _worth_showing(channel: Channel, publication: Publication, window: TimeRange) -> bool:
    if window.end is None:
        return True
    length = window.end - window.start
    media = timedelta(seconds=publication.details.duration_seconds or 1)
    return length >= media and length > timedelta(minutes=channel.takedown_lead_minutes)


def from_another_start(
    channel: Channel, publication: Publication, windows: Windows | None, start: datetime
) -> tuple[Availability, ...] | None:
    """Its availability if it started at `start`, nowhere longer than now; None when that is not cleared.

    A transmission keeps its length. What is put up later comes down when it would have, and whatever joins later joins
    when it would have; what is put up earlier comes down earlier by as much, so that it is up no longer than before.
    `windows` are absent for a transmission that is not cleared yet.
    """
    shift = start - publication.start
    if channel.kind == "linear":
        moved = tuple(_shifted(piece, shift) for piece in publication.availability)
        return moved if windows is None or all(_covers(windows, piece) for piece in moved) else None
    pieces: list[Availability] = []
    for piece in publication.availability:
        first = piece.start == publication.start
        given = _shifted(piece, shift) if shift < timedelta() and first else _put_off(piece, start)
        if given is None:
            continue
        for territory in piece.territories:
            kept = [given.window] if windows is None else intersection([given.window], windows.get(territory, ()))
            kept = [each for each in kept if _worth_showing(channel, publication, each)]
            pieces += [Availability(territories=(territory,), start=each.start, end=each.end) for each in kept]
    return arranged(tuple(pieces)) if pieces and min(piece.start for piece in pieces) == start else None


def _shifted(piece: Availability, shift: timedelta) -> Availability:
    end = None if piece.end is None else piece.end + shift
    return Availability(territories=piece.territories, start=piece.start + shift, end=end)


def _put_off(piece: Availability, start: datetime) -> Availability | None:
    if piece.start >= start:
        return piece
    if piece.end is not None and piece.end <= start:
        return None
    return Availability(territories=piece.territories, start=start, end=piece.end)


def startable(channel: Channel, publication: Publication, windows: Windows | None) -> list[TimeRange] | None:
    """A bound on where `from_another_start` can answer with something; None when anything is possible."""
    if windows is None:
        return None
    if channel.kind != "linear":
        return union(window for each in windows.values() for window in each)
    length = (publication.end or publication.start) - publication.start
    common = common_windows(list(each) for each in windows.values())
    return [each for window in common if (each := _without_tail(window, length)) is not None]


def _without_tail(window: TimeRange, length: timedelta) -> TimeRange | None:
    """The starts from which so long a transmission ends in the window; its last start is included."""
    if window.end is None:
        return window
    last = window.end - length
    return TimeRange(start=window.start, end=last + timedelta(microseconds=1)) if last >= window.start else None


def what_is_lost(
    channel: Channel, before: tuple[Availability, ...], after: tuple[Availability, ...]
) -> tuple[tuple[str, ...], datetime | None]:
    """What is no longer shown, in words, territories that lose the same together; and the first instant at which
    something that was shown until then must be down, though it was to stay."""
    lost: dict[str, list[str]] = {}
    ends: list[datetime] = []
    remaining = _by_territory(after)
    for territory, windows in _by_territory(before).items():
        kept = remaining.get(territory, [])
        gone = difference(windows, kept)
        if gone:
            told = ", ".join(each.text() for each in gone) if kept else "at all"
            lost.setdefault(told, []).append(territory)
        ends += [each.start for each in gone if any(each.start == piece.end for piece in kept)]
    reasons = tuple(
        f"not {told} any longer in {', '.join(places)} ({channel.platform})" for told, places in lost.items()
    )
    return reasons, min(ends, default=None)


def _by_territory(pieces: tuple[Availability, ...]) -> dict[str, list[TimeRange]]:
    found: dict[str, list[TimeRange]] = {}
    for piece in pieces:
        for territory in piece.territories:
            found.setdefault(territory, []).append(piece.window)
    return {territory: union(windows) for territory, windows in found.items()}
