"""Runs beside the real rights store: reserved before a commit, moved, used, given back; whatever dies in between."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from holdback_base.database import Database, Unit
from holdback_base.problem import Problem
from holdback_servers.schedule import moving, run_orders, store
from holdback_servers.schedule.books import Actor
from holdback_servers.schedule.committing import admit, commit, readmit_all
from holdback_servers.schedule.model import Availability, Publication
from holdback_servers.schedule.ports import RunKeeper, Transmission
from holdback_servers.schedule.run_orders.orders import intend
from holdback_servers.schedule.tables import run_orders as orders
from sqlalchemy import null, update

T = TypeVar("T")
SAM = Actor(by="person:sam", on_behalf_of="person:sam")
DAY = datetime(2026, 11, 24, 20, tzinfo=UTC)
REACH = {"source": "none", "hours": {"all": [50] * 24}}
ONE = {
    "name": "one",
    "title": "One",
    "kind": "linear",
    "platform": "linear",
    "territories": ["GB", "IE"],
    "geo_blocking": False,
    "reach": REACH,
}
TUBE = {
    "name": "tube",
    "title": "Tube",
    "kind": "social",
    "platform": "social.youtube",
    "territories": ["GB", "DE"],
} | {"reach": REACH}


def air(start: datetime, minutes: int = 60) -> tuple[Availability, ...]:
    """A transmission on the linear channel."""
    return (Availability(territories=("GB", "IE"), start=start, end=start + timedelta(minutes=minutes)),)


def post(*openings: tuple[str, datetime]) -> tuple[Availability, ...]:
    """Up on the social channel for a week, in each territory from its own instant."""
    return tuple(
        Availability(territories=tuple(places.split()), start=start, end=start + timedelta(days=7))
        for places, start in openings
    )


def hold(house: Any, channel: str, pieces: tuple[Availability, ...], **fields: Any) -> Publication:
    """A slot held for 12 hours."""
    publication = Publication(
        id=house.new_id("pub"),
        channel=channel,
        platform="linear" if channel == "one" else "social.youtube",
        title=fields.pop("title", "The Heron"),
        media=house.media,
        availability=pieces,
        start=min(piece.start for piece in pieces),
        end=max(piece.end for piece in pieces if piece.end),
        state="held",
        hold=house.new_id("hold"),
        expires=house.now + timedelta(hours=12),
        by="person:sam",
        on_behalf_of="person:sam",
        **fields,
    )
    return house.schedule.submit(lambda c: store.hold(c, publication, "held", house.now)).result().publication


async def committed(
    house: Any, held: Publication, database: Database | None = None, keeper: RunKeeper | None = None
) -> Publication:
    """Commit it as the tool does."""
    admission = await admit(
        held,
        house.clearance,
        house.approval(),
        ring=house.ring,
        now=house.now,
        status=house.outside.status,
        tier=house.tier,
    )

    def unit(c: Any, reservation: run_orders.Reservation) -> Publication:
        return store.commit(c, str(held.hold), admission, SAM, house.now, reservation=reservation)

    at = database or house.schedule
    return await commit(at, keeper or house.outside.runs, str(held.hold), admission, unit, now=house.now)


async def moved(
    house: Any,
    publication: Publication,
    pieces: tuple[Availability, ...],
    database: Database | None = None,
    keeper: RunKeeper | None = None,
    **papers: Sequence[str],
) -> list[Publication]:
    """Move it, and what follows it, as the tool does."""
    now, moves = house.now, {publication.id: pieces}
    at = database or house.schedule
    made = await at.read(lambda c: moving.moved(c, moves, now))
    asked = {"ring": house.ring, "status": house.outside.status, "tier": house.tier}
    admissions = await readmit_all(at, made, now=now, **asked, **papers)

    async with run_orders.secured(
        at, keeper or house.outside.runs, lambda c: moving.becoming(c, moves, admissions, now), now
    ) as reservation:
        return await at.write(
            lambda c: moving.move_all(c, moves, admissions, SAM, now, why="better", reservation=reservation)
        )


async def cancelled(
    house: Any, publication: Publication, database: Database | None = None, keeper: RunKeeper | None = None
) -> Publication:
    """Cancel it as the tool does."""
    at = database or house.schedule
    gone = await at.write(lambda c: store.cancel(c, publication.id, "why not", SAM, house.now))
    await run_orders.settle(at, keeper or house.outside.runs, [gone.id], house.now)
    return gone


def put(house: Any, publication: Publication, **fields: Any) -> Publication:
    changed = publication.model_copy(update=fields)
    return house.schedule.submit(lambda c: store.put(c, changed, SAM, "the clock", house.now)).result()


def found(house: Any, publication: Publication) -> Publication:
    return house.schedule.submit(lambda c: store.find_publication(c, publication.id, house.now)).result()


async def settled(house: Any) -> tuple[str, ...]:
    return await run_orders.settle_due(house.schedule, house.outside.runs, house.now)


@pytest.fixture(autouse=True)
def channels(house: Any) -> None:
    house.record(ONE)
    house.record(TUBE)


@pytest.mark.asyncio
async def test_a_commit_reserves_a_run_for_each_instant_at_which_it_opens(house: Any) -> None:
    late = DAY + timedelta(days=5)
    done = await committed(house, hold(house, "tube", post(("GB", DAY), ("DE", late))))
    assert (done.state, done.approved_for) == ("scheduled", done.availability)
    assert house.runs() == {(done.id, DAY): "reserved", (done.id, late): "reserved"}
    assert house.schedule.submit(lambda c: run_orders.ready(c, done.id)).result()
    assert await settled(house) == ()


@pytest.mark.asyncio
async def test_a_right_with_no_run_left_refuses_the_commit_and_the_hold_stays(house: Any) -> None:
    first, second, third = [hold(house, "one", air(DAY + timedelta(hours=n)), title=f"T{n}") for n in (0, 2, 4)]
    await committed(house, first)
    await committed(house, second)
    before = house.runs()
    with pytest.raises(Problem) as refused:
        await committed(house, third)
    assert refused.value.code == "RUNS_EXHAUSTED"
    assert (found(house, third).state, house.runs()) == ("held", before)
    await cancelled(house, first)
    assert (await committed(house, third)).state == "scheduled"
    assert house.runs() == {(second.id, second.start): "reserved", (third.id, third.start): "reserved"}


@pytest.mark.asyncio
async def test_a_refused_commit_gives_back_what_it_reserved(house: Any) -> None:
    held = hold(house, "one", air(DAY))
    asked = {"ring": house.ring, "status": house.outside.status, "tier": house.tier}
    admission = await admit(held, house.clearance, house.approval(), now=house.now, **asked)

    def too_late(c: Any, reservation: run_orders.Reservation) -> Publication:
        late = house.now + timedelta(hours=13)
        return store.commit(c, str(held.hold), admission, SAM, late, reservation=reservation)

    with pytest.raises(Problem) as refused:
        await commit(house.schedule, house.outside.runs, str(held.hold), admission, too_late, now=house.now)
    assert (refused.value.code, house.runs()) == ("HOLD_EXPIRED", {})


@pytest.mark.asyncio
async def test_what_goes_live_uses_its_run_for_good_and_what_is_to_come_stays_reserved(house: Any) -> None:
    late = DAY + timedelta(days=5)
    done = await committed(house, hold(house, "tube", post(("GB", DAY), ("DE", late))))
    house.now = DAY
    live = put(house, done, state="live")
    await settled(house)
    assert house.runs() == {(done.id, DAY): "used", (done.id, late): "reserved"}
    await cancelled(house, live)
    assert (found(house, done).state, house.runs()) == ("taken_down", {(done.id, DAY): "used"})


@pytest.mark.asyncio
async def test_a_clearance_that_has_expired_since_does_not_lose_the_runs_that_were_reserved_under_it(
    house: Any,
) -> None:
    late = DAY + timedelta(days=12)
    done = await committed(house, hold(house, "tube", post(("GB", DAY), ("DE", late))))
    house.now = DAY + timedelta(days=11)
    put(house, done, state="live")
    assert await settled(house) == ()
    assert house.runs() == {(done.id, DAY): "used", (done.id, late): "reserved"}
    assert house.schedule.submit(lambda c: run_orders.ready(c, done.id)).result()


@pytest.mark.asyncio
async def test_the_last_run_moves_along_and_is_never_free_in_between(house: Any) -> None:
    first = await committed(house, hold(house, "one", air(DAY)))
    await committed(house, hold(house, "one", air(DAY + timedelta(hours=4)), title="Other"))
    later = DAY + timedelta(hours=9)
    (again,) = await moved(house, first, air(later))
    assert (again.start, again.end, again.state) == (later, later + timedelta(hours=1), "scheduled")
    assert {at for (identity, at) in house.runs() if identity == first.id} == {later}
    row = house.schedule.submit(lambda c: store.with_history(c, [again])).result()[0].history[-1]
    assert row.why == "moved from 2026-11-24T20:00:00Z to 2026-11-25T05:00:00Z: better"


@pytest.mark.asyncio
async def test_a_move_that_is_refused_leaves_the_publication_and_its_run_where_they_were(house: Any) -> None:
    first = await committed(house, hold(house, "one", air(DAY)))
    other = hold(house, "one", air(DAY + timedelta(hours=4)), title="Other")
    for pieces, code in (
        (air(other.start), "SLOT_TAKEN"),
        (air(DAY + timedelta(days=90)), "OUTSIDE_CLEARED_WINDOW"),
        (air(DAY, 61), "APPROVAL_REQUIRED"),
        (air(house.now - timedelta(hours=1)), "INVALID_ARGUMENT"),
    ):
        with pytest.raises(Problem) as refused:
            await moved(house, first, pieces)
        assert refused.value.code == code
        assert (found(house, first), house.runs()) == (first, {(first.id, DAY): "reserved"})


@pytest.mark.asyncio
async def test_longer_than_approved_needs_a_newer_clearance_and_a_person_who_approves_it(house: Any) -> None:
    done = await committed(house, hold(house, "one", air(DAY)))
    statement, identity = house.issue()
    with pytest.raises(Problem) as refused:
        await moved(house, done, air(DAY, 90), clearances=[statement])
    assert refused.value.code == "APPROVAL_REQUIRED"
    own = house.approval(identity, by="person:sam")
    with pytest.raises(Problem) as refused:
        await moved(house, done, air(DAY, 90), clearances=[statement], approvals=[own])
    assert refused.value.code == "SEPARATION_OF_DUTIES"
    (longer,) = await moved(house, done, air(DAY, 90), clearances=[statement], approvals=[house.approval(identity)])
    assert (longer.clearance, longer.approved_for) == (identity, longer.availability)
    (shorter,) = await moved(house, longer, air(DAY, 30))
    assert shorter.approved_for == longer.availability
    (back,) = await moved(house, shorter, air(DAY, 90))
    assert back.end == longer.end


@pytest.mark.asyncio
async def test_what_follows_moves_along_with_its_own_run_and_papers_or_nothing_moves(house: Any) -> None:
    head = await committed(house, hold(house, "one", air(DAY)))
    after = {"start_mode": "follow", "follows": head.id}
    tail = await committed(house, hold(house, "one", air(DAY + timedelta(hours=1)), title="Tail", details=after))
    later = DAY + timedelta(hours=3)
    first, second = await moved(house, head, air(later))
    assert (first.start, second.start, second.end) == (later, first.end, later + timedelta(hours=2))
    assert sorted(house.runs()) == sorted([(head.id, later), (tail.id, later + timedelta(hours=1))])
    house.schedule.submit(lambda c: store.lock(c, tail.id, "agreed", SAM, house.now, locked=True)).result()
    with pytest.raises(Problem) as refused:
        await moved(house, first, air(DAY))
    assert (refused.value.code, tail.id in refused.value.message) == ("CONFLICT", True)
    await cancelled(house, first)
    left = found(house, tail)
    assert (left.details.start_mode, left.start, left.state) == ("fixed", second.start, "scheduled")


@pytest.mark.asyncio
async def test_fewer_territories_or_less_time_asks_nobody_and_gives_back_what_will_not_go_out(house: Any) -> None:
    late = DAY + timedelta(days=2)
    done = await committed(house, hold(house, "tube", post(("GB", DAY), ("DE", late))))
    house.now = DAY + timedelta(hours=1)
    live = put(house, done, state="live")

    def cut(pieces: Sequence[Availability]) -> Publication:
        return house.schedule.submit(
            lambda c: moving.cut_back(c, done.id, pieces, SAM, house.now, why="wrong credit")
        ).result()

    with pytest.raises(Problem, match="when it is not now"):
        cut(post(("GB", DAY), ("DE", DAY)))
    shorter = cut(moving.without(live, ["GB"]))
    assert shorter.availability == (
        Availability(territories=("GB",), start=DAY, end=house.now),
        Availability(territories=("DE",), start=late, end=late + timedelta(days=7)),
    )
    await settled(house)
    assert house.runs() == {(done.id, DAY): "used", (done.id, late): "reserved"}
    assert cut(()).state == "taken_down"
    await settled(house)
    assert house.runs() == {(done.id, DAY): "used"}
    with pytest.raises(Problem, match="not to be seen in US"):
        moving.without(shorter, ["US"])


class Died(BaseException):
    """The process is gone: nothing of it runs any more, no handler of refusals either."""


class Mortal:
    """Counts what is done at a store or at the keeper of runs; dies before or after one of the steps."""

    def __init__(self, step: int, *, after: bool) -> None:
        self.left, self.after, self.done = step, after, 0

    async def through(self, act: Callable[[], Awaitable[T]]) -> T:
        self.done += 1
        if self.done == self.left and not self.after:
            raise Died
        result = await act()
        if self.done == self.left:
            raise Died
        return result


class MortalStore(Database):
    """The same store, as a process that may die sees it."""

    def __init__(self, real: Database, mortal: Mortal) -> None:
        self._real, self._mortal = real, mortal

    async def write(self, unit: Unit[T]) -> T:
        return await self._mortal.through(lambda: self._real.write(unit))

    async def read(self, unit: Unit[T]) -> T:
        return await self._real.read(unit)


class MortalKeeper:
    """The same keeper of runs, as a process that may die sees it."""

    def __init__(self, real: RunKeeper, mortal: Mortal) -> None:
        self._real, self._mortal = real, mortal

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        await self._mortal.through(lambda: self._real.reserve(publication, clearance, transmissions))

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        await self._mortal.through(lambda: self._real.keep(publication, at))

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        await self._mortal.through(lambda: self._real.use(publication, at))


async def lives(house: Any, act: Callable[[Database, RunKeeper], Awaitable[Any]], step: int, *, after: bool) -> bool:
    """Whether the process got to the end of what it did before it died."""
    mortal = Mortal(step, after=after)
    try:
        await act(MortalStore(house.schedule, mortal), MortalKeeper(house.outside.runs, mortal))
    except Died:
        return False
    return True


def standing(house: Any, *publications: Publication) -> dict[tuple[str, datetime], str]:
    """The runs that the schedule says should stand."""
    now = [found(house, each) for each in publications]
    return {
        (each.id, piece.start): "reserved" for each in now if each.state == "scheduled" for piece in each.availability
    }


@pytest.mark.asyncio
@pytest.mark.parametrize("after", [False, True])
async def test_a_process_that_dies_anywhere_in_a_commit_neither_loses_nor_keeps_a_run(house: Any, after: bool) -> None:
    for step in range(1, 10):
        held = hold(house, "one", air(DAY))
        ended = await lives(house, lambda d, k, h=held: committed(house, h, d, k), step, after=after)
        house.now += timedelta(seconds=61)
        assert await settled(house) == ()
        assert house.runs() == standing(house, held)
        if found(house, held).state == "held":
            await committed(house, held)
            assert house.runs() == {(held.id, DAY): "reserved"}
        await cancelled(house, held)
        assert house.runs() == {}
        if ended:
            assert step > 3  # the intent, the reservation, the commit
            return
    pytest.fail("a commit has fewer steps than that")


@pytest.mark.asyncio
@pytest.mark.parametrize("after", [False, True])
async def test_a_process_that_dies_anywhere_in_a_cancel_gives_the_run_back_all_the_same(
    house: Any, after: bool
) -> None:
    for step in range(1, 10):
        done = await committed(house, hold(house, "one", air(DAY)))
        ended = await lives(house, lambda d, k, p=done: cancelled(house, p, d, k), step, after=after)
        house.now += timedelta(seconds=61)
        assert await settled(house) == ()
        assert house.runs() == standing(house, done)
        await cancelled(house, done)
        if ended:
            assert step > 4  # the change, what is due, the keeper, that it has heard
            return
    pytest.fail("a cancel has fewer steps than that")


@pytest.mark.asyncio
@pytest.mark.parametrize("after", [False, True])
async def test_a_process_that_dies_anywhere_in_a_move_leaves_one_run_where_the_publication_is(
    house: Any, after: bool
) -> None:
    other = await committed(house, hold(house, "one", air(DAY + timedelta(hours=12)), title="Other"))
    done = await committed(house, hold(house, "one", air(DAY)))
    for step in range(1, 10):
        pieces = air(DAY + timedelta(hours=step))
        ended = await lives(house, lambda d, k, p=pieces: moved(house, done, p, d, k), step, after=after)
        assert len(house.runs()) == 2
        house.now += timedelta(seconds=61)
        assert await settled(house) == ()
        assert house.runs() == standing(house, done, other)
        assert house.schedule.submit(lambda c: run_orders.ready(c, done.id)).result()
        if ended:
            assert step > 3
            assert found(house, done).availability == pieces
            return
    pytest.fail("a move has fewer steps than that")


@pytest.mark.asyncio
async def test_what_the_keeper_has_heard_may_be_told_again_without_another_effect(house: Any) -> None:
    late = DAY + timedelta(days=2)
    done = await committed(house, hold(house, "tube", post(("GB", DAY), ("DE", late))))
    for state, runs in (("scheduled", ["reserved", "reserved"]), ("live", ["used", "reserved"]), ("expired", ["used"])):
        house.now = max(house.now, DAY if state == "live" else house.now)
        put(house, done, state=state)
        for known in ({}, {"secured": null()}):
            house.schedule.submit(lambda c, k=known: c.execute(update(orders).values(done=False, **k))).result()
            assert await settled(house) == ()
            assert list(house.runs().values()) == runs
            house.now += timedelta(seconds=1)


@pytest.mark.asyncio
@pytest.mark.parametrize("asked_again", [False, True])
async def test_a_reservation_that_was_given_back_commits_nothing(house: Any, asked_again: bool) -> None:
    held = hold(house, "one", air(DAY))
    asked = {"ring": house.ring, "status": house.outside.status, "tier": house.tier}
    admission = await admit(held, house.clearance, house.approval(), now=house.now, **asked)

    async def slow() -> None:
        async with run_orders.secured(
            house.schedule,
            house.outside.runs,
            lambda c: [store.committable(c, str(held.hold), admission, house.now)],
            house.now,
        ) as reservation:
            house.now += timedelta(seconds=61)
            assert await settled(house) == ()
            assert house.runs() == {}
            if asked_again:  # another process wants the same, and has not reserved it yet
                wanted = await house.schedule.read(lambda c: store.committable(c, held.hold, admission, house.now))
                await house.schedule.write(lambda c: intend(c, wanted, house.now))
            await house.schedule.write(
                lambda c: store.commit(c, str(held.hold), admission, SAM, house.now, reservation=reservation)
            )

    with pytest.raises(Problem) as refused:
        await slow()
    assert (refused.value.code, found(house, held).state) == ("CONFLICT", "held")
    assert (await committed(house, held)).state == "scheduled"


class Deaf:
    """A rights server that is down."""

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        raise ConnectionError("nobody there")

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        raise ConnectionError("nobody there")

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        raise ConnectionError("nobody there")


@pytest.mark.asyncio
async def test_while_the_rights_server_is_down_nothing_is_committed_and_what_is_cancelled_is_told_later(
    house: Any,
) -> None:
    done = await committed(house, hold(house, "one", air(DAY)))
    other = hold(house, "one", air(DAY + timedelta(hours=3)), title="Other")
    with pytest.raises(Problem) as refused:
        await committed(house, other, keeper=Deaf())
    assert (refused.value.code, found(house, other).state) == ("UNAVAILABLE", "held")
    assert (await cancelled(house, done, keeper=Deaf())).state == "cancelled"
    assert house.runs() == {(done.id, DAY): "reserved"}
    house.now += timedelta(seconds=1)
    missed = await run_orders.settle_due(house.schedule, Deaf(), house.now)
    assert set(missed) == {done.id, other.id}
    assert await settled(house) == ()  # not yet: it waits longer each time
    assert house.runs() == {(done.id, DAY): "reserved"}
    house.now += timedelta(minutes=5)
    assert await settled(house) == ()
    assert house.runs() == {}


@pytest.mark.asyncio
async def test_a_clock_that_went_back_does_not_keep_runs_waiting(house: Any) -> None:
    done = await committed(house, hold(house, "one", air(DAY)))
    other = hold(house, "one", air(DAY + timedelta(hours=3)), title="Other")
    assert not await lives(house, lambda d, k: committed(house, other, d, k), 2, after=True)
    assert (await cancelled(house, done, keeper=Deaf())).state == "cancelled"
    assert len(house.runs()) == 2
    house.now -= timedelta(hours=3)
    assert await settled(house) == ()
    assert house.runs() == {}


@pytest.mark.asyncio
async def test_the_clock_leaves_a_change_that_is_under_way_alone(house: Any) -> None:
    held = hold(house, "one", air(DAY))

    class Ticking(MortalKeeper):
        async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
            await super().reserve(publication, clearance, transmissions)
            house.now += timedelta(seconds=30)
            assert await settled(house) == ()

    keeper = Ticking(house.outside.runs, Mortal(0, after=False))
    assert (await committed(house, held, keeper=keeper)).state == "scheduled"
    assert house.runs() == {(held.id, DAY): "reserved"}


@pytest.mark.asyncio
async def test_what_changes_while_the_keeper_is_told_is_told_again(house: Any) -> None:
    late = DAY + timedelta(days=2)
    done = await committed(house, hold(house, "tube", post(("GB", DAY), ("DE", late))))
    house.now = DAY
    live = put(house, done, state="live")

    class Overtaken(MortalKeeper):
        async def keep(self, publication: str, at: Sequence[datetime]) -> None:
            put(house, live, state="taken_down")
            await super().keep(publication, at)

    keeper = Overtaken(house.outside.runs, Mortal(0, after=False))
    await run_orders.settle(house.schedule, keeper, [done.id], house.now)
    assert house.runs() == {(done.id, DAY): "used", (done.id, late): "reserved"}
    await settled(house)
    assert house.runs() == {(done.id, DAY): "used"}
