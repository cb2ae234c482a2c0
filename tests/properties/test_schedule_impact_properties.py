"""Least disturbance, against an oracle that tries everything: on small worlds no plan loses less or moves less.

The oracle has its own reading of the channel's rules and knows nothing of how the plan is made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product

from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule.change_nouns import BreakingNews, ChangeEvent, ChangePlan, ChannelDown, RightsChanged
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Books, placed
from holdback_servers.schedule.impact import World, plan_changes
from holdback_servers.schedule.model import Availability, Publication
from hypothesis import given, settings
from hypothesis import strategies as st

MEDIA, OTHER = ("sha256:" + digit * 64 for digit in "ab")
DAY = datetime(2026, 11, 24, tzinfo=UTC)
NOW = DAY - timedelta(hours=1)
STEP = timedelta(hours=2)
WITHIN = timedelta(hours=6)
REACH = (5, 5, 5, 5, 5, 5, 9, 9, 20, 20, 20, 20, 30, 30, 25, 25, 40, 45, 60, 80, 100, 90, 50, 20)


@dataclass(frozen=True)
class Item:
    """`length` in steps; on a social channel it takes no room."""

    slot: int
    length: int
    title: str
    priority: int
    locked: bool
    ours: bool


@dataclass(frozen=True)
class Rules:
    """What the channel asks, in steps."""

    linear: bool
    gap: int
    separation: int
    cap: int | None


items = st.builds(
    Item,
    slot=st.integers(0, 11),
    length=st.integers(1, 2),
    title=st.sampled_from("xyz"),
    priority=st.sampled_from([10, 50, 90]),
    locked=st.sampled_from([False, False, False, True]),
    ours=st.booleans(),
)
rules = st.builds(
    Rules,
    linear=st.booleans(),
    gap=st.integers(0, 1),
    separation=st.sampled_from([0, 0, 2, 3]),
    cap=st.sampled_from([None, None, 4]),
)


def _kept(rule: Rules, placed_: Sequence[tuple[int, Item]]) -> bool:
    """Whether these starts, in steps, keep every rule."""
    for index, (slot, item) in enumerate(placed_):
        ends = slot + (item.length if rule.linear else 0)
        for other_slot, other in placed_[:index]:
            other_ends = other_slot + (other.length if rule.linear else 0)
            if slot == other_slot or (slot < other_ends and other_slot < ends):
                return False
            if max(slot - other_ends, other_slot - ends) < rule.gap:
                return False
            if item.title == other.title and abs(slot - other_slot) < rule.separation:
                return False
    if rule.cap is None:
        return True
    days = [slot // 12 for slot, _ in placed_]
    return all(days.count(day) <= rule.cap for day in days)


def _books(rule: Rules, drawn: Sequence[Item]) -> list[Item]:
    """As many of the drawn items as go together."""
    kept: list[Item] = []
    for item in drawn:
        if _kept(rule, [(each.slot, each) for each in (*kept, item)]):
            kept.append(item)
    return kept


def _channel(rule: Rules) -> Channel:
    kind = "linear" if rule.linear else "social"
    return Channel.model_validate(
        {
            "name": "one",
            "title": "One",
            "kind": kind,
            "platform": "linear.ftv" if rule.linear else "social.youtube",
            "territories": ["GB"],
            "geo_blocking": not rule.linear,
            "broadcast_day_start": "00:00",
            "reach": {"source": "invented", "hours": {"all": REACH}},
            "min_gap_minutes": rule.gap * 120,
            "title_separation_hours": rule.separation * 2,
            "daily_cap": rule.cap,
            "grid_minutes": 120,
        }
    )


def _publication(channel: Channel, index: int, item: Item) -> Publication:
    start = DAY + item.slot * STEP
    end = start + item.length * STEP if channel.kind == "linear" else None
    return Publication.model_validate(
        {
            "id": f"pub_{index}",
            "channel": "one",
            "platform": channel.platform,
            "title": item.title,
            "media": MEDIA if item.ours else OTHER,
            "availability": [Availability(territories=("GB",), start=start, end=end)],
            "start": start,
            "end": end,
            "state": "scheduled",
            "clearance": "clr_A",
            "by": "person:sam",
            "on_behalf_of": "person:sam",
            "locked": item.locked,
            "details": {"priority": item.priority},
        }
    )


def _planned(rule: Rules, event: ChangeEvent, books: Sequence[Item]) -> ChangePlan:
    channel = _channel(rule)
    found = {f"pub_{index}": _publication(channel, index, item) for index, item in enumerate(books)}
    always = (ClearedCell(territories=("GB",), platforms=("all",), windows=(TimeRange(start=NOW),)),)
    shelf = {"one": Books(channel, [placed(channel, each) for each in found.values()])}
    world = World(shelf, found, NOW, dict.fromkeys(found, always), WITHIN)
    return plan_changes(event, world)


def _slots(plan: ChangePlan) -> dict[int, int | None]:
    """Where each publication of the plan goes, in steps; None for what is lost."""
    found: dict[int, int | None] = {}
    for each in plan.changes:
        if each.action in ("move", "cancel"):
            steps = divmod(each.after[0].start - DAY, STEP) if each.after else (None, timedelta())
            assert not steps[1], "a start off the grid"
            found[int(each.publication.removeprefix("pub_"))] = steps[0]
    return found


Cost = tuple[int, int, int]


def _cost(books: Sequence[Item], slots: dict[int, int | None]) -> Cost:
    lost = [books[index].priority for index, slot in slots.items() if slot is None]
    moved = sum(abs(slot - books[index].slot) for index, slot in slots.items() if slot is not None)
    return len(lost), sum(lost), moved


def _ways(
    rule: Rules,
    books: Sequence[Item],
    leaving: Sequence[int],
    allowed: dict[int, list[int]],
    fixed: Sequence[tuple[int, Item]],
) -> Iterator[dict[int, int | None]]:
    """Every way to give what leaves another start, or none, that keeps every rule."""
    stays = [(item.slot, item) for index, item in enumerate(books) if index not in leaving]
    for chosen in product(*([*allowed[index], None] for index in leaving)):
        there = [(slot, books[index]) for index, slot in zip(leaving, chosen, strict=True) if slot is not None]
        if _kept(rule, [*fixed, *stays, *there]):
            yield dict(zip(leaving, chosen, strict=True))


def _is_least(books: Sequence[Item], slots: dict[int, int | None], ways: Sequence[dict[int, int | None]]) -> None:
    assert slots in ways, "a way that breaks a rule"
    assert _cost(books, slots) == min(_cost(books, way) for way in ways)


def _near(books: Sequence[Item], index: int, cleared: Sequence[int]) -> list[int]:
    """The starts that may be tried: cleared, not its own, as far as WITHIN beyond the nearest cleared one."""
    at = books[index].slot
    possible = [slot for slot in cleared if slot >= 0]
    if not possible:
        return []
    nearest = min(abs(slot - at) for slot in possible)
    return [slot for slot in possible if slot != at and abs(slot - at) <= nearest + WITHIN // STEP]


@given(rules, st.lists(items, min_size=1, max_size=6), st.integers(0, 10), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_a_channel_that_is_down_moves_what_it_must_and_that_as_little_as_possible(
    rule: Rules, drawn: list[Item], first: int, length: int
) -> None:
    books = _books(rule, drawn)
    window = TimeRange(start=DAY + first * STEP, end=DAY + (first + length) * STEP)
    slots = _slots(_planned(rule, ChannelDown(channel="one", window=window), books))

    def hit(slot: int, item: Item) -> bool:
        return first <= slot < first + length or (rule.linear and slot < first < slot + item.length)

    leaving = [index for index, item in enumerate(books) if hit(item.slot, item) and not item.locked]
    assert sorted(slots) == leaving
    allowed = {index: [s for s in _near(books, index, range(24)) if not hit(s, books[index])] for index in leaving}
    _is_least(books, slots, list(_ways(rule, books, leaving, allowed, [])))


@given(rules, st.lists(items, min_size=1, max_size=6), st.integers(0, 11), st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_rights_that_shrink_move_only_what_they_no_longer_cover_and_that_as_little_as_possible(
    rule: Rules, drawn: list[Item], first: int, length: int
) -> None:
    books = _books(rule, drawn)
    opens = TimeRange(start=DAY + first * STEP, end=DAY + (first + length) * STEP if length else None)
    cells = (ClearedCell(territories=("GB",), platforms=("all",), windows=(opens,)),)
    slots = _slots(_planned(rule, RightsChanged(media=MEDIA, cells=cells), books))

    def fits(slot: int, item: Item) -> bool:
        ends = slot + (item.length if rule.linear else 1)
        return first <= slot and (length == 0 or ends <= first + length)

    leaving = [i for i, item in enumerate(books) if item.ours and not item.locked and not fits(item.slot, item)]
    assert sorted(slots) == leaving
    allowed = {i: _near(books, i, [s for s in range(40) if fits(s, books[i])]) for i in leaving}
    _is_least(books, slots, list(_ways(rule, books, leaving, allowed, [])))


@given(rules, st.lists(items, min_size=1, max_size=6), st.integers(0, 11), st.integers(1, 2))
@settings(max_examples=60, deadline=None)
def test_breaking_news_displaces_no_more_than_it_must_and_moves_it_as_little_as_possible(
    rule: Rules, drawn: list[Item], slot: int, length: int
) -> None:
    books = _books(rule, drawn)
    news = Item(slot, length, "news", 60, locked=True, ours=False)
    event = BreakingNews(
        channel="one", start=DAY + slot * STEP, duration_seconds=length * 7200, title="news", priority=60
    )
    plan = _planned(rule, event, books)
    able = [index for index, item in enumerate(books) if not item.locked and item.priority < 60]
    sets = [{i for i, taken in enumerate(way) if taken} for way in product([False, True], repeat=len(books))]
    free = [
        chosen
        for chosen in sets
        if chosen <= set(able)
        and _kept(rule, [(slot, news), *((item.slot, item) for i, item in enumerate(books) if i not in chosen)])
    ]
    if not free:
        assert plan.refused
        return
    slots = _slots(plan)
    assert len(slots) == min(len(chosen) for chosen in free)
    allowed = {index: _near(books, index, range(24)) for index in slots}
    ways = list(_ways(rule, books, sorted(slots), allowed, [(slot, news)]))
    _is_least(books, slots, ways)
