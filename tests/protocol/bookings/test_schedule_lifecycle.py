"""The whole life of publications, two planners at once, beside the real rights store and the schedule's own clock.

Whatever they do in whatever order, and whichever process dies: no slot is given twice, no run is sold twice, nothing
is lost, nothing goes out that was not committed, and nothing stays up that was taken down.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule import books, moving, run_orders, store
from holdback_servers.schedule.books import Actor
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.committing import admit, commit, readmit_all
from holdback_servers.schedule.constraints import conflicts
from holdback_servers.schedule.model import Availability, Details, Publication
from holdback_servers.schedule.ports import Package
from holdback_servers.schedule.ticking import Playout
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

BEGIN = datetime(2026, 11, 22, 5, tzinfo=UTC)
REACH = {"source": "none", "hours": {"all": [50] * 24}}
LINEAR: dict[str, Any] = {"name": "one", "title": "One", "kind": "linear", "platform": "linear", "reach": REACH}
SOCIAL: dict[str, Any] = {"name": "tube", "title": "Tube", "kind": "social", "platform": "social.youtube"}
SOCIAL |= {"territories": ["GB", "DE"], "daily_cap": 3, "min_gap_minutes": 30, "reach": REACH}
LINEAR |= {"territories": ["GB", "IE"], "geo_blocking": False}
CHANNELS, QUARTERS = st.sampled_from(["one", "tube"]), st.integers(1, 40)
PLANNERS = st.sampled_from(["person:sam", "person:eve"])
_EXAMPLES = settings().max_examples // 8
LIMIT = 2
"""Runs that the film has on linear, and as many on social media."""
REFUSED = {
    "SLOT_TAKEN",
    "SLOT_REFUSED",
    "INVALID_ARGUMENT",
    "HOLD_EXPIRED",
    "ALREADY_COMMITTED",
    "CONFLICT",
    "RUNS_EXHAUSTED",
    "OUTSIDE_CLEARED_WINDOW",
    "UNAVAILABLE",
}
ENDS: dict[str, set[str]] = {
    "held": {"held", "scheduled", "cancelled", "live", "expired", "failed", "taken_down"},
    "scheduled": {"scheduled", "live", "expired", "cancelled", "taken_down", "failed"},
    "live": {"live", "expired", "taken_down"},
}


@dataclass
class Air:
    """What is to be seen, as its viewers know: by publication, the territories. It remembers all that was ever up."""

    on: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ever: set[tuple[str, str]] = field(default_factory=set)
    keys: list[str] = field(default_factory=list)

    async def deliver(self, package: Package) -> str:
        self.keys.append(package.key)
        self.on.pop(package.publication.id, None)
        if package.territories:
            self.on[package.publication.id] = package.territories
            self.ever |= {(package.publication.id, package.channel)}
        return "seen"


async def _outcomes(*work: Coroutine[Any, Any, Any]) -> list[BaseException | None]:
    """All of it at once: None for what was done, otherwise what it raised."""

    async def outcome(one: Coroutine[Any, Any, Any]) -> BaseException | None:
        try:
            await one
        except Exception as error:
            return error
        return None

    return list(await asyncio.gather(*(outcome(one) for one in work)))


def _check_refusal(answer: BaseException | None) -> None:
    if answer is not None:
        assert isinstance(answer, Problem), repr(answer)
        assert answer.code in REFUSED, answer.line()


class Down(BaseException):
    """The process of a planner ends at once."""


class Dying:
    """The keeper of runs in a process that ends before, or right after, it is told to reserve."""

    def __init__(self, real: Any, *, after: bool) -> None:
        self._real, self._after = real, after

    async def reserve(self, *asked: Any) -> None:
        if self._after:
            await self._real.reserve(*asked)
        raise Down

    async def keep(self, *asked: Any) -> None:
        raise Down

    async def use(self, *asked: Any) -> None:
        raise Down


class Lifecycle(RuleBasedStateMachine):
    """`known` holds every publication that was ever held, as it was last seen."""

    fresh: Any
    """Makes a home with the rights store in a folder."""

    @initialize()
    def open(self) -> None:
        self.folder = TemporaryDirectory()
        self.house = type(self).fresh(Path(self.folder.name))
        self.runner = asyncio.Runner()
        self.channels: list[Channel] = [self.house.record(each) for each in (LINEAR, SOCIAL)]
        self.air = Air()
        self.outside = replace(self.house.outside, publishers={"folder": self.air})
        self.clock = Playout(self.house.services(), self.outside)
        self.known: dict[str, Publication] = {}

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        try:
            self.all_comes_to_rest()
        finally:
            self.house.close()
            self.runner.close()
            self.folder.cleanup()

    def all_comes_to_rest(self) -> None:
        """Once everything is told, the rights know exactly the runs of what stands, and nothing is up without one."""
        for _ in range(3):
            self.house.now += timedelta(seconds=61)
            self._run(self.clock.tick(self.house.now))
        runs = self.house.runs()
        for each in map(self._look, self.known):
            mine = {at: state for (identity, at), state in runs.items() if identity == each.id}
            waiting = {piece.start for piece in each.availability if piece.start > self.house.now}
            assert {at for at, state in mine.items() if state == "reserved"} == (
                waiting if each.state in ("scheduled", "live") else set()
            )
            went_out = any(identity == each.id for identity, _ in self.air.ever)
            assert ("used" in mine.values()) == went_out

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def _look(self, identity: str) -> Publication:
        return self._unit(lambda c: store.find_publication(c, identity, self.house.now))

    def _unit(self, unit: Any) -> Any:
        return self.house.schedule.submit(unit).result()

    def _refusable(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do it, or be refused for a reason that a planner may meet."""
        (answer,) = self._run(_outcomes(work))
        _check_refusal(answer)

    def _among(self, *states: str) -> list[Publication]:
        return [each for each in self.known.values() if each.state in states]

    def _pieces(self, channel: str, start: datetime, later: bool) -> tuple[Availability, ...]:
        if channel == "one":
            return (Availability(territories=("GB", "IE"), start=start, end=start + timedelta(minutes=45)),)
        end = start + timedelta(days=1)
        if not later:
            return (Availability(territories=("DE", "GB"), start=start, end=end),)
        opening = Availability(territories=("DE",), start=start + timedelta(hours=3), end=end)
        return (Availability(territories=("GB",), start=start, end=end), opening)

    def _wanted(self, channel: str, start: datetime, planner: str, later: bool, details: Details) -> Publication:
        pieces = self._pieces(channel, start, later)
        return Publication(
            id=self.house.new_id("pub"),
            channel=channel,
            platform="linear" if channel == "one" else "social.youtube",
            title=f"The Heron {len(self.known)}",
            media=self.house.media,
            availability=pieces,
            start=start,
            end=max(piece.end for piece in pieces if piece.end),
            state="held",
            hold=self.house.new_id("hold"),
            expires=self.house.now + timedelta(hours=5),
            by=planner,
            on_behalf_of=planner,
            details=details,
        )

    async def _hold(self, wanted: Publication) -> None:
        await self.house.schedule.write(lambda c: store.hold(c, wanted, "held", self.house.now))
        self.known[wanted.id] = wanted

    async def _commit(self, held: Publication, keeper: Any = None) -> None:
        now, house = self.house.now, self.house
        approval = house.approval(**{"for": held.on_behalf_of})
        asked = {"ring": house.ring, "status": self.outside.status, "tier": house.tier}
        admission = await admit(held, house.clearance, approval, now=now, **asked)
        actor = Actor(by="agent:scheduler", on_behalf_of=held.on_behalf_of)
        await commit(
            house.schedule,
            keeper or self.outside.runs,
            str(held.hold),
            admission,
            lambda c, kept: store.commit(c, str(held.hold), admission, actor, now, reservation=kept),
            now=now,
        )

    async def _move(self, publication: Publication, start: datetime) -> None:
        now, house = self.house.now, self.house
        moves = {publication.id: self._pieces(publication.channel, start, len(publication.availability) > 1)}
        made = await house.schedule.read(lambda c: moving.moved(c, moves, now))
        admissions = await readmit_all(
            house.schedule, made, ring=house.ring, now=now, status=self.outside.status, tier=house.tier
        )
        actor = Actor(by="person:eve", on_behalf_of="person:eve")
        async with run_orders.secured(
            house.schedule, self.outside.runs, lambda c: moving.becoming(c, moves, admissions, now), now
        ) as kept:
            await house.schedule.write(
                lambda c: moving.move_all(c, moves, admissions, actor, now, why="better", reservation=kept)
            )

    @rule(
        channel=CHANNELS, quarter=QUARTERS, planner=st.sampled_from(["person:sam", "person:eve"]), later=st.booleans()
    )
    def hold(self, channel: str, quarter: int, planner: str, later: bool) -> None:
        start = self._quarter(quarter)
        self._refusable(self._hold(self._wanted(channel, start, planner, later, Details())))

    def _quarter(self, number: int) -> datetime:
        since = (self.house.now - BEGIN) // timedelta(minutes=15)
        return BEGIN + timedelta(minutes=15 * (since + number))

    @rule(channel=CHANNELS, quarter=QUARTERS)
    def both_want_the_same_slot(self, channel: str, quarter: int) -> None:
        start = self._quarter(quarter)
        both = [self._wanted(channel, start, each, False, Details()) for each in ("person:sam", "person:eve")]
        answers = self._run(_outcomes(*(self._hold(each) for each in both)))
        assert answers.count(None) <= 1
        for each in answers:
            _check_refusal(each)

    @precondition(lambda self: self._among("held", "scheduled"))
    @rule(data=st.data())
    def hold_what_follows(self, data: st.DataObject) -> None:
        head = data.draw(st.sampled_from(self._among("held", "scheduled")))
        details = Details(start_mode="follow", follows=head.id)
        self._refusable(self._hold(self._wanted("one", head.end or head.start, "person:sam", False, details)))

    @precondition(lambda self: self._among("held"))
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        self._refusable(self._commit(data.draw(st.sampled_from(self._among("held")))))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def commit_whatever_became_of_it(self, data: st.DataObject) -> None:
        self._refusable(self._commit(self._look(data.draw(st.sampled_from(list(self.known))))))

    @precondition(lambda self: self._among("held"))
    @rule(data=st.data())
    def both_commit_at_once(self, data: st.DataObject) -> None:
        some = data.draw(st.lists(st.sampled_from(self._among("held")), min_size=2, max_size=3))
        for each in self._run(_outcomes(*(self._commit(held) for held in some))):
            _check_refusal(each)

    @precondition(lambda self: self._among("held"))
    @rule(data=st.data(), after=st.booleans())
    def a_process_dies_while_it_commits(self, data: st.DataObject, after: bool) -> None:
        held = data.draw(st.sampled_from(self._among("held")))
        with suppress(Down):
            self._refusable(self._commit(held, Dying(self.outside.runs, after=after)))

    @precondition(lambda self: self._among("held", "scheduled", "live"))
    @rule(data=st.data(), quarter=QUARTERS)
    def move(self, data: st.DataObject, quarter: int) -> None:
        moving_on = data.draw(st.sampled_from(self._among("held", "scheduled", "live")))
        self._refusable(self._move(moving_on, self._quarter(quarter)))

    @precondition(lambda self: self._among("scheduled", "live", "held"))
    @rule(data=st.data(), told=st.booleans())
    def cancel(self, data: st.DataObject, told: bool) -> None:
        gone, now = data.draw(st.sampled_from(self._among("scheduled", "live", "held"))), self.house.now
        actor = Actor(by="person:eve", on_behalf_of="person:eve")

        async def at_once() -> None:
            await self.house.schedule.write(lambda c: store.cancel(c, gone.id, "why not", actor, now))
            if told:  # otherwise the process ended before it could tell the keeper of runs
                await run_orders.settle(self.house.schedule, self.outside.runs, [gone.id], now)

        self._refusable(at_once())

    @precondition(lambda self: self._among("scheduled", "live"))
    @rule(data=st.data())
    def take_down_in_one_territory(self, data: st.DataObject) -> None:
        cut, now = data.draw(st.sampled_from(self._among("scheduled", "live"))), self.house.now
        actor = Actor(by="person:eve", on_behalf_of="person:eve")

        async def at_once() -> None:
            left = moving.without(cut, ["GB"])
            await self.house.schedule.write(lambda c: moving.cut_back(c, cut.id, left, actor, now, why="rights"))

        self._refusable(at_once())

    @rule(minutes=st.sampled_from([1, 15, 300]))
    def time_passes(self, minutes: int) -> None:
        self.house.now += timedelta(minutes=minutes)

    @precondition(lambda self: self._among("scheduled", "live"))
    @rule(late=st.sampled_from([0, 0, 2, 60]))
    def the_clock_ticks_at_the_next_change(self, late: int) -> None:
        edges = {
            edge
            for each in self._among("scheduled", "live")
            for piece in each.availability
            for edge in (piece.start, piece.end)
            if edge is not None and edge > self.house.now
        }
        self.house.now = min(edges, default=self.house.now) + timedelta(minutes=late)
        self._run(self.clock.tick(self.house.now))

    @invariant()
    def no_slot_is_given_twice_and_no_rule_is_broken(self) -> None:
        window = TimeRange(start=BEGIN, end=self.house.now + timedelta(days=3))
        for channel in self.channels:
            kept = self._unit(lambda c, on=channel: books.read_books(c, on, window, self.house.now))
            lapsed = {each.id for each in self._among("cancelled")}
            assert [each for each in conflicts(kept) if not self._follows_one_of(each, lapsed)] == []

    def _follows_one_of(self, conflict: Any, gone: set[str]) -> bool:
        """What follows a hold that has lapsed says so, until somebody decides about it."""
        return conflict.rule == "FOLLOW" and any(
            self._look(each).details.follows in gone for each in conflict.publications
        )

    @invariant()
    def no_run_is_sold_twice(self) -> None:
        taken: dict[str, int] = {}
        for identity, _ in self.house.runs():
            channel = self.known[identity].channel
            taken[channel] = taken.get(channel, 0) + 1
        assert all(count <= LIMIT for count in taken.values())

    @invariant()
    def no_publication_is_lost_and_none_comes_back(self) -> None:
        found = self._unit(lambda c: [self._found(c, each) for each in self.known])
        for (identity, before), now in zip(list(self.known.items()), found, strict=True):
            assert now.state in ENDS.get(before.state, {before.state}), (before.state, now.state)
            self.known[identity] = now
        kept = self._unit(lambda c: store.with_history(c, list(self.known.values())))
        assert all(each.history and each.history[0].state == "held" for each in kept)

    @invariant()
    def only_what_was_committed_goes_out_with_its_run_and_one_thing_at_a_time_on_a_linear_channel(self) -> None:
        runs = {identity for identity, _ in self.house.runs()}
        for identity, channel in self.air.ever:
            shown = self._unit(lambda c, one=identity: store.with_history(c, [self._found(c, one)]))[0]
            assert [row.state for row in shown.history if row.state != "held"][:2] == ["approved", "scheduled"]
            assert identity in runs
            assert shown.channel == channel
        assert len(set(self.air.keys)) == len(self.air.keys)

    def _found(self, c: Any, identity: str) -> Publication:
        return store.find_publication(c, identity, self.house.now)


def test_nothing_is_given_twice_or_lost_whatever_two_planners_do(fresh_home: Any) -> None:
    class Planners(Lifecycle):
        fresh = staticmethod(fresh_home)

    run_state_machine_as_test(Planners, settings=settings(stateful_step_count=20, max_examples=_EXAMPLES))
