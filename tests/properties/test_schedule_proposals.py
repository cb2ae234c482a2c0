"""No proposal breaks a rule: an independent checker judges what planning answers, over many channels and weeks."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Barred, Books, Placed, barred, obstacle
from holdback_servers.schedule.model import Details
from holdback_servers.schedule.planning import propose
from holdback_servers.schedule.proposal import ChannelProposal, Slot, SlotRequest
from hypothesis import event, given
from hypothesis import strategies as st

# weeks in which clocks change somewhere, one with a leap day, and one in which nothing happens
WEEKS = [
    datetime(2027, 3, 26, tzinfo=UTC),
    datetime(2027, 10, 29, tzinfo=UTC),
    datetime(2028, 2, 27, 20, tzinfo=UTC),
    datetime(2026, 11, 22, tzinfo=UTC),
]
ZONES = ["Europe/London", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Nuuk", "UTC"]
PLACES = ["GB", "DE", "US", "US-CA", "FR"]
SPAN = timedelta(days=3)
STEPS = [timedelta(microseconds=-1), timedelta(), timedelta(microseconds=1), timedelta(minutes=30), timedelta(hours=-5)]


@st.composite
def _channels(draw: st.DrawFn) -> Channel:
    linear = draw(st.booleans())
    hours = draw(st.lists(st.integers(0, 100), min_size=24, max_size=24))
    return Channel.model_validate(
        {
            "name": "one",
            "title": "One",
            "kind": "linear" if linear else "social",
            "platform": "linear.ftv" if linear else "social.youtube",
            "geo_blocking": not linear,
            "territories": draw(st.sampled_from([["GB"], ["GB", "DE"], ["WORLD"]])) if not linear else ["GB", "DE"],
            "time_zone": draw(st.sampled_from(ZONES)),
            "broadcast_day_start": draw(st.sampled_from(["00:00", "02:30", "06:00"])),
            "reach": {"source": "drawn", "hours": {"all": hours}},
            "daily_cap": draw(st.none() | st.integers(1, 3)),
            "min_gap_minutes": draw(st.sampled_from([0, 30, 180])),
            "title_separation_hours": draw(st.sampled_from([0, 5, 30])),
            "sponsor_separation_minutes": draw(st.sampled_from([0, 45, 200])),
            "watershed": draw(st.sampled_from([None, {}, {"start": "01:15", "end": "02:40"}])),
            "grid_minutes": draw(st.sampled_from([15, 60, 90])),
            "blackouts": draw(st.lists(_blackouts(), max_size=2)),
        }
    )


@st.composite
def _windows(draw: st.DrawFn) -> TimeRange:
    start = draw(st.sampled_from(WEEKS)) + timedelta(seconds=draw(st.integers(-36_000, 345_600)))
    seconds = draw(st.none() | st.integers(1, 240_000))
    return TimeRange(start=start, end=None if seconds is None else start + timedelta(seconds=seconds))


@st.composite
def _blackouts(draw: st.DrawFn) -> dict[str, Any]:
    return {"window": draw(_windows()), "reason": "drawn"}


@st.composite
def _cells(draw: st.DrawFn) -> ClearedCell:
    return ClearedCell(
        territories=tuple(draw(st.sets(st.sampled_from(PLACES), min_size=1))),
        platforms=(draw(st.sampled_from(["all", "social", "linear", "social.youtube"])),),
        verdict=draw(st.sampled_from(["CLEARED", "PARTIAL", "CLEARED", "CONDITIONAL"])),
        windows=tuple(draw(st.lists(_windows(), min_size=1, max_size=3))),
    )


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Channel, list[Placed], SlotRequest, datetime]:
    channel = draw(_channels())
    now = draw(st.sampled_from(WEEKS)) + timedelta(minutes=draw(st.integers(0, 600)))
    placed = [
        Placed(
            start := now + timedelta(minutes=15 * draw(st.integers(-100, 400))),
            f"pub_{n}",
            start + timedelta(minutes=45 if channel.kind == "linear" else 0),
            draw(st.sampled_from(["Butterfly", "Bunny"])),
            draw(st.sampled_from(["scheduled", "held", "live"])),
            draw(st.sampled_from(["", "cars", "beer"])),
            draw(st.integers(30, 70)),
            draw(st.booleans()),
        )
        for n in range(draw(st.integers(0, 8)))
    ]
    request = SlotRequest(
        title=draw(st.sampled_from(["butterfly", "Squirrel"])),
        media="sha256:" + "a" * 64,
        territories=frozenset(draw(st.sets(st.sampled_from(PLACES), min_size=1))),
        cleared=tuple(draw(st.lists(_cells(), min_size=1, max_size=4))),
        earliest=now,
        latest=now + SPAN,
        until=draw(st.none() | st.just(now + SPAN * 2)),
        duration_seconds=draw(st.sampled_from([15, 1800, 3600])),
        count=draw(st.integers(1, 5)),
        after_watershed=draw(st.booleans()),
        details=Details(sponsor=draw(st.sampled_from(["", "cars"]))),
    )
    return channel, placed, request, now


def _broadcast_date(channel: Channel, moment: datetime) -> date:
    """Written from the definition: the last day whose beginning is not after the moment."""
    zone, begins = ZoneInfo(channel.time_zone), time.fromisoformat(channel.broadcast_day_start)
    around = moment.astimezone(zone).date()
    days = [around + timedelta(days=n) for n in (-1, 0, 1)]
    return max(d for d in days if datetime.combine(d, begins, zone).astimezone(UTC) <= moment)


def _open(request: SlotRequest, place: str, platform: str, moment: datetime) -> bool:
    """Whether some cell opens this place at this instant."""
    return any(
        cell.verdict in ("CLEARED", "PARTIAL")
        and any(place == each or place.startswith(each + "-") for each in cell.territories)
        and any(each == "all" or platform == each or platform.startswith(each + ".") for each in cell.platforms)
        and any(w.start <= moment and (w.end is None or moment < w.end) for w in cell.windows)
        for cell in request.cleared
    )


def _breaks(channel: Channel, placed: list[Placed], request: SlotRequest, proposal: ChannelProposal) -> list[str]:
    return [
        broken
        for slot in proposal.slots
        for broken in (
            *_broken_rules(channel, _without_displaced(placed, slot), request, slot.start),
            *_broken_rights(channel, request, slot),
        )
    ]


def _without_displaced(placed: list[Placed], slot: Slot) -> list[Placed]:
    gone = {each.publication for each in slot.displaces}
    return [each for each in placed if each.id not in gone]


def _broken_rules(channel: Channel, placed: list[Placed], request: SlotRequest, start: datetime) -> Iterator[str]:
    until = start + timedelta(seconds=request.duration_seconds) if channel.kind == "linear" else start
    if not request.earliest < start < request.latest:
        yield "outside the asked starts, or not after now"
    for other in placed:
        if start == other.start or (start < other.until and other.start < until):
            yield "taken"
        if max(start - other.until, other.start - until) < timedelta(minutes=channel.min_gap_minutes):
            yield "gap"
        apart = abs(start - other.start)
        if other.title.lower() == request.title.lower() and apart < timedelta(hours=channel.title_separation_hours):
            yield "separation"
        gap = max(start - other.until, other.start - until)
        competing = request.details.sponsor != "" and other.sponsor == request.details.sponsor
        if competing and gap < timedelta(minutes=channel.sponsor_separation_minutes):
            yield "sponsors"
    day = _broadcast_date(channel, start)
    same = sum(_broadcast_date(channel, other.start) == day for other in placed)
    if channel.daily_cap is not None and same + 1 > channel.daily_cap:
        yield "cap"
    for window in (blackout.window for blackout in channel.blackouts):
        if (window.start <= start or window.start < until) and (window.end is None or start < window.end):
            yield "blackout"
    if request.after_watershed and channel.watershed is not None:
        opens, closes = time.fromisoformat(channel.watershed.start), time.fromisoformat(channel.watershed.end)
        moments = [start + timedelta(minutes=n) for n in range(61) if n == 0 or start + timedelta(minutes=n) < until]
        walls = [each.astimezone(ZoneInfo(channel.time_zone)).time() for each in moments]
        if not all(opens <= wall < closes or (closes < opens and (wall >= opens or wall < closes)) for wall in walls):
            yield "watershed"


def _broken_rights(channel: Channel, request: SlotRequest, slot: Slot) -> Iterator[str]:
    length = timedelta(seconds=request.duration_seconds)
    at_start = [piece for piece in slot.availability if piece.start == slot.start]
    if not any(piece.end is None or piece.end - piece.start >= length for piece in at_start):
        yield "nothing is open at the start for the length of the media"
    edges = [edge for cell in request.cleared for w in cell.windows for edge in (w.start, w.end) if edge is not None]
    for piece in slot.availability:
        last = (piece.end or piece.start + timedelta(days=900)) - timedelta(microseconds=1)
        moments = [piece.start, last, *(edge for edge in edges if piece.start <= edge <= last)]
        for place in piece.territories:
            if not all(_open(request, place, channel.platform, moment) for moment in moments):
                yield f"{place} is not cleared all the time"
    if channel.kind == "linear" and {t for piece in slot.availability for t in piece.territories} != {"GB", "DE"}:
        yield "a linear channel is seen everywhere it reaches"


@given(_cases())
def test_proposals_never_break_a_hard_constraint(case: tuple[Channel, list[Placed], SlotRequest, datetime]) -> None:
    channel, placed, request, now = case
    proposal = propose(Books(channel, placed), request, now)
    event("slots" if proposal.slots else "none")
    assert _breaks(channel, placed, request, proposal) == []


@given(_cases())
def test_only_what_has_a_lower_priority_and_may_still_be_moved_is_displaced_and_nothing_without_need(
    case: tuple[Channel, list[Placed], SlotRequest, datetime],
) -> None:
    channel, placed, request, now = case
    known = {each.id: each for each in placed}
    for slot in propose(Books(channel, placed), request, now).slots:
        for each in slot.displaces:
            other = known[each.publication]
            assert other.priority < request.details.priority
            assert (other.locked, other.state in ("held", "scheduled"), other.start > now) == (False, True, True)
            kept = [one for one in _without_displaced(placed, slot) if one.id != other.id]
            assert list(_broken_rules(channel, [*kept, other], request, slot.start)), "it could have stayed"
        event("displaces" if slot.displaces else "displaces nothing")


@given(_cases(), st.randoms(use_true_random=False))
def test_the_order_of_inputs_never_matters(
    case: tuple[Channel, list[Placed], SlotRequest, datetime], chance: Any
) -> None:
    channel, placed, request, now = case
    cells, others = list(request.cleared), list(placed)
    chance.shuffle(cells)
    chance.shuffle(others)
    shuffled = request.model_copy(update={"cleared": tuple(cells)})
    assert propose(Books(channel, others), shuffled, now) == propose(Books(channel, placed), request, now)


@given(_cases())
def test_a_refused_start_ranks_before_every_slot_and_a_free_one_is_always_found(
    case: tuple[Channel, list[Placed], SlotRequest, datetime],
) -> None:
    channel, placed, request, now = case
    proposal = propose(Books(channel, placed), request, now)
    best = proposal.slots[0].score if proposal.slots else 0
    assert all(refused.score >= best for refused in proposal.refused)
    assert bool(proposal.slots) or bool(proposal.refused)


@given(_cases(), st.lists(st.integers(-3, 3 * 24 * 60 * 4), min_size=1, max_size=20), st.booleans())
def test_when_no_start_is_possible_is_the_same_worked_out_at_once_and_start_by_start(
    case: tuple[Channel, list[Placed], SlotRequest, datetime], quarters: list[int], follows: bool
) -> None:
    channel, placed, request, now = case
    books = Books(channel, placed)
    length = timedelta(seconds=request.duration_seconds) if channel.kind == "linear" else timedelta()
    followed = placed[0] if follows and placed else None

    def wanted(start: datetime) -> Placed:
        follows = followed and followed.id
        return Placed(start, "", start + length, request.title, sponsor=request.details.sponsor, follows=follows)

    def judged(start: datetime) -> str | None:
        found = obstacle(books, wanted(start), now, after_watershed=request.after_watershed)
        return found and found.rule

    window = TimeRange(start=now, end=now + SPAN)
    known = Barred(barred(books, wanted(now), window, now, after_watershed=request.after_watershed))
    edges = [edge + by for each in placed for edge in (each.start, each.until, each.start - length) for by in STEPS]
    edges += [now + timedelta(seconds=15 * n) for n in quarters]
    for start in (each for each in edges if window.contains(each)):
        bar = known.at(start)
        assert (bar and bar.rule) == judged(start), start
        if bar is not None:
            last = min(bar.until, now + SPAN) - timedelta.resolution
            for later in (start + (last - start) / 2, last):
                assert judged(later) == bar.rule
