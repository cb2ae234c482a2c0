"""Runs and reruns by value, and as they are kept: reserved, used, released."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_servers.rights import recording, runs
from holdback_servers.rights.answers import ContractGiven, RightGiven
from holdback_servers.rights.counting import RunsAnswer, counted, is_rerun, left, taken
from holdback_servers.rights.model import Reruns
from holdback_servers.rights.tables import METADATA
from sqlalchemy import Connection

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
REPEATED = Reruns(repeats=2, hours=48)


def hour(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def test_without_reruns_every_transmission_is_a_run() -> None:
    assert counted([hour(0), hour(0), hour(1)], None) == (True, True, True)


def test_so_many_repeats_within_the_hours_are_not_counted_and_the_next_is() -> None:
    assert counted([hour(0), hour(1), hour(47), hour(47.5)], REPEATED) == (True, False, False, True)


def test_a_repeat_at_the_last_hour_is_not_counted_and_one_after_it_is() -> None:
    assert counted([hour(0), hour(48)], REPEATED) == (True, False)
    assert counted([hour(0), hour(48) + timedelta(microseconds=1)], REPEATED) == (True, True)


def test_the_hours_are_counted_from_the_run_and_not_from_its_repeat() -> None:
    assert counted([hour(0), hour(40), hour(80)], REPEATED) == (True, False, True)


def test_what_is_taken_and_left_does_not_hang_on_the_order_they_are_told_in() -> None:
    assert taken([hour(80), hour(0), hour(40)], REPEATED) == 2
    assert left(3, [hour(80), hour(0), hour(40)], REPEATED) == 1
    assert left(1, [hour(80), hour(0)], None) == 0


def test_a_transmission_before_a_run_may_make_that_run_its_rerun() -> None:
    assert is_rerun([hour(10)], hour(0), REPEATED)
    assert not is_rerun([hour(10)], hour(60), REPEATED)


def test_transmissions_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order of time"):
        counted([hour(1), hour(0)], None)


# --- as they are kept -------------------------------------------------------------------------------------------------


@pytest.fixture
def store() -> Iterator[Database]:
    database = Database(None, METADATA)
    yield database
    database.close()


class Desk:
    """One store, seen by one planner."""

    def __init__(self, store: Database, **terms: Any) -> None:
        self.store, self.new_id = store, id_maker(lambda: NOON)
        self.ids = [self.record(number, **terms) for number in (1, 2)]

    def record(self, number: int, status: str = "active", **terms: Any) -> str:
        shape = {"media": ["all"], "territories": ["WORLD"], "start": hour(-24), "clause": f"4.{number}", **terms}
        right = RightGiven.model_validate(
            {"external_key": f"r{number}", "ref": f"film:{number}", "kind": "grant", **shape}
        )
        contract = ContractGiven.model_validate(
            {"external_key": f"c{number}", "counterparty": "A", "direction": "in", "status": status}
        )

        def unit(c: Connection) -> str:
            made = recording.record(c, contract, [right], new_id=self.new_id, now=NOON, by="person:robin")
            return made.rights[0].id

        return self.store.submit(unit).result()

    def reserve(self, publication: str, *at: datetime, rights: tuple[int, ...] = (1,)) -> RunsAnswer:
        wanted = [(self.ids[number - 1], each) for number in rights for each in at]
        return self.store.submit(lambda c: runs.reserve(c, publication, wanted, now=NOON, by="person:robin")).result()

    def settle(self, publication: str, action: runs.Settling, *at: datetime) -> RunsAnswer:
        named = at or None
        return self.store.submit(
            lambda c: runs.settle(c, publication, action, named, now=NOON, by="person:robin")
        ).result()

    def taken(self, right: int = 1) -> int:
        identity = self.ids[right - 1]
        return self.store.submit(lambda c: runs.counts(c, [identity])[identity].taken).result()


def told(answer: RunsAnswer) -> list[tuple[str, bool]]:
    return [(each.state, each.counted) for each in answer.runs]


def test_a_reservation_takes_a_run_and_says_what_is_left(store: Database) -> None:
    desk = Desk(store, max_runs=2)
    answer = desk.reserve("pub_1", hour(0))

    assert told(answer) == [("reserved", True)]
    assert [(each.limit, each.taken, each.used, each.left) for each in answer.rights] == [(2, 1, 0, 1)]
    assert "1 of 2 runs taken, 0 of them used, 1 left" in answer.text()


def test_the_same_again_changes_nothing_and_so_does_a_use_after_the_use(store: Database) -> None:
    desk = Desk(store, max_runs=1)

    assert desk.reserve("pub_1", hour(0)) == desk.reserve("pub_1", hour(0), hour(0))
    used = desk.settle("pub_1", "use")
    assert used == desk.settle("pub_1", "use") == desk.reserve("pub_1", hour(0))
    assert [(each.taken, each.used, each.left) for each in used.rights] == [(1, 1, 0)]


def test_more_than_is_left_is_refused_with_who_holds_the_rest_and_nothing_is_taken(store: Database) -> None:
    desk = Desk(store, max_runs=2)
    desk.reserve("pub_1", hour(0))
    with pytest.raises(Problem) as refusal:
        desk.reserve("pub_2", hour(1), hour(2), rights=(2, 1))

    assert refusal.value.code == "RUNS_EXHAUSTED"
    assert "gives 2 runs; 1 of them are taken by pub_1 at 2026-11-23T12:00:00Z (reserved)" in refusal.value.message
    assert "4.1" in refusal.value.message
    assert refusal.value.details["left"] == 1
    assert (desk.taken(1), desk.taken(2)) == (1, 0)


def test_a_release_gives_the_run_back_and_it_may_be_reserved_anew(store: Database) -> None:
    desk = Desk(store, max_runs=1)
    desk.reserve("pub_1", hour(0))
    released = desk.settle("pub_1", "release")

    assert told(released) == [("released", False)]
    assert released == desk.settle("pub_1", "release")
    assert desk.taken() == 0
    desk.reserve("pub_2", hour(0))
    with pytest.raises(Problem, match="pub_2"):
        desk.reserve("pub_1", hour(0))
    desk.settle("pub_2", "release")
    assert told(desk.reserve("pub_1", hour(0))) == [("reserved", True)]


def test_what_was_used_is_not_released_and_what_was_released_is_not_used(store: Database) -> None:
    desk = Desk(store, max_runs=3)
    desk.reserve("pub_1", hour(0), hour(1))
    desk.settle("pub_1", "use", hour(0))
    with pytest.raises(Problem, match="2026-11-23T12:00:00Z has gone out"):
        desk.settle("pub_1", "release")
    assert told(desk.settle("pub_1", "release", hour(1))) == [("used", True), ("released", False)]
    with pytest.raises(Problem, match="13:00:00Z was released"):
        desk.settle("pub_1", "use", hour(1))
    assert told(desk.settle("pub_1", "use")) == [("used", True), ("released", False)]


def test_settling_what_was_never_reserved_is_refused_with_what_there_is(store: Database) -> None:
    desk = Desk(store, max_runs=3)
    with pytest.raises(Problem, match="No run is reserved for pub_9"):
        desk.settle("pub_9", "use")
    desk.reserve("pub_1", hour(0))
    with pytest.raises(Problem) as refusal:
        desk.settle("pub_1", "use", hour(5))
    assert refusal.value.hint == "Its transmissions are at 2026-11-23T12:00:00Z."


def test_reruns_are_reserved_without_a_run_and_releasing_their_run_makes_the_next_one_count(store: Database) -> None:
    desk = Desk(store, max_runs=1, reruns={"repeats": 2, "hours": 48})
    desk.reserve("pub_1", hour(0))
    assert told(desk.reserve("pub_2", hour(10), hour(20))) == [("reserved", False), ("reserved", False)]
    with pytest.raises(Problem, match="gives 1 runs"):
        desk.reserve("pub_3", hour(30))
    desk.settle("pub_1", "release")
    assert told(desk.settle("pub_2", "use")) == [("used", True), ("used", False)]
    assert desk.taken() == 1


def test_when_the_limits_change_runs_are_told_from_reruns_again(store: Database) -> None:
    desk = Desk(store, max_runs=2, reruns={"repeats": 1, "hours": 48})
    desk.reserve("pub_1", hour(0), hour(10))
    assert desk.taken() == 1
    desk.record(1, max_runs=1)
    store.submit(lambda c: runs.count_again(c, ["film:1"], NOON)).result()

    count = store.submit(lambda c: runs.counts(c, [desk.ids[0]])).result()[desk.ids[0]]
    assert (count.limit, count.taken, count.left) == (1, 2, 0)


@pytest.mark.parametrize(
    ("terms", "at", "code"),
    [
        ({}, 0, "INVALID_ARGUMENT"),
        ({"max_runs": 1, "status": "pending"}, 0, "NOT_CLEARED"),
        ({"max_runs": 1}, -25, "OUTSIDE_CLEARED_WINDOW"),
        ({"max_runs": 1, "end": hour(5)}, 5, "OUTSIDE_CLEARED_WINDOW"),
        ({"max_runs": 0}, 0, "RUNS_EXHAUSTED"),
    ],
)
def test_a_run_that_the_right_does_not_give_is_refused(
    store: Database, terms: dict[str, Any], at: int, code: str
) -> None:
    desk = Desk(store, **terms)
    with pytest.raises(Problem) as refusal:
        desk.reserve("pub_1", hour(at))
    assert refusal.value.code == code


def test_a_right_nobody_recorded_is_not_found(store: Database) -> None:
    with pytest.raises(Problem, match="There is no right rgt_no"):
        store.submit(lambda c: runs.reserve(c, "pub_1", [("rgt_no", NOON)], now=NOON, by="person:robin")).result()


def test_of_rights_that_would_do_one_with_runs_left_is_chosen_and_kept_to(store: Database) -> None:
    desk = Desk(store, max_runs=1)
    desk.ids.sort()
    both = tuple(desk.ids)

    def choose(publication: str, *at: datetime) -> list[str]:
        needs = [(each, both) for each in at]
        return [right for right, _ in store.submit(lambda c: runs.choose(c, publication, needs)).result()]

    assert choose("pub_1", hour(0)) == [desk.ids[0]]
    desk.reserve("pub_2", hour(0))
    assert choose("pub_1", hour(0)) == [desk.ids[1]]
    assert choose("pub_2", hour(0)) == [desk.ids[0]]
    assert choose("pub_1", hour(0), hour(1)) == [desk.ids[0], desk.ids[1]]
