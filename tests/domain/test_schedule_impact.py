"""When the world moves: what comes down, what is shortened, what moves and where to, and what nobody touches."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule.change_nouns import (
    AssetPulled,
    BreakingNews,
    Change,
    ChangeEvent,
    ChangePlan,
    ChannelDown,
    ClearanceLost,
    EmbargoLifted,
    RightsChanged,
)
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Books, placed
from holdback_servers.schedule.impact import World, plan_changes
from holdback_servers.schedule.model import Availability, Publication, arranged, availability_bounds

MEDIA, OTHER = ("sha256:" + digit * 64 for digit in "ab")
HOURS = (10,) * 7 + (30,) * 5 + (40,) * 5 + (60, 75, 95, 100, 90, 60, 30)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOW = _at("2026-11-22T13:00")


def _channel(**fields: Any) -> Channel:
    given: dict[str, Any] = {
        "name": "tube",
        "title": "Tube",
        "kind": "social",
        "platform": "social.youtube",
        "territories": ("WORLD",),
        "reach": {"source": "invented", "hours": {"all": HOURS}},
        "takedown_lead_minutes": 10,
    }
    return Channel.model_validate(given | fields)


TUBE = _channel()
ONE = _channel(name="one", kind="linear", platform="linear.ftv", territories=("GB",), geo_blocking=False)


def _piece(territories: str, start: str, end: str | None = None) -> Availability:
    return Availability(territories=tuple(territories.split()), start=_at(start), end=None if end is None else _at(end))


def _cell(territories: str, start: str, end: str | None = None) -> ClearedCell:
    window = TimeRange(start=_at(start), end=None if end is None else _at(end))
    return ClearedCell(territories=tuple(territories.split()), platforms=("all",), windows=(window,))


def _publication(name: str, *pieces: Availability, channel: Channel = TUBE, **fields: Any) -> Publication:
    start, end = availability_bounds(pieces)
    given: dict[str, Any] = {
        "id": f"pub_{name}",
        "channel": channel.name,
        "platform": channel.platform,
        "title": name,
        "media": MEDIA,
        "availability": arranged(pieces),
        "start": start,
        "end": end,
        "state": "scheduled",
        "clearance": "clr_ONE",
        "by": "person:sam",
        "on_behalf_of": "person:sam",
    }
    return Publication.model_validate(given | fields)


def _show(name: str, start: str, end: str, **fields: Any) -> Publication:
    return _publication(name, _piece("GB", start, end), channel=ONE, **fields)


def _plan(event: ChangeEvent, *publications: Publication, channels: tuple[Channel, ...] = (TUBE, ONE)) -> ChangePlan:
    books = {
        each.name: Books(each, [placed(each, one) for one in publications if one.channel == each.name])
        for each in channels
    }
    cells = {one.id: (_cell("GB", "2026-11-01", "2027-01-01"),) for one in publications if one.clearance}
    return plan_changes(event, World(books, {one.id: one for one in publications}, NOW, cells))


def _said(plan: ChangePlan) -> list[tuple[str, str]]:
    return [(each.action, each.title) for each in plan.changes]


def _only(plan: ChangePlan) -> Change:
    assert len(plan.changes) == 1
    return plan.changes[0]


LOST = ClearanceLost(clearance="clr_ONE")


def test_without_its_clearance_what_is_on_show_comes_down_and_what_waits_is_off_the_books() -> None:
    live = _publication("live", _piece("GB DE", "2026-11-20"), state="live")
    waits = _publication("waits", _piece("GB", "2026-11-25T20:00"))
    other = _publication("other", _piece("GB", "2026-11-26T20:00"), clearance="clr_TWO")
    plan = _plan(LOST, waits, live, other)
    assert _said(plan) == [("take_down", "live"), ("cancel", "waits")]
    down = plan.changes[0]
    assert down.after == (_piece("DE GB", "2026-11-20", "2026-11-22T13:00"),)
    assert (down.due, down.needs_person, plan.unchanged) == (NOW, False, 1)
    assert plan.changes[1].after == ()


def test_rights_that_end_sooner_end_what_is_on_show_and_it_is_ordered_down_in_time() -> None:
    live = _publication("live", _piece("GB DE", "2026-11-20"), state="live")
    change = _only(_plan(RightsChanged(media=MEDIA, cells=(_cell("GB DE", "2026-11-01", "2026-12-01"),)), live))
    assert (change.action, change.due) == ("shorten", _at("2026-11-30T23:50"))
    assert change.after == (_piece("DE GB", "2026-11-20", "2026-12-01"),)
    assert change.reasons == ("not 2026-12-01T00:00:00Z onwards any longer in DE, GB (social.youtube)",)


def test_a_territory_that_is_lost_comes_down_there_and_stays_elsewhere() -> None:
    live = _publication("live", _piece("GB DE", "2026-11-20"), state="live")
    waits = _publication("waits", _piece("GB DE", "2026-11-28"))
    plan = _plan(RightsChanged(media=MEDIA, cells=(_cell("GB", "2026-11-01"),)), live, waits)
    assert _said(plan) == [("shorten", "live"), ("shorten", "waits")]
    assert plan.changes[0].after == (_piece("DE", "2026-11-20", "2026-11-22T13:00"), _piece("GB", "2026-11-20"))
    assert plan.changes[0].due == NOW
    assert plan.changes[1].after == (_piece("GB", "2026-11-28"),)
    assert plan.changes[1].reasons == ("not at all any longer in DE (social.youtube)",)


def test_what_is_cleared_as_before_is_kept_and_said_to_be() -> None:
    waits = _publication("waits", _piece("GB", "2026-11-25T20:00", "2026-11-30"))
    event = ClearanceLost(clearance="clr_ONE", cells=(_cell("GB", "2026-11-25T20:00", "2026-11-30"),))
    assert (_said(_plan(event, waits)), _plan(event, waits).needs_person) == ([("keep", "waits")], ())


def test_an_embargo_that_comes_later_moves_the_start_to_the_second_and_keeps_the_end() -> None:
    waits = _publication("waits", _piece("GB", "2026-11-25T20:00", "2026-12-10"))
    cells = (_cell("GB", "2026-11-26T00:00:07", "2026-12-24"),)
    change = _only(_plan(RightsChanged(media=MEDIA, cells=cells), waits))
    assert change.action == "move"
    assert change.after == (_piece("GB", "2026-11-26T00:00:07", "2026-12-10"),)
    assert change.moved_seconds == 4 * 3600 + 7


def test_a_slot_that_is_taken_at_the_opening_is_passed_over_and_said() -> None:
    tube = _channel(min_gap_minutes=60)
    waits = _publication("waits", _piece("GB", "2026-11-25T20:00"), channel=tube)
    other = _publication("other", _piece("GB", "2026-11-26T00:30"), channel=tube, media=OTHER)
    event = RightsChanged(media=MEDIA, cells=(_cell("GB", "2026-11-26"),))
    change = _only(_plan(event, waits, other, channels=(tube,)))
    assert change.after[0].start == _at("2026-11-26T01:30")
    assert "Thu 26 Nov 2026 00:00 UTC is nearer, but MIN_GAP: 30 min before 'other'" in change.reasons[2]


def test_a_stretch_too_short_for_the_media_or_for_taking_it_down_is_left_out() -> None:
    waits = _publication("waits", _piece("GB DE", "2026-11-25T20:00"))
    cells = (_cell("GB", "2026-11-01", "2026-11-25T20:10"), _cell("DE", "2026-11-01", "2026-11-25T20:11"))
    change = _only(_plan(RightsChanged(media=MEDIA, cells=cells), waits))
    assert change.after == (_piece("DE", "2026-11-25T20:00", "2026-11-25T20:11"),)


def test_a_locked_one_is_never_moved_but_shortened_like_any_other_and_a_person_is_told() -> None:
    later = _publication("later", _piece("GB", "2026-11-25T20:00", "2026-12-10"), locked=True)
    event = RightsChanged(media=MEDIA, cells=(_cell("GB", "2026-11-26"),))
    change = _only(_plan(event, later))
    assert (change.action, change.needs_person, change.after) == ("keep", True, later.availability)
    assert change.reasons[0].startswith("locked, and not cleared as it stands")
    event = RightsChanged(media=MEDIA, cells=(_cell("GB", "2026-11-01", "2026-12-01"),))
    assert (_only(_plan(event, later)).action, _only(_plan(event, later)).needs_person) == ("shorten", False)


def test_pulled_media_goes_everywhere_at_once_locked_or_not() -> None:
    live = _publication("live", _piece("GB", "2026-11-20"), state="live", locked=True)
    held = _publication("held", _piece("GB", "2026-11-25"), state="held", clearance=None, locked=True)
    ended = _publication("ended", _piece("GB", "2026-11-01", "2026-11-02"), state="expired")
    plan = _plan(AssetPulled(media=MEDIA), held, live, ended)
    assert _said(plan) == [("take_down", "live"), ("cancel", "held")]
    assert plan.unchanged == 1


def test_a_transmission_leaves_the_time_at_which_the_channel_is_down_for_the_nearest_free_one() -> None:
    show = _show("show", "2026-11-25T20:00", "2026-11-25T21:00")
    after = _show("after", "2026-11-25T22:00", "2026-11-25T23:00", media=OTHER)
    window = TimeRange(start=_at("2026-11-25T20:30"), end=_at("2026-11-25T21:00"))
    change = _only(_plan(ChannelDown(channel="one", window=window), show, after))
    assert change.after == (_piece("GB", "2026-11-25T19:30", "2026-11-25T20:30"),)
    assert change.reasons == (
        "the channel is down then",
        "moved 30 min earlier, to the nearest start that is free and cleared",
        "Wed 25 Nov 2026 20:15 UTC is nearer, but BLACKOUT: blackout: the channel is down "
        "(2026-11-25T20:30:00Z to 2026-11-25T21:00:00Z)",
    )


def test_of_two_starts_that_are_as_near_the_one_with_more_reach_is_taken() -> None:
    show = _show("show", "2026-11-25T18:00", "2026-11-25T19:00")
    window = TimeRange(start=_at("2026-11-25T18:00"), end=_at("2026-11-25T19:00"))
    assert _only(_plan(ChannelDown(channel="one", window=window), show)).after[0].start == _at("2026-11-25T19:00")


def test_what_is_locked_or_on_air_when_the_channel_is_down_is_left_and_told_to_a_person() -> None:
    live = _show("live", "2026-11-22T12:30", "2026-11-22T14:00", state="live")
    locked = _show("locked", "2026-11-22T15:00", "2026-11-22T16:00", locked=True)
    down = ChannelDown(channel="one", window=TimeRange(start=_at("2026-11-22T13:30")))
    plan = _plan(down, live, locked)
    assert _said(plan) == [("keep", "live"), ("keep", "locked")]
    assert plan.needs_person == ("pub_live", "pub_locked")


def test_what_would_come_down_or_join_while_the_channel_is_down_does_so_before_or_after() -> None:
    live = _publication("live", _piece("GB", "2026-11-20", "2026-11-23T12:05"), _piece("DE", "2026-11-23T11:00"))
    down = ChannelDown(channel="tube", window=TimeRange(start=_at("2026-11-23T10:00"), end=_at("2026-11-23T12:00")))
    change = _only(_plan(down, live.model_copy(update={"state": "live"})))
    assert change.action == "shorten"
    assert change.after == (_piece("GB", "2026-11-20", "2026-11-23T10:00"), _piece("DE", "2026-11-23T12:00"))
    assert change.due == _at("2026-11-23T09:50")


def test_an_end_that_falls_into_an_outage_that_has_begun_is_told_to_a_person() -> None:
    live = _publication("live", _piece("GB", "2026-11-20", "2026-11-22T14:00"), state="live")
    down = ChannelDown(channel="tube", window=TimeRange(start=_at("2026-11-22T12:00"), end=_at("2026-11-22T15:00")))
    change = _only(_plan(down, live))
    assert (change.action, change.needs_person) == ("keep", True)
    assert "it must come down in GB" in change.reasons[0]


def _news(start: str = "2026-11-25T20:00", minutes: int = 30, **fields: Any) -> BreakingNews:
    given = {"channel": "one", "start": _at(start), "duration_seconds": minutes * 60, "title": "News", "priority": 90}
    return BreakingNews.model_validate(given | fields)


def test_breaking_news_displaces_what_is_lower_and_unlocked_to_the_nearest_start() -> None:
    show = _show("show", "2026-11-25T20:00", "2026-11-25T21:00")
    later = _show("later", "2026-11-25T21:30", "2026-11-25T22:00", media=OTHER)
    plan = _plan(_news(), show, later)
    change = _only(plan)
    assert change.after == (_piece("GB", "2026-11-25T20:30", "2026-11-25T21:30"),)
    assert change.reasons[0] == "makes room for 'News': SLOT_TAKEN"
    assert plan.unchanged == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"locked": True}, "'show' is locked"),
        ({"details": {"priority": 90}}, "'show' has priority 90"),
        ({"state": "live", "availability": (_piece("GB", "2026-11-22T12:30", "2026-11-25T21:00"),)}, "is on air"),
    ],
)
def test_breaking_news_is_refused_where_something_does_not_give_way(fields: dict[str, Any], said: str) -> None:
    show = _show("show", "2026-11-25T20:00", "2026-11-25T21:00")
    start = min(piece.start for piece in fields.get("availability", show.availability))
    plan = _plan(_news(), Publication.model_validate(show.model_dump() | {"start": start} | fields))
    assert plan.changes == ()
    assert said in plan.refused[0]
    assert "Cannot be done: SLOT_TAKEN" in plan.text()


def test_nothing_that_starts_before_the_lock_is_displaced_and_nothing_moves_to_before_it() -> None:
    show = _show("show", "2026-11-25T20:00", "2026-11-25T21:00")
    assert _only(_plan(_news("2026-11-25T20:30"), show)).after[0].start == _at("2026-11-25T19:30")
    locked = _news("2026-11-25T20:30", not_before=_at("2026-11-25T20:00"))
    assert _only(_plan(locked, show)).after[0].start == _at("2026-11-25T21:00")
    refused = _plan(_news("2026-11-25T20:30", not_before=_at("2026-11-25T20:15")), show).refused
    assert "starts before 2026-11-25T20:15:00Z, until when nothing is moved" in refused[0]


def test_on_a_full_day_the_lowest_priority_makes_room_for_the_news() -> None:
    tube = _channel(daily_cap=2)
    low = _publication("low", _piece("GB", "2026-11-25T10:00"), channel=tube, details={"priority": 10})
    high = _publication("high", _piece("GB", "2026-11-25T12:00"), channel=tube)
    change = _only(_plan(_news("2026-11-25T20:00", channel="tube"), low, high, channels=(tube,)))
    assert (change.title, change.after[0].start) == ("low", _at("2026-11-25T05:45"))
    assert change.reasons[0] == "makes room for 'News': DAILY_CAP"


def test_what_follows_moves_along_and_what_followed_something_that_leaves_gets_a_start_of_its_own() -> None:
    first = _show("first", "2026-11-25T20:00", "2026-11-25T20:20")
    follow = {"start_mode": "follow", "follows": "pub_first"}
    second = _show("second", "2026-11-25T20:20", "2026-11-25T21:00", details=follow, media=OTHER)
    third = {"start_mode": "follow", "follows": "pub_second"}
    last = _show("last", "2026-11-25T21:00", "2026-11-25T21:30", details=third, media=OTHER)
    plan = _plan(_news("2026-11-25T19:45"), first, second, last)
    assert [(each.title, each.after[0].start) for each in plan.changes] == [
        ("first", _at("2026-11-25T20:15")),
        ("second", _at("2026-11-25T20:35")),
        ("last", _at("2026-11-25T21:15")),
    ]
    assert not any(each.fixes_start for each in plan.changes)
    moved = _plan(_news("2026-11-25T20:45", minutes=60), first, second, last)
    assert [(each.title, each.fixes_start) for each in moved.changes] == [("second", True), ("last", False)]
    lost = _plan(AssetPulled(media=MEDIA), first, second, last)
    assert [(each.action, each.title, each.fixes_start) for each in lost.changes] == [
        ("cancel", "first", False),
        ("keep", "second", True),
    ]


def test_where_the_whole_chain_finds_no_place_its_head_goes_alone() -> None:
    first = _show("first", "2026-11-25T20:00", "2026-11-25T20:30")
    follow = {"start_mode": "follow", "follows": "pub_first"}
    second = _show("second", "2026-11-25T20:30", "2026-11-25T21:00", details=follow, media=OTHER, clearance=None)
    down = ChannelDown(channel="one", window=TimeRange(start=_at("2026-11-25T20:00"), end=_at("2026-11-25T20:15")))
    plan = _plan(down, first, second)
    assert [(each.action, each.title) for each in plan.changes] == [("move", "first"), ("keep", "second")]
    assert plan.changes[1].fixes_start


def test_a_lifted_embargo_lets_territories_join_sooner_and_a_person_is_asked() -> None:
    live = _publication("live", _piece("GB", "2026-11-20"), _piece("DE", "2026-12-15"), state="live")
    waits = _publication("waits", _piece("GB", "2026-11-25T20:00"), _piece("DE", "2026-12-15"))
    plan = _plan(EmbargoLifted(media=MEDIA, cells=(_cell("GB DE", "2026-11-01"),)), live, waits)
    assert _said(plan) == [("extend", "live"), ("extend", "waits")]
    assert plan.needs_person == ("pub_live", "pub_waits")
    assert plan.changes[0].after == (_piece("GB", "2026-11-20"), _piece("DE", "2026-11-22T13:00"))
    assert plan.changes[1].after == (_piece("DE GB", "2026-11-25T20:00"),)
    assert plan.changes[1].reasons == ("DE may join Wed 25 Nov 2026 20:00 UTC",)


def test_a_lifted_embargo_lets_what_waited_for_it_start_sooner_with_no_less_reach() -> None:
    waits = _publication("waits", _piece("GB", "2026-11-25T20:00"))
    books = {"tube": Books(TUBE, [placed(TUBE, waits)])}
    cleared = {waits.id: (_cell("GB", "2026-11-25T19:00"),)}
    event = EmbargoLifted(media=MEDIA, cells=(_cell("GB", "2026-11-01"),))
    change = _only(plan_changes(event, World(books, {waits.id: waits}, NOW, cleared)))
    assert change.after == (_piece("GB", "2026-11-22T20:00"),)
    assert change.reasons[0].startswith("may start Sun 22 Nov 2026 20:00 UTC")


def test_what_waited_for_the_same_embargo_is_not_offered_the_same_start_twice() -> None:
    first = _show("first", "2026-11-25T20:00", "2026-11-25T21:00")
    second = _show("second", "2026-11-26T20:00", "2026-11-26T21:00")
    books = {"one": Books(ONE, [placed(ONE, first), placed(ONE, second)])}
    cleared = {first.id: (_cell("GB", "2026-11-25T19:00"),), second.id: (_cell("GB", "2026-11-26T19:00"),)}
    event = EmbargoLifted(media=MEDIA, cells=(_cell("GB", "2026-11-01"),))
    plan = plan_changes(event, World(books, {each.id: each for each in (first, second)}, NOW, cleared))
    assert _said(plan) == [("extend", "first"), ("extend", "second")]
    assert [each.after for each in plan.changes] == [
        (_piece("GB", "2026-11-22T20:00", "2026-11-22T21:00"),),
        (_piece("GB", "2026-11-23T20:00", "2026-11-23T21:00"),),
    ]


def test_the_text_shows_before_and_after_in_a_table() -> None:
    live = _publication("live", _piece("GB DE", "2026-11-20"), state="live")
    text = _plan(RightsChanged(media=MEDIA, cells=(_cell("GB", "2026-11-01"),)), live).text()
    assert text.splitlines() == [
        "The rights of sha256:aaaaaaaaaaaa changed: 1 shorten; 0 others on the books stay as they are.",
        "action   publication  before                         after",
        "shorten  tube 'live'  DE,GB 2026-11-20T00:00:00Z/..  DE 2026-11-20T00:00:00Z/2026-11-22T13:00:00Z",
        "         pub_live                                    GB 2026-11-20T00:00:00Z/..",
        "    - not 2026-11-22T13:00:00Z onwards any longer in DE (social.youtube)",
        "    - ordered down 2026-11-22T13:00:00Z",
    ]


def test_what_finds_no_place_is_lost_with_the_reason() -> None:
    show = _show("show", "2026-11-25T20:00", "2026-11-25T21:00")
    event = RightsChanged(media=MEDIA, cells=(_cell("GB", "2026-11-25T20:30", "2026-11-25T21:15"),))
    change = _only(_plan(event, show))
    assert (change.action, change.after) == ("cancel", ())
    assert change.reasons[1] == "no start within 14 d of the nearest possible one is free and cleared"


def test_the_whole_day_off_air_is_moved_without_a_clash() -> None:
    first = _at("2026-11-25T06:00")
    shows = [
        _publication(
            f"s{n:02}",
            Availability(territories=("GB",), start=first + n * timedelta(hours=1), end=first + timedelta(hours=n + 1)),
            channel=ONE,
        )
        for n in range(12)
    ]
    down = ChannelDown(channel="one", window=TimeRange(start=first, end=first + timedelta(hours=12)))
    plan = _plan(down, *shows)
    spans = sorted((each.after[0].start, each.after[0].end or NOW) for each in plan.changes)
    assert [each.action for each in plan.changes] == ["move"] * 12
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
