"""What was planned against what aired: matched by id, material and title, told apart, counted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule.asrun_nouns import AiredItem, Difference, Reconciliation
from holdback_servers.schedule.model import Availability, Publication
from holdback_servers.schedule.reconciling import reconcile
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MEDIA = "sha256:" + "a" * 64
DAY = TimeRange(start=NOON, end=NOON + timedelta(days=1))


def _plan(number: int, minute: float = 0, length: float = 30, **fields: Any) -> Publication:
    start = NOON + timedelta(minutes=minute)
    end = start + timedelta(minutes=length)
    piece = Availability(territories=("GB",), start=start, end=end)
    known: dict[str, Any] = {
        "id": f"pub_{number}",
        "channel": "one",
        "platform": "linear.ftv",
        "title": f"Film {number}",
        "availability": (piece,),
        "start": start,
        "end": end,
        "state": "scheduled",
        "by": "a",
        "on_behalf_of": "b",
    }
    return Publication.model_validate(known | fields)


def _line(number: int, minute: float = 0, length: float = 30, **fields: Any) -> AiredItem:
    start = NOON + timedelta(minutes=minute)
    known: dict[str, Any] = {
        "id": f"evt_{number:03}",
        "source": "log",
        "place": f"row {number}",
        "title": f"Film {number}",
        "start": start,
        "end": start + timedelta(minutes=length),
    }
    return AiredItem.model_validate(known | fields)


def _told(plans: list[Publication], lines: list[AiredItem], covered: tuple[TimeRange, ...] = (DAY,)) -> Reconciliation:
    return reconcile("one", plans, lines, window=DAY, covered=covered, tolerance=timedelta(seconds=60))


def _one(plan: Publication, *lines: AiredItem) -> Difference:
    (found,) = _told([plan], list(lines)).items
    return found


@pytest.mark.parametrize(
    ("minute", "length", "outcome", "words"),
    [
        (0, 30, "as_planned", "as planned"),
        (1, 29, "as_planned", "as planned"),
        (5, 30, "shifted", "5 min late"),
        (-1.5, 30, "shifted", "90 s early"),
        (0, 20, "cut_short", "10 min short"),
        (0, 35, "overran", "5 min longer"),
        (10, 20, "cut_short", "10 min late and 10 min short"),
    ],
)
def test_what_aired_is_told_apart_by_more_than_the_tolerance(
    minute: float, length: float, outcome: str, words: str
) -> None:
    found = _one(_plan(1), _line(1, minute, length))
    assert found.outcome == outcome
    assert words in found.text


def test_what_did_not_air_is_missing_and_what_nobody_planned_is_unplanned() -> None:
    told = _told([_plan(1), _plan(2, 60)], [_line(1), _line(7, 60, title="Breaking news")])
    assert [(each.outcome, each.title) for each in told.items] == [
        ("as_planned", "Film 1"),
        ("unplanned", "Breaking news"),
        ("missing", "Film 2"),
    ]
    assert {name: count for name, count in told.counts.items() if count} == {
        "as_planned": 1, "missing": 1, "unplanned": 1,
    }  # fmt: skip


def test_an_id_wins_over_material_and_material_over_a_title() -> None:
    early, late = _plan(1, 0, title="Same", media=MEDIA), _plan(2, 60, title="Same", media=MEDIA)
    lines = [_line(1, 2, title="Same", publication="pub_2"), _line(2, 61, title="Other", reference="a" * 64)]
    found = {each.publication: each.aired_items for each in _told([early, late], lines).items}
    assert found == {"pub_2": ("evt_001",), "pub_1": ("evt_002",)}


def test_of_several_that_fit_the_nearest_in_time_is_matched() -> None:
    plans = [_plan(n, 60 * n, 30, title="News") for n in range(4)]
    lines = [_line(n, 60 * n + 3, 30, title=" news ") for n in range(3)]
    told = _told(plans, lines)
    assert [(each.publication, each.outcome) for each in told.items] == [
        ("pub_0", "shifted"), ("pub_1", "shifted"), ("pub_2", "shifted"), ("pub_3", "missing"),
    ]  # fmt: skip


def test_parts_that_name_their_publication_count_together() -> None:
    parts = [_line(1, 0, 14, publication="pub_1"), _line(2, 17, 16, publication="pub_1")]
    found = _one(_plan(1), *parts)
    assert found.outcome == "as_planned"
    assert found.aired_seconds == 1800
    assert found.aired == TimeRange(start=NOON, end=NOON + timedelta(minutes=33))


def test_nothing_is_missing_outside_what_the_record_covers_but_what_was_late_is_found_there() -> None:
    before, after = _plan(1, -5), _plan(2, 24 * 60)
    told = _told([before, after], [_line(1, 1)])
    assert [(each.publication, each.outcome) for each in told.items] == [("pub_1", "shifted")]


def test_what_no_file_tells_of_is_not_missing() -> None:
    hours = TimeRange(start=NOON, end=NOON + timedelta(hours=1))
    told = _told([_plan(1, 10), _plan(2, 70)], [], (hours,))
    assert [each.publication for each in told.items] == ["pub_1"]
    assert told.covered == (hours,)
    nothing = _told([_plan(1)], [], ())
    assert not nothing.items
    assert "No as-run file covers any of it" in nothing.text()


def test_a_title_far_from_its_plan_is_another_showing() -> None:
    told = _told([_plan(1)], [_line(1, 4 * 60)])
    assert sorted(each.outcome for each in told.items) == ["missing", "unplanned"]


def test_what_was_only_held_or_taken_off_is_no_plan() -> None:
    plans = [_plan(1, state="held", hold="hold_1"), _plan(2, state="cancelled"), _plan(3, state="taken_down")]
    assert not _told(plans, []).items


def test_what_aired_outside_of_what_was_approved_is_flagged() -> None:
    plan = _plan(1, clearance="clr_1", approved_for=_plan(1).availability)
    assert "outside what was approved" in _one(plan, _line(1, 0, 40)).text
    assert "outside" not in _one(plan, _line(1)).text


MOMENTS = st.integers(min_value=0, max_value=23 * 60)


@given(st.lists(MOMENTS, unique=True, max_size=12), st.lists(MOMENTS, unique=True, max_size=12))
def test_every_plan_and_every_line_is_told_exactly_once(planned: list[int], aired: list[int]) -> None:
    plans = [_plan(n, minute, 10, title=f"T{n % 3}") for n, minute in enumerate(planned)]
    lines = [_line(n, minute, 10, title=f"T{n % 4}") for n, minute in enumerate(aired)]
    told = _told(plans, lines)
    assert sorted(each.publication for each in told.items if each.publication) == sorted(each.id for each in plans)
    assert sorted(one for each in told.items for one in each.aired_items) == sorted(each.id for each in lines)
    assert sum(told.counts.values()) == len(told.items)
    assert told == _told(plans[::-1], lines[::-1])
