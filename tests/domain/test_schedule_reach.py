"""A reach curve is refined by what was really seen, carefully, and says how sure it is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from holdback_servers.schedule.asrun_nouns import ReachSample
from holdback_servers.schedule.broadcast_time import WEEKDAYS
from holdback_servers.schedule.channel import ReachCurve
from holdback_servers.schedule.reach import RefinedCurve, refined
from hypothesis import given
from hypothesis import strategies as st

LONDON = ZoneInfo("Europe/London")
TUESDAY_20 = datetime(2026, 11, 24, 20, 15, tzinfo=LONDON)
CURVE = ReachCurve(source="invented", hours={"all": (20,) * 18 + (60, 80, 100, 90, 60, 30)})


def _seen(at: datetime, *audiences: float) -> list[ReachSample]:
    return [ReachSample(at=at - timedelta(weeks=n), audience=audience) for n, audience in enumerate(audiences)]


def _refined(samples: list[ReachSample]) -> RefinedCurve:
    curve = refined(CURVE, samples, LONDON)
    assert isinstance(curve, RefinedCurve)
    return curve


def _whole_week(thousands: float) -> list[ReachSample]:
    """Audiences in every hour of a week, just as the curve says."""
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    hours = [monday + timedelta(hours=n) for n in range(168)]
    return [ReachSample(at=at, audience=thousands * CURVE.at(at.astimezone(LONDON))) for at in hours]


def test_without_audiences_or_with_none_at_all_the_curve_stays_as_it_was_given() -> None:
    assert refined(CURVE, [], LONDON) is CURVE
    assert refined(CURVE, _seen(TUESDAY_20, 0, 0), LONDON) is CURVE


def test_audiences_that_agree_with_the_curve_change_nothing_in_whatever_unit_they_come() -> None:
    for thousands in (0.001, 1, 35_000):
        curve = _refined(_whole_week(thousands))
        assert curve.hours == CURVE.hours
        assert {each for day in WEEKDAYS for each in curve.counts[day]} == {1}


def test_an_hour_that_reaches_less_than_said_falls_and_those_beside_it_a_little() -> None:
    poor = [ReachSample(at=TUESDAY_20 - timedelta(weeks=n), audience=400) for n in range(1, 20)]
    rich = _whole_week(10)
    curve = _refined(rich + poor)
    tuesday = curve.hours["tue"]
    assert tuesday[20] < 60
    assert 60 < tuesday[19] < 80
    assert tuesday[17] >= 20
    assert curve.hours["wed"][20] == 100
    assert curve.counts["tue"][20] == 20


def test_one_night_changes_little_and_many_nights_much() -> None:
    falls: list[int] = []
    for nights in (1, 6, 60):
        poor = [ReachSample(at=TUESDAY_20 - timedelta(weeks=n), audience=200) for n in range(1, nights + 1)]
        falls.append(100 - _refined(_whole_week(10) + poor).hours["tue"][20])
    assert 0 < falls[0] <= 15
    assert falls[0] < falls[1] < falls[2]


def test_the_more_is_seen_the_surer_it_is_and_it_says_so_in_words() -> None:
    few = _refined(_whole_week(10) + _seen(TUESDAY_20 - timedelta(weeks=1), 900, 1100))
    many = _refined(_whole_week(10) + _seen(TUESDAY_20 - timedelta(weeks=1), *([900, 1100] * 20)))

    def width(curve: RefinedCurve) -> int:
        low, high = curve.likely["tue"][20]
        return high - low

    assert width(many) <= width(few)
    local = TUESDAY_20.astimezone(LONDON)
    low, high = many.likely["tue"][20]
    assert many.told(local) == (
        f"invented, refined by 208 audiences from 2026-02-17 to 2026-11-29; 41 audiences in this hour, "
        f"likely {low} to {high}"
    )


def test_hours_are_those_of_the_channels_clocks_on_the_night_when_they_change() -> None:
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]  # both 01:30 in London
    curve = _refined([ReachSample(at=at, audience=5) for at in twice])
    assert curve.counts["sun"][1] == 2
    assert sum(sum(curve.counts[day]) for day in WEEKDAYS) == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 60 * 24 * 40), st.floats(0, 1e7, allow_nan=False, allow_infinity=False)), max_size=60
    )
)
def test_a_refined_curve_is_a_curve_whose_numbers_lie_where_it_says(seen: list[tuple[int, float]]) -> None:
    samples = [ReachSample(at=TUESDAY_20 - timedelta(minutes=m), audience=audience) for m, audience in seen]
    curve = refined(CURVE, samples, LONDON)
    again = ReachCurve.model_validate({"source": curve.source, "hours": curve.hours})
    assert max(number for day in WEEKDAYS for number in again.hours[day]) == 100
    if isinstance(curve, RefinedCurve):
        assert sum(sum(curve.counts[day]) for day in WEEKDAYS) == len(samples)
        for day in WEEKDAYS:
            for number, (low, high) in zip(curve.hours[day], curve.likely[day], strict=True):
                assert low <= number <= high
