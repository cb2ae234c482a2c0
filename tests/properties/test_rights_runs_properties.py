"""Two planners at one right's last runs: never oversold, nothing lost, whatever the order of what they do."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from holdback_base.database import Database, load_instant
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_servers.rights import recording, runs
from holdback_servers.rights.answers import ContractGiven, RightGiven
from holdback_servers.rights.counting import RunCount, counted, is_rerun, taken
from holdback_servers.rights.model import Reruns
from holdback_servers.rights.tables import METADATA
from holdback_servers.rights.tables import runs as table
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import Connection, select

NOW = datetime(2026, 11, 22, 5, tzinfo=UTC)
some_reruns = st.one_of(st.none(), st.builds(Reruns, repeats=st.integers(1, 3), hours=st.integers(1, 48)))
some_hours = st.lists(st.integers(0, 120), max_size=7)


def hour(number: int) -> datetime:
    return NOW + timedelta(hours=number)


def fewest(hours: Sequence[int], reruns: Reruns | None) -> int:
    """The fewest runs that explain these transmissions, by trying every choice of repeats for each run."""
    if not hours:
        return 0
    first, *rest = sorted(hours)
    near = [] if reruns is None else [index for index, each in enumerate(rest) if each - first <= reruns.hours]
    most = 0 if reruns is None else reruns.repeats
    return 1 + min(
        fewest([each for index, each in enumerate(rest) if index not in repeats], reruns)
        for size in range(min(most, len(near)) + 1)
        for repeats in combinations(near, size)
    )


@given(some_hours, some_reruns)
def test_no_other_count_takes_fewer_runs(hours: list[int], reruns: Reruns | None) -> None:
    assert taken([hour(each) for each in hours], reruns) == fewest(hours, reruns)


@given(some_hours, st.integers(0, 120), some_reruns)
def test_one_more_transmission_takes_one_run_or_none_and_taking_it_back_never_takes_another(
    hours: list[int], more: int, reruns: Reruns | None
) -> None:
    before = [hour(each) for each in hours]
    cost = taken([*before, hour(more)], reruns) - taken(before, reruns)

    assert cost == (0 if is_rerun(before, hour(more), reruns) else 1)


@given(some_hours, some_reruns)
def test_a_rerun_lies_within_the_hours_of_the_run_before_it(hours: list[int], reruns: Reruns | None) -> None:
    times = sorted(hour(each) for each in hours)
    run, repeats = None, 0
    for at, counts in zip(times, counted(times, reruns), strict=True):
        if counts:
            run, repeats = at, 0
        else:
            repeats += 1
            assert run is not None
            assert reruns is not None
            assert at - run <= timedelta(hours=reruns.hours)
            assert repeats <= reruns.repeats


LIMITS: list[tuple[int, Reruns | None]] = [(2, None), (3, Reruns(repeats=2, hours=24)), (1, None)]
HOURS = st.integers(0, 60).map(lambda each: each - each % 6)
WHOLE = st.none()


class Planners(RuleBasedStateMachine):
    """`expected` is what should be on the books: (right, publication, hour) -> state."""

    def __init__(self) -> None:
        super().__init__()
        self.database = Database(None, METADATA)
        self.expected: dict[tuple[int, str, int], str] = {}
        new_id = id_maker(lambda: NOW)
        shape = {"kind": "grant", "media": ["all"], "territories": ["WORLD"], "start": NOW}
        given_rights = [
            RightGiven.model_validate({**shape, "ref": f"film:{number}", "max_runs": most, "reruns": reruns})
            for number, (most, reruns) in enumerate(LIMITS)
        ]
        contract = ContractGiven(counterparty="A", direction="in", status="active")
        recorded = self.database.submit(
            lambda c: recording.record(c, contract, given_rights, new_id=new_id, now=NOW, by="person:robin")
        ).result()
        self.ids = [each.id for each in recorded.rights]

    def teardown(self) -> None:
        self.database.close()

    def _standing(self, right: int) -> list[int]:
        return [at for (of, _, at), state in self.expected.items() if of == right and state != "released"]

    @rule(
        publication=st.sampled_from(["pub_1", "pub_2", "pub_3"]),
        wanted=st.lists(st.tuples(st.integers(0, 2), HOURS), min_size=1, max_size=3),
        planner=st.sampled_from(["person:sam", "person:eve"]),
    )
    def reserve(self, publication: str, wanted: list[tuple[int, int]], planner: str) -> None:
        more = {each for each in wanted if self.expected.get((each[0], publication, each[1]), "released") == "released"}
        fits = all(
            fewest([*self._standing(right), *(at for of, at in more if of == right)], LIMITS[right][1])
            <= LIMITS[right][0]
            for right in {of for of, _ in more}
        )
        asked = [(self.ids[right], hour(at)) for right, at in wanted]
        done = self.database.submit(lambda c: runs.reserve(c, publication, asked, now=NOW, by=planner))
        if not fits:
            with pytest.raises(Problem) as refused:
                done.result()
            assert refused.value.code == "RUNS_EXHAUSTED"
            return
        done.result()
        self.expected |= {(right, publication, at): "reserved" for right, at in more}

    @rule(
        publication=st.sampled_from(["pub_1", "pub_2", "pub_3"]),
        action=st.sampled_from(["use", "release"]),
        at=st.one_of(WHOLE, HOURS),
    )
    def settle(self, publication: str, action: runs.Settling, at: int | None) -> None:
        own = {key: state for key, state in self.expected.items() if key[1] == publication and at in (None, key[2])}
        barred, becomes = ("released", "used") if action == "use" else ("used", "released")
        some, every = barred in own.values(), set(own.values()) == {barred}
        refusal = "CONFLICT" if some and (at is not None or action == "release" or every) else None
        named = None if at is None else [hour(at)]
        done = self.database.submit(lambda c: runs.settle(c, publication, action, named, now=NOW, by="person:sam"))
        if not own or refusal:
            with pytest.raises(Problem) as refused:
                done.result()
            assert refused.value.code == (refusal or "NOT_FOUND")
            return
        done.result()
        self.expected |= {key: becomes for key, state in own.items() if state == "reserved"}

    @invariant()
    def the_books_are_what_was_promised_and_no_right_is_oversold(self) -> None:
        def read(c: Connection) -> tuple[dict[str, RunCount], dict[tuple[int, str, datetime], str]]:
            rows = c.execute(select(table)).all()
            found = {(self.ids.index(row.right), row.publication, load_instant(row.at)): row.state for row in rows}
            return runs.counts(c, self.ids), found

        counts, found = self.database.submit(read).result()
        for right, (most, reruns) in enumerate(LIMITS):
            count = counts[self.ids[right]]
            assert count.taken == fewest(self._standing(right), reruns) <= most
            assert (count.used <= count.taken, count.left) == (True, most - count.taken)
        assert found == {(of, by, hour(at)): state for (of, by, at), state in self.expected.items()}


TestPlanners = Planners.TestCase
TestPlanners.settings = settings(stateful_step_count=12)
