"""No plan breaks a rule: a checker written from the rules' own words judges what is planned, in many zones."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Books, Placed
from holdback_servers.schedule.plan_nouns import ManyPlan, Placement, PlanItem, PlanRequest
from holdback_servers.schedule.plans import plan
from hypothesis import event, given
from hypothesis import strategies as st

# weeks in which clocks change somewhere, and one in which they do not
WEEKS = [datetime(2027, 3, 26, tzinfo=UTC), datetime(2027, 10, 29, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)]
ZONES = ["Europe/London", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]
PLACES = ["GB", "DE", "US", "US-CA"]
SPAN = timedelta(days=3)


class World(NamedTuple):
    books: dict[str, Books]
    request: PlanRequest
    now: datetime

    def planned(self) -> ManyPlan:
        return plan(self.books, self.request, self.now)


@st.composite
def _channels(draw: st.DrawFn, name: str, week: datetime) -> Channel:
    linear = draw(st.booleans())
    return Channel.model_validate(
        {
            "name": name,
            "title": name,
            "kind": "linear" if linear else "social",
            "platform": "linear.ftv" if linear else "social.youtube",
            "geo_blocking": not linear,
            "territories": ["GB", "DE"] if linear else draw(st.sampled_from([["GB"], ["GB", "DE"], ["WORLD"]])),
            "time_zone": draw(st.sampled_from(ZONES)),
            "broadcast_day_start": draw(st.sampled_from(["00:00", "02:30", "06:00"])),
            "reach": {"source": "drawn", "hours": {"all": draw(st.lists(st.integers(0, 9), min_size=24, max_size=24))}},
            "daily_cap": draw(st.none() | st.integers(1, 3)),
            "min_gap_minutes": draw(st.sampled_from([0, 30, 180])),
            "title_separation_hours": draw(st.sampled_from([0, 5, 30])),
            "sponsor_separation_minutes": draw(st.sampled_from([0, 200])),
            "watershed": draw(st.none() | st.just({})),
            "grid_minutes": draw(st.sampled_from([30, 90])),
            "blackouts": [{"window": each, "reason": "drawn"} for each in draw(st.lists(_windows(week), max_size=2))],
        }
    )


@st.composite
def _windows(draw: st.DrawFn, week: datetime) -> TimeRange:
    start = week + timedelta(minutes=draw(st.integers(-600, 3000)), seconds=draw(st.sampled_from([0, 13])))
    minutes = draw(st.none() | st.integers(1, 4000))
    return TimeRange(start=start, end=None if minutes is None else start + timedelta(minutes=minutes))


@st.composite
def _items(draw: st.DrawFn, key: str, week: datetime, followed: list[str]) -> PlanItem:
    cells = st.builds(
        lambda places, platform, verdict, windows: ClearedCell(
            territories=tuple(sorted(places)), platforms=(platform,), verdict=verdict, windows=tuple(windows)
        ),
        st.sets(st.sampled_from(PLACES), min_size=1),
        st.sampled_from(["all", "social", "linear"]),
        st.sampled_from(["CLEARED", "PARTIAL", "CLEARED", "CONDITIONAL"]),
        st.lists(_windows(week), min_size=1, max_size=2),
    )
    follows = draw(st.sampled_from([None, None, None, None, *followed]))
    return PlanItem(
        key=key,
        title=draw(st.sampled_from(["Butterfly", "butterfly", "Bunny", key])),
        media="sha256:" + "a" * 64,
        duration_seconds=draw(st.sampled_from([15, 1800, 5400])),
        territories=frozenset(draw(st.sampled_from([["GB"], ["GB", "DE"], ["DACH", "US-CA"], ["US"]]))),
        cleared=(*draw(st.lists(cells, max_size=3)), *_everything(draw(st.booleans()))),
        earliest=draw(st.none() | st.just(week + timedelta(hours=20, seconds=7))),
        latest=draw(st.none() | st.just(week + timedelta(hours=40))),
        until=draw(st.none() | st.just(week + timedelta(hours=60))),
        after_watershed=draw(st.booleans()),
        copies=draw(st.sampled_from(["each", "one"])),
        weight=draw(st.integers(1, 100)),
        details={
            "sponsor": draw(st.sampled_from(["", "cars", "Cars"])),
            "start_mode": "follow" if follows else "fixed",
            "follows": follows,
        },
    )


def _everything(all_open: bool) -> list[ClearedCell]:
    open_ = TimeRange(start=datetime(2026, 1, 1, tzinfo=UTC))
    return [ClearedCell(territories=("GB", "DE", "US"), platforms=("all",), windows=(open_,))] if all_open else []


@st.composite
def _worlds(draw: st.DrawFn) -> World:
    week = draw(st.sampled_from(WEEKS))
    now = week + timedelta(minutes=draw(st.integers(0, 600)))
    books: dict[str, Books] = {}
    for name in ("one", "two")[: draw(st.integers(1, 2))]:
        channel = draw(_channels(name, week))
        length = timedelta(minutes=45 if channel.kind == "linear" else 0)
        placed = [
            Placed(
                start := now + timedelta(minutes=15 * draw(st.integers(-100, 300))),
                f"pub_{name}_{n}",
                start + length,
                draw(st.sampled_from(["Butterfly", "Bunny"])),
                sponsor=draw(st.sampled_from(["", "cars"])),
            )
            for n in range(draw(st.integers(0, 4)))
        ]
        books[name] = Books(channel, placed)
    followed = [each.id for each in books["one"].placed]
    items = tuple(draw(_items(f"i{n}", week, followed)) for n in range(draw(st.integers(1, 7))))
    return World(books, PlanRequest(items=items, start=week, end=week + SPAN), now)


# --- the checker


class Stands(NamedTuple):
    name: str
    title: str
    sponsor: str
    start: datetime
    until: datetime


def _broadcast_date(channel: Channel, moment: datetime) -> date:
    zone, begins = ZoneInfo(channel.time_zone), time.fromisoformat(channel.broadcast_day_start)
    around = moment.astimezone(zone).date()
    days = [around + timedelta(days=n) for n in (-1, 0, 1)]
    return max(d for d in days if datetime.combine(d, begins, zone).astimezone(UTC) <= moment)


def _open(cells: tuple[ClearedCell, ...], place: str, platform: str, moment: datetime) -> bool:
    return any(
        cell.verdict in ("CLEARED", "PARTIAL")
        and any(place == each or place.startswith(each + "-") for each in cell.territories)
        and any(each == "all" or platform == each or platform.startswith(each + ".") for each in cell.platforms)
        and any(w.start <= moment and (w.end is None or moment < w.end) for w in cell.windows)
        for cell in cells
    )


def _stands(world: World, answer: ManyPlan, name: str) -> list[Stands]:
    items = {each.key: each for each in world.request.items}
    linear = world.books[name].channel.kind == "linear"
    found = [Stands(p.id, p.title, p.sponsor, p.start, p.until) for p in world.books[name].placed]
    for each in (p for p in answer.placements if p.channel == name):
        item = items[each.item]
        length = timedelta(seconds=item.duration_seconds if linear else 0)
        start = each.slot.start
        found.append(Stands(item.key, item.title, item.details.sponsor, start, start + length))
    return found


def _broken(world: World, answer: ManyPlan) -> Iterator[str]:
    for name, books in world.books.items():
        there = _stands(world, answer, name)
        new = {each.item for each in answer.placements if each.channel == name}
        for one in (each for each in there if each.name in new):
            for other in (each for each in there if each is not one):
                yield from _broken_pair(books.channel, one, other)
            if books.channel.daily_cap is not None:
                day = _broadcast_date(books.channel, one.start)
                same = sum(_broadcast_date(books.channel, each.start) == day for each in there)
                if same > books.channel.daily_cap:
                    yield "cap"
    for each in answer.placements:
        item = next(item for item in world.request.items if item.key == each.item)
        channel = world.books[each.channel].channel
        yield from _broken_alone(world, channel, item, each)
        yield from _broken_rights(world, channel, item, each)
    yield from _counted_wrong(world, answer)


def _broken_pair(channel: Channel, one: Stands, other: Stands) -> Iterator[str]:
    if one.start == other.start or (one.start < other.until and other.start < one.until):
        yield "taken"
    apart = max(one.start - other.until, other.start - one.until)
    if apart < timedelta(minutes=channel.min_gap_minutes):
        yield "gap"
    compete = bool(one.sponsor) and one.sponsor.lower() == other.sponsor.lower()
    if compete and apart < timedelta(minutes=channel.sponsor_separation_minutes):
        yield "sponsors"
    same = one.title.lower() == other.title.lower()
    if same and abs(one.start - other.start) < timedelta(hours=channel.title_separation_hours):
        yield "separation"


def _broken_alone(world: World, channel: Channel, item: PlanItem, found: Placement) -> Iterator[str]:
    start = found.slot.start
    until = start + timedelta(seconds=item.duration_seconds if channel.kind == "linear" else 0)
    if (
        not max(world.request.start, item.earliest or start)
        <= start
        < min(world.request.end, item.latest or SPAN + start)
    ):
        yield "outside the asked starts"
    if start <= world.now:
        yield "past"
    for window in (blackout.window for blackout in channel.blackouts):
        if (window.start <= start or window.start < until) and (window.end is None or start < window.end):
            yield "blackout"
    if item.after_watershed and channel.watershed is not None:
        moments = [start, max(start, until - timedelta(seconds=1))]
        walls = [moment.astimezone(ZoneInfo(channel.time_zone)).time() for moment in moments]
        if any(time(5, 30) <= wall < time(21) for wall in walls):
            yield "watershed"
    if item.details.follows is not None:
        before = next((p for p in world.books[channel.name].placed if p.id == item.details.follows), None)
        if before is None or before.until != start:
            yield "follow"


def _broken_rights(world: World, channel: Channel, item: PlanItem, found: Placement) -> Iterator[str]:
    slot, length = found.slot, timedelta(seconds=item.duration_seconds)
    at_start = [piece for piece in slot.availability if piece.start == slot.start]
    if not any(piece.end is None or piece.end - piece.start >= length for piece in at_start):
        yield "nothing is open at the start for the length of the media"
    edges = [edge for cell in item.cleared for w in cell.windows for edge in (w.start, w.end) if edge is not None]
    asked = {"AT", "CH", "DE", "LI", "GB", "US", "US-CA"}
    for piece in slot.availability:
        last = (piece.end or piece.start + timedelta(days=900)) - timedelta(microseconds=1)
        if item.until is not None and channel.kind != "linear" and (piece.end is None or piece.end > item.until):
            yield "up for longer than asked"
        moments = [piece.start, last, *(edge for edge in edges if piece.start <= edge <= last)]
        for place in piece.territories:
            if not all(_open(item.cleared, place, channel.platform, moment) for moment in moments):
                yield f"{place} is not cleared all the time"
            if channel.geo_blocking and place not in asked:
                yield f"{place} was not asked for"
    if channel.kind == "linear" and {t for piece in slot.availability for t in piece.territories} != {"GB", "DE"}:
        yield "a linear channel is seen everywhere it reaches"


def _counted_wrong(world: World, answer: ManyPlan) -> Iterator[str]:
    pairs = [(each.item, each.channel) for each in answer.placements]
    if len(set(pairs)) != len(pairs):
        yield "placed twice on a channel"
    for item in world.request.items:
        times = sum(each.item == item.key for each in answer.placements)
        missing = sum(each.item == item.key for each in answer.unplaced)
        if item.copies == "one" and times + missing != 1:
            yield "an item that is wanted once is told once"
        if item.copies == "each" and times + missing < 1:
            yield "an item is told nowhere"
    local = [
        each.slot.value
        == next(i.weight for i in world.request.items if i.key == each.item)
        * world.books[each.channel].channel.reach.at(each.slot.start.astimezone(world.books[each.channel].channel.zone))
        for each in answer.placements
    ]
    if not all(local) or answer.value != sum(each.slot.value for each in answer.placements):
        yield "the value is not weight times reach"


@given(_worlds())
def test_a_plan_never_breaks_a_hard_constraint(world: World) -> None:
    answer = world.planned()
    event(f"{min(len(answer.placements), 5)} placed")
    assert list(_broken(world, answer)) == []


@given(_worlds())
def test_the_same_question_has_the_same_plan(world: World) -> None:
    assert world.planned() == world.planned()


@given(_worlds())
def test_what_did_not_fit_has_no_free_start_left(world: World) -> None:
    """Each start of what is not placed breaks a rule, when it is judged by the checker beside all that is placed."""
    answer = world.planned()
    for missing in answer.unplaced:
        item = next(each for each in world.request.items if each.key == missing.item)
        if item.copies == "one":
            continue
        books = world.books[missing.channel]
        moment = max(world.now + timedelta(seconds=1), world.request.start)
        step = timedelta(minutes=books.channel.grid_minutes)
        zone, begins = books.channel.zone, time.fromisoformat(books.channel.broadcast_day_start)
        day = _broadcast_date(books.channel, moment)
        for n in range(4):
            at = datetime.combine(day + timedelta(days=n), begins, zone).astimezone(UTC)
            following = datetime.combine(day + timedelta(days=n + 1), begins, zone).astimezone(UTC)
            while at < following:
                if not _would_break(world, answer, item, books.channel, at):
                    pytest.fail(f"{item.key} fits {books.channel.name} at {at}, and was not placed")
                at += step


def _would_break(world: World, answer: ManyPlan, item: PlanItem, channel: Channel, at: datetime) -> bool:
    linear = channel.kind == "linear"
    until = at + timedelta(seconds=item.duration_seconds)
    places = {"GB", "DE"} if linear else _asked(item) & set(channel.reaches(world.now))
    cells, edges = item.cleared, [e for c in item.cleared for w in c.windows for e in (w.start, w.end) if e is not None]
    moments = [at, until - timedelta(microseconds=1), *(e for e in edges if at <= e < until)]
    up = item.until is None or until <= item.until
    seen = [all(_open(cells, place, channel.platform, moment) for moment in moments) for place in sorted(places)]
    if not up or not seen or not (all(seen) if linear else any(seen)):
        return True
    piece: dict[str, Any] = {"territories": ("GB",), "start": at, "end": until}
    slot = {"start": at, "day": at.date(), "local_start": "", "reach": 0, "value": 0, "availability": (piece,)}
    wanted = Placement.model_validate({"item": item.key, "title": item.title, "channel": channel.name, "slot": slot})
    if list(_broken_alone(world, channel, item, wanted)):
        return True
    there = _stands(world, answer, channel.name)
    one = Stands(item.key, item.title, item.details.sponsor, at, until if linear else at)
    day = _broadcast_date(channel, at)
    full = channel.daily_cap is not None and channel.daily_cap <= sum(
        _broadcast_date(channel, each.start) == day for each in there
    )
    return full or any(True for other in there for _ in _broken_pair(channel, one, other))


def _asked(item: PlanItem) -> set[str]:
    return {place for each in item.territories for place in (("AT", "CH", "DE") if each == "DACH" else (each,))}
