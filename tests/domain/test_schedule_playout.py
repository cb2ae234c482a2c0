"""What is on show where and when, and what a publisher must be told next."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Availability, Publication, State
from holdback_servers.schedule.playout import (
    LEASE,
    Showing,
    Telling,
    Waiting,
    desired,
    is_over,
    judge,
    next_change,
    next_look,
    on_show,
    owed,
    pause,
    wanted,
)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def piece(territories: str, start: float, end: float | None) -> Availability:
    return Availability(territories=tuple(territories.split()), start=at(start), end=None if end is None else at(end))


def channel(lead: int = 0) -> Channel:
    hours = {"all": [50] * 24}
    return Channel.model_validate(
        {
            "name": "tube",
            "title": "Tube",
            "kind": "social",
            "platform": "social.youtube",
            "territories": ["WORLD"],
            "reach": {"source": "invented", "hours": hours},
            "takedown_lead_minutes": lead,
        }
    )


def publication(*pieces: Availability, state: State = "scheduled", **fields: Any) -> Publication:
    return Publication.model_validate(
        {
            "id": "pub_ONE",
            "channel": "tube",
            "platform": "social.youtube",
            "title": "The butterfly",
            "media": "sha256:" + "1" * 64,
            "availability": pieces,
            "start": min(each.start for each in pieces),
            "state": state,
            "clearance": "clr_ONE",
            "by": "agent:scheduler",
            "on_behalf_of": "person:sam",
        }
        | fields
    )


def test_a_window_is_open_from_its_first_second_and_closed_at_its_last() -> None:
    shown = publication(piece("GB DE", 0, 2), piece("FR", 1, None))
    tube = channel()
    assert desired(shown, tube, NOON - SECOND) == ()
    assert desired(shown, tube, NOON) == ("DE", "GB")
    assert desired(shown, tube, at(1)) == ("DE", "FR", "GB")
    assert desired(shown, tube, at(2) - SECOND) == ("DE", "FR", "GB")
    assert desired(shown, tube, at(2)) == ("FR",)
    assert desired(shown, tube, at(24 * 3650)) == ("FR",)


def test_it_comes_down_before_the_end_by_the_lead_and_a_window_within_the_lead_never_opens() -> None:
    shown = publication(piece("GB", 0, 2), piece("DE", 0, 0.5), piece("FR", 0, None))
    late = channel(lead=30)
    assert on_show(shown, late, at(0)) == {"FR": None, "GB": at(1.5)}
    assert desired(shown, late, at(1.5)) == ("FR",)
    assert [next_change(shown, late, at(hour)) for hour in (-1, 0, 1.5)] == [at(0), at(1.5), None]


def test_touching_windows_of_one_territory_are_one_so_that_nothing_flickers() -> None:
    shown = publication(piece("GB", 0, 2), piece("GB", 2, 4))
    assert on_show(shown, channel(lead=15), at(1.9)) == {"GB": at(3.75)}
    assert next_change(shown, channel(), at(0)) == at(4)


@pytest.mark.parametrize(
    "fields",
    [{"state": "taken_down"}, {"state": "held"}, {"state": "failed"}, {"clearance": None}, {"media": None}],
)
def test_what_is_not_scheduled_or_stands_on_nothing_is_never_on_show(fields: dict[str, Any]) -> None:
    shown = publication(piece("GB", 0, 2), **fields)
    assert desired(shown, channel(), at(1)) == ()
    assert next_look(shown, channel(), Showing("pub_ONE"), at(1)) is None


def test_what_was_told_is_neither_undone_nor_done_again_when_the_clock_goes_back() -> None:
    shown = publication(piece("GB", 0, 4), piece("DE", 0, 1), piece("FR", 1.5, 4), state="live")
    told = Showing("pub_ONE", revision=2, shown={"GB": at(4)}, seen_at=at(2))
    assert wanted(shown, channel(), told, at(-1)) == {"GB": at(4)}, "nothing opens that is not open by this clock"
    assert wanted(shown, channel(), told, at(0.5)) == {"GB": at(4)}, "DE came down by the clock that was ahead"
    assert wanted(shown, channel(), told, at(1.5)) == {"FR": at(4), "GB": at(4)}
    assert wanted(shown, channel(), told, at(3)) == {"FR": at(4), "GB": at(4)}


def test_what_is_owed_is_told_as_the_next_revision_and_repeated_as_the_same() -> None:
    first = judge(Showing("pub_ONE"), {"GB": None}, may_grow=True, now=NOON)
    assert first == Telling(1, {"GB": None})
    begun = Showing("pub_ONE", revision=1, sending={"GB": None})
    assert judge(begun, {"GB": None}, may_grow=True, now=NOON) == Telling(1, {"GB": None})
    assert judge(begun, {"GB": at(4)}, may_grow=True, now=NOON) == Telling(2, {"GB": at(4)})
    assert judge(begun, {}, may_grow=True, now=NOON) == Telling(2, {}), "it may be up, so it is taken down"
    assert judge(Showing("pub_ONE", revision=1, shown={"GB": None}), {"GB": None}, may_grow=True, now=NOON) is None


def test_nothing_goes_up_while_the_clearance_is_not_known_to_stand_but_what_must_come_down_does() -> None:
    up = Showing("pub_ONE", revision=1, shown={"GB": None, "FR": None})
    waiting = judge(up, {"GB": None, "FR": None, "DE": None}, may_grow=False, now=NOON)
    assert isinstance(waiting, Waiting)
    assert (waiting.reason, waiting.until > NOON) == ("standing", True)
    assert judge(up, {"GB": None, "DE": None}, may_grow=False, now=NOON) == Telling(2, {"GB": None})


def test_what_comes_down_does_not_wait_for_what_goes_up() -> None:
    up = Showing("pub_ONE", revision=1, shown={"GB": None, "FR": None})
    assert judge(up, {"DE": None, "FR": None}, may_grow=True, now=NOON) == Telling(2, {"FR": None})
    begun = Showing("pub_ONE", revision=2, shown={"FR": None}, sending={"DE": None, "FR": None})
    assert judge(begun, {"FR": None, "IT": None}, may_grow=True, now=NOON) == Telling(3, {"FR": None})


def test_a_lease_keeps_others_away_but_not_from_taking_down() -> None:
    leased = Showing("pub_ONE", revision=1, sending={"GB": None}, lease_until=NOON + LEASE)
    assert judge(leased, {"GB": None}, may_grow=True, now=NOON) == Waiting("busy", NOON + LEASE)
    assert judge(leased, {"GB": None, "DE": None}, may_grow=True, now=NOON) == Waiting("busy", NOON + LEASE)
    assert judge(leased, {}, may_grow=True, now=NOON) == Telling(2, {})
    assert judge(leased, {"GB": None}, may_grow=True, now=NOON + LEASE) == Telling(1, {"GB": None})
    back = NOON - timedelta(days=30)
    assert judge(leased, {"GB": None}, may_grow=True, now=back) == Waiting("busy", back + LEASE)


def test_the_clock_looks_when_something_opens_closes_is_owed_or_is_over() -> None:
    shown, tube = publication(piece("GB", 0, 2)), channel()
    assert next_look(shown, tube, Showing("pub_ONE"), at(-5)) == NOON
    assert next_look(shown, tube, Showing("pub_ONE"), at(1)) == at(1)
    live = shown.model_copy(update={"state": "live"})
    up = Showing("pub_ONE", revision=1, shown={"GB": at(2)}, seen_at=NOON)
    assert next_look(live, tube, up, at(1)) == at(2)
    assert not is_over(live, tube, up, at(3)), "it has still to be taken down"
    down = Showing("pub_ONE", revision=2, seen_at=at(2))
    assert next_look(live, tube, down, at(3)) == at(3)
    assert is_over(live, tube, down, at(3))
    ended = shown.model_copy(update={"state": "expired"})
    assert next_look(ended, tube, down, at(3)) is None
    assert owed(up, {})


def test_pauses_double_up_to_five_minutes() -> None:
    assert [pause(n).total_seconds() for n in (0, 1, 2, 3, 7, 10_000)] == [5, 5, 10, 20, 300, 300]
