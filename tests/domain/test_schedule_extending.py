"""What may change without a person: what shrinks or moves; never what grows."""

from datetime import UTC, datetime, timedelta

from holdback_servers.schedule.model import Availability, extends
from hypothesis import given
from hypothesis import strategies as st

DAY = datetime(2026, 11, 24, tzinfo=UTC)


def _piece(territories: str, start: int, end: int | None) -> Availability:
    places = tuple(territories.split())
    finish = None if end is None else DAY + timedelta(hours=end)
    return Availability(territories=places, start=DAY + timedelta(hours=start), end=finish)


def test_a_move_of_equal_length_extends_nothing() -> None:
    assert extends((_piece("GB DE", 0, 10),), (_piece("GB DE", 100, 110),)) == ()


def test_an_added_territory_and_a_longer_time_extend_and_are_named() -> None:
    approved = (_piece("GB", 0, 10), _piece("DE", 5, 10))
    assert extends(approved, (_piece("FR GB", 0, 10),)) == ("FR",)
    assert extends(approved, (_piece("GB DE", 0, 10),)) == ("DE",)


def test_an_open_end_is_longer_than_any_other_and_than_none_that_is_open_too() -> None:
    assert extends((_piece("GB", 0, 10_000),), (_piece("GB", 0, None),)) == ("GB",)
    assert extends((_piece("GB", 0, None),), (_piece("GB", 50, None),)) == ()
    assert extends((_piece("GB", 0, 4), _piece("GB", 9, None)), (_piece("GB", 50, 9_000),)) == ()


def test_times_that_overlap_count_once_and_times_apart_add_up() -> None:
    assert extends((_piece("GB", 0, 6), _piece("GB", 4, 10)), (_piece("GB", 0, 11),)) == ("GB",)
    assert extends((_piece("GB", 0, 6), _piece("GB", 8, 10)), (_piece("GB", 20, 28),)) == ()


def test_a_part_of_a_country_is_approved_with_it_but_not_the_other_way_round() -> None:
    assert extends((_piece("US", 0, 10),), (_piece("US-CA", 0, 10),)) == ()
    assert extends((_piece("US-CA", 0, 10),), (_piece("US", 0, 10),)) == ("US",)


_pieces = st.lists(
    st.builds(
        lambda place, start, long: _piece(place, start, None if long == 9 else start + long),
        st.sampled_from(["GB", "DE", "FR", "GB DE"]),
        st.integers(0, 20),
        st.integers(1, 9),
    ),
    max_size=5,
).map(tuple)


@given(_pieces, _pieces, st.integers(-500, 500))
def test_moving_the_whole_or_leaving_parts_out_never_extends(
    kept: tuple[Availability, ...], more: tuple[Availability, ...], hours: int
) -> None:
    by = timedelta(hours=hours)
    moved = tuple(
        Availability(territories=p.territories, start=p.start + by, end=None if p.end is None else p.end + by)
        for p in kept
    )
    assert extends(kept, moved) == ()
    assert extends(kept + more, kept) == ()


@given(_pieces, _pieces)
def test_whatever_extends_has_more_hours_somewhere(
    approved: tuple[Availability, ...], after: tuple[Availability, ...]
) -> None:
    def hours(pieces: tuple[Availability, ...], place: str) -> set[int] | None:
        """The hours of show, or None when they have no end."""
        mine = [p for p in pieces if place in p.territories]
        if any(p.end is None for p in mine):
            return None
        return {h for p in mine if p.end for h in range(int((p.start - DAY) / by), int((p.end - DAY) / by))}

    by = timedelta(hours=1)
    expected = []
    for place in ("DE", "FR", "GB"):
        before, now = hours(approved, place), hours(after, place)
        if before is not None and (now is None or len(now) > len(before)):
            expected.append(place)
    assert extends(approved, after) == tuple(expected)
