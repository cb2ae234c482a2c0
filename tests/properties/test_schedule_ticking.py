"""The schedule's clock: what publishers are told, through crashes, restarts, clocks that jump and rights that end."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_servers.schedule import showings, store
from holdback_servers.schedule.books import Actor, save_channel
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Availability, Publication, State, availability_bounds
from holdback_servers.schedule.playout import LEASE, Showing
from holdback_servers.schedule.ports import Outside, Package, Transmission
from holdback_servers.schedule.ticking import Playout
from holdback_servers.services import Services, open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.enforcing import Enforcement
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.standing import Standing
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

KEYS = KeyPair.generate()
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SAM = Actor(by="agent:scheduler", on_behalf_of="person:sam")
TRIES = 4
Mishap = Literal["refused", "broken before", "broken after", "killed before", "killed after"]


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


class Killed(BaseException):
    """The process is gone, at this very point."""


@dataclass(frozen=True)
class Told:
    """What the world saw a publisher do: at which time of the clock, under which revision, what is on show since."""

    at: datetime
    revision: int
    on: frozenset[str]


@dataclass
class Platform:
    """A publisher in memory that keeps the port's contract, and fails as it is told to.

    What it gets twice under one key it does once, and what is older than what it did already it does not do.
    """

    clock: Callable[[], datetime]
    told: dict[str, list[Told]] = field(default_factory=dict[str, list[Told]])
    mishaps: list[Mishap] = field(default_factory=list[Mishap])
    calls: int = 0
    slow: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, package: Package) -> str:
        self.calls += 1
        self.reached.set()
        mishap = self.mishaps.pop(0) if self.mishaps else None
        if self.slow is not None and package.territories:
            await self.slow.wait()
        if mishap == "refused":
            raise Problem("CONFLICT", "The platform does not take it.", "Change it.")
        if mishap == "broken before":
            raise Problem("UNAVAILABLE", "The platform does not answer.", "Try again.")
        if mishap == "killed before":
            raise Killed
        done = self.told.setdefault(package.publication.id, [])
        if not done or done[-1].revision < package.revision:
            done.append(Told(self.clock(), package.revision, frozenset(package.territories)))
        elif done[-1].revision > package.revision:
            raise Problem("CONFLICT", "Something newer was told already.")
        if mishap == "broken after":
            raise Problem("UNAVAILABLE", "The platform hung up.", "Try again.")
        if mishap == "killed after":
            raise Killed
        return f"done as {package.key}"

    def shown(self, publication: str = "pub_ONE") -> frozenset[str]:
        done = self.told.get(publication)
        return done[-1].on if done else frozenset()


@dataclass
class Keeper:
    """Runs of rights without a limit: who used which."""

    used: set[tuple[str, datetime]] = field(default_factory=set[tuple[str, datetime]])
    kept: dict[str, set[datetime]] = field(default_factory=dict[str, set[datetime]])
    down: bool = False

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        if self.down:
            raise Problem("UNAVAILABLE", f"Nobody counts the runs of {publication} under {clearance}.")
        self.kept[publication] = {each.at for each in transmissions}

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        self.kept[publication] = self.kept.get(publication, set()) & set(at)

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        self.used |= {(publication, each) for each in at}


@dataclass
class World:
    """A store, a platform, and a clock that is set by hand; `restart` is another process over the same store."""

    services: Services
    channel: Channel
    now: datetime = NOON
    standing: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[str] = field(default_factory=list[str])
    meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None
    runs: Keeper = field(default_factory=Keeper)
    platform: Platform = field(init=False)
    playout: Playout = field(init=False)

    def __post_init__(self) -> None:
        self.platform = Platform(lambda: self.now)
        self.restart()

    def restart(self) -> None:
        self.playout = self.another()

    def another(self) -> Playout:
        return Playout(
            self.services, Outside(self.stands, self.runs, {"tube-api": self.platform}, approval_status=self.stands)
        )

    async def stands(self, clearance: str) -> str:
        self.asked.append(clearance)
        answer = self.standing.get(clearance, "valid")
        if self.meanwhile is not None:
            await self.meanwhile()
        if answer == "down":
            raise ConnectionError("nobody there")
        return answer

    async def tick(self, now: datetime | None = None) -> int:
        self.now = now or self.now
        return await self.playout.tick(self.now)

    async def commit(self, *pieces: Availability, **fields: Any) -> Publication:
        return await self.put(publication(*pieces, **fields), "committed")

    async def put(self, changed: Publication, why: str = "changed") -> Publication:
        return await self.services.database.write(lambda c: store.put(c, changed, SAM, why, self.now))

    async def read(self, name: str = "pub_ONE") -> Publication:
        found = await self.services.database.read(lambda c: store.find_publication(c, name, self.now))
        return (await self.services.database.read(lambda c: store.with_history(c, [found])))[0]

    async def state(self, name: str = "pub_ONE") -> State:
        return (await self.read(name)).state

    async def showing(self, name: str = "pub_ONE") -> Showing:
        found = await self.services.database.read(lambda c: showings.find(c, name))
        assert found is not None
        return found


def piece(territories: str, start: float, end: float | None) -> Availability:
    return Availability(territories=tuple(territories.split()), start=at(start), end=None if end is None else at(end))


def publication(*pieces: Availability, **fields: Any) -> Publication:
    start, end = availability_bounds(pieces)
    return Publication.model_validate(
        {
            "id": "pub_ONE",
            "channel": "tube",
            "platform": "social.youtube",
            "title": "The butterfly",
            "media": MEDIA[0],
            "availability": pieces,
            "start": start,
            "end": end,
            "state": "scheduled",
            "clearance": "clr_ONE",
            "by": SAM.by,
            "on_behalf_of": SAM.on_behalf_of,
        }
        | fields
    )


MEDIA: list[str] = []


@contextmanager
def world(lead: int = 0) -> Generator[World]:
    with tempfile.TemporaryDirectory() as folder:
        home, holder = Path(folder), list[World]()
        audit = AuditLog(home / "audit", KEYS, lambda: NOON)
        services = open_services(
            Database(None, store.METADATA),
            store.TABLES,
            settings=Settings(home=home, delivery_tries=TRIES),
            clock=lambda: holder[0].now,
            new_id=id_maker(lambda: NOON),
            keys=KEYS,
            ring=KeyRing({}),
            audit=audit,
        )
        MEDIA[:] = [services.media.put(b"\0\0\0\x18ftypmp42 the butterfly")]
        tube = Channel.model_validate(
            {
                "name": "tube",
                "title": "Tube",
                "kind": "social",
                "platform": "social.youtube",
                "territories": ["WORLD"],
                "reach": {"source": "invented", "hours": {"all": [50] * 24}},
                "takedown_lead_minutes": lead,
                "publisher": "tube-api",
            }
        )
        holder.append(World(services, tube))
        try:
            services.database.submit(lambda c: save_channel(c, tube, SAM, NOON)).result()
            yield holder[0]
        finally:
            audit.close()
            services.database.close()


def run(story: Callable[[World], Coroutine[Any, Any, None]], lead: int = 0) -> None:
    with world(lead) as made:
        asyncio.run(story(made))


def test_it_goes_up_in_its_first_second_and_comes_down_in_its_last() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 10, 20), piece("DE", 12, 20))
        assert await w.tick(at(10) - timedelta(seconds=1)) == 0
        await w.tick(at(10))
        assert (w.platform.shown(), await w.state()) == ({"GB"}, "live")
        await w.tick(at(12))
        await w.tick(at(20) - timedelta(seconds=1))
        assert w.platform.shown() == {"GB", "DE"}
        await w.tick(at(20))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "expired")
        assert [each.on for each in w.platform.told["pub_ONE"]] == [{"GB"}, {"GB", "DE"}, frozenset()]
        found = await w.read()
        assert [(row.state, row.by) for row in found.history] == [
            ("scheduled", "agent:scheduler"),
            ("live", "clock"),
            ("expired", "clock"),
        ]
        assert [each.receipt for each in (await w.showing()).receipts] == [f"done as pub_ONE.{n}" for n in (1, 2, 3)]
        assert w.runs.used == {("pub_ONE", at(10)), ("pub_ONE", at(12))}
        assert await w.tick(at(10_000)) == 0

    run(story)


def test_it_comes_down_as_long_before_its_rights_end_as_the_channel_says() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 60))
        await w.tick(at(0))
        await w.tick(at(44.9))
        assert w.platform.shown() == {"GB"}
        await w.tick(at(45))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "expired")

    run(story, lead=15)


def test_a_longer_lead_counts_for_what_is_up_already() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 60))
        await w.tick(at(0))
        longer = w.channel.model_copy(update={"takedown_lead_minutes": 20})

        def unit(c: Connection) -> None:
            save_channel(c, longer, SAM, NOON)
            showings.look_again(c, w.now, longer.name)

        await w.services.database.write(unit)
        await w.tick(at(1))
        assert (await w.showing()).shown == {"GB": at(40)}
        await w.tick(at(40))
        assert w.platform.shown() == frozenset()

    run(story, lead=5)


@pytest.mark.parametrize("mishap", ["broken before", "broken after", "killed before", "killed after"])
def test_whatever_breaks_on_the_way_it_is_put_up_once(mishap: Mishap) -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 600))
        w.platform.mishaps = [mishap]
        if mishap.startswith("killed"):
            with pytest.raises(Killed):
                await w.tick(at(0))
            w.restart()
        else:
            await w.tick(at(0))
        assert await w.state() == "scheduled"
        await w.tick(at(0) + LEASE)
        assert [(each.revision, each.on) for each in w.platform.told["pub_ONE"]] == [(1, {"GB"})]
        assert (w.platform.calls, await w.state()) == (2, "live")

    run(story)


def test_what_was_told_without_an_answer_is_taken_down_when_it_may_not_stay() -> None:
    async def story(w: World) -> None:
        told = await w.commit(piece("GB", 0, 600))
        w.platform.mishaps = ["killed after"]
        with pytest.raises(Killed):
            await w.tick(at(0))
        w.restart()
        await w.put(told.model_copy(update={"state": "taken_down"}), "pulled")
        await w.tick(at(0.1))
        assert w.platform.shown() == frozenset()
        assert (await w.showing()).next_at is None

    run(story)


def test_a_publication_is_tried_some_times_and_then_has_failed() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 600))
        w.platform.mishaps = ["broken before"] * TRIES
        for minute in range(10):
            await w.tick(at(minute))
        assert (w.platform.calls, await w.state()) == (TRIES + 1, "failed"), "and once to be sure that it is down"
        assert "does not answer" in (await w.read()).history[-1].why

    run(story)


def test_a_take_down_is_tried_for_ever_and_told_each_time(caplog: pytest.LogCaptureFixture) -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 10))
        await w.tick(at(0))
        w.platform.mishaps = ["refused", "broken before"] * TRIES
        for minute in range(10, 10 + 10 * TRIES, 5):
            await w.tick(at(minute))
            assert w.platform.shown() == {"GB"}
        await w.tick(at(10 + 10 * TRIES))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "expired")

    run(story)
    assert caplog.text.count("pub_ONE on tube, revision 2, WAS NOT TAKEN DOWN") == 2 * TRIES


def test_a_take_down_that_was_refused_is_tried_again_in_seconds() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 10))
        await w.tick(at(0))
        w.platform.mishaps = ["refused"]
        await w.tick(at(10))
        assert w.platform.shown() == {"GB"}
        await w.tick(at(10) + timedelta(seconds=5))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "expired")

    run(story)


def test_what_the_platform_refuses_has_failed_at_once_and_nothing_need_come_down() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 600))
        w.platform.mishaps = ["refused"]
        await w.tick(at(0))
        assert (w.platform.calls, await w.state()) == (1, "failed")
        assert "does not take it" in (await w.read()).history[-1].why
        assert await w.tick(at(5)) == 0

    run(story)


def test_what_could_not_be_put_up_in_its_time_has_failed() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 10))
        await w.tick(at(11))
        assert (w.platform.calls, await w.state()) == (0, "failed")
        assert "its time passed" in (await w.read()).history[-1].why

    run(story)


@pytest.mark.parametrize(("answer", "state"), [("revoked", "failed"), ("stale", "failed"), ("unknown", "scheduled")])
def test_without_a_clearance_that_stands_nothing_goes_live(answer: str, state: State) -> None:
    async def story(w: World) -> None:
        w.standing["clr_ONE"] = answer
        await w.commit(piece("GB", 0, 10))
        await w.tick(at(0))
        assert (w.platform.calls, await w.state()) == (0, state)
        w.standing["clr_ONE"] = "valid"
        await w.tick(at(1))
        assert (w.platform.shown() == {"GB"}) == (answer == "unknown")

    run(story)


@pytest.mark.parametrize(("answer", "state"), [("revoked", "failed"), ("unknown", "scheduled"), ("down", "scheduled")])
def test_without_an_approval_that_stands_nothing_goes_live(answer: str, state: State) -> None:
    async def story(w: World) -> None:
        w.standing["apr_ONE"] = answer
        await w.commit(piece("GB", 0, 10), approval="apr_ONE")
        await w.tick(at(0))
        assert (w.platform.calls, await w.state()) == (0, state)
        w.standing["apr_ONE"] = "valid"
        await w.tick(at(1))
        assert (w.platform.shown() == {"GB"}) == (answer != "revoked")

    run(story)


def test_what_is_live_comes_down_within_a_minute_of_its_approval_being_taken_back() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, None), approval="apr_ONE", locked=True)
        await w.commit(piece("GB", 0, None), id="pub_TWO", approval="apr_TWO")
        await w.tick(at(0))
        w.standing["apr_ONE"] = "revoked"
        await w.tick(at(1))
        await w.tick(at(1))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "taken_down")
        assert (w.platform.shown("pub_TWO"), await w.state("pub_TWO")) == ({"GB"}, "live")
        assert (await w.read()).history[-1].why == "its approval apr_ONE was taken back"

    run(story)


def test_what_was_approved_anew_does_not_come_down_with_its_older_approval() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, None), approval="apr_ONE")
        await w.tick(at(0))
        again = await w.read()
        await w.put(again.model_copy(update={"approval": "apr_NEW", "history": ()}), "approved anew")
        w.standing["apr_ONE"] = "revoked"
        await w.tick(at(2))
        assert (w.platform.shown(), await w.state()) == ({"GB"}, "live")

    run(story)


@pytest.mark.parametrize("name", ["pub_ONE", "hold_ONE", "clr_ONE", "apr_ONE", "media"])
def test_what_the_guardian_holds_back_goes_up_once_it_is_released_and_comes_down_all_the_same(
    name: str,
) -> None:
    async def story(w: World) -> None:
        standing, held = w.services.enforcement.standing, MEDIA[0] if name == "media" else name
        await w.commit(piece("GB", 0, 10), piece("DE", 5, 10), approval="apr_ONE", hold="hold_ONE")
        standing.hold_back([held], by="guardian", why="made by a stopped task")
        await w.tick(at(1))
        assert (w.platform.calls, await w.state()) == (0, "scheduled")
        assert "guardian" in ((await w.showing()).failure or "")
        standing.release([held], by="person:mia")
        await w.tick(at(2))
        assert w.platform.shown() == {"GB"}
        standing.hold_back([held], by="guardian", why="made by a stopped task")
        await w.tick(at(6))
        assert w.platform.shown() == {"GB"}
        await w.tick(at(10))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "expired")

    run(story)


def test_where_it_is_not_known_what_is_held_back_nothing_goes_up_and_all_comes_down() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 10), piece("DE", 5, 10))
        await w.tick(at(1))
        home = w.services.settings.home
        (home / "trust").mkdir()
        (home / "trust" / "standing.jsonl").write_text("nobody signed this\n")
        broken = Standing.of_home(home, "mcp:schedule", KEYS, KeyRing({}), lambda: NOON)
        w.services = replace(w.services, enforcement=Enforcement(broken, clock=lambda: NOON))
        w.restart()
        await w.tick(at(6))
        assert w.platform.shown() == {"GB"}
        await w.tick(at(10))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "expired")

    run(story)


def test_nothing_goes_live_before_its_runs_are_known_to_be_kept() -> None:
    async def story(w: World) -> None:
        w.runs.down = True
        await w.commit(piece("GB", 0, 10))
        await w.tick(at(0))
        assert (w.platform.calls, await w.state()) == (0, "scheduled")
        assert "runs" in str((await w.showing()).failure)
        w.runs.down = False
        await w.tick(at(1))
        assert await w.state() == "live"

    run(story)


@pytest.mark.parametrize("answer", ["revoked", "stale"])
def test_what_is_live_comes_down_within_a_minute_of_losing_its_clearance(answer: str) -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, None), locked=True)
        await w.commit(piece("GB", 0, None), id="pub_TWO", clearance="clr_TWO")
        await w.tick(at(0))
        w.standing["clr_ONE"] = answer
        await w.tick(at(1))
        await w.tick(at(1))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "taken_down")
        assert (w.platform.shown("pub_TWO"), await w.state("pub_TWO")) == ({"GB"}, "live")
        assert "clr_ONE" in (await w.read()).history[-1].why

    run(story)


def test_what_is_live_stays_while_nobody_tells_or_when_its_papers_were_renewed() -> None:
    async def story(w: World) -> None:
        live = await w.commit(piece("GB", 0, None))
        await w.tick(at(0))
        w.standing["clr_ONE"] = "down"
        await w.tick(at(1))
        assert await w.state() == "live"
        w.standing["clr_ONE"] = "revoked"
        renewed = await w.read()
        await w.put(renewed.model_copy(update={"clearance": "clr_NEW", "history": ()}), "renewed")
        await w.tick(at(2))
        assert (w.platform.shown(), await w.state()) == ({"GB"}, "live")
        assert live.clearance == "clr_ONE"

    run(story)


def test_what_gets_newer_papers_while_the_older_are_asked_about_stays() -> None:
    async def story(w: World) -> None:
        async def renew() -> None:
            w.meanwhile = None
            found = await w.read()
            await w.put(found.model_copy(update={"clearance": "clr_NEW", "history": ()}), "renewed")

        await w.commit(piece("GB", 0, None))
        await w.tick(at(0))
        w.standing["clr_ONE"], w.meanwhile = "revoked", renew
        await w.tick(at(2))
        assert (w.platform.shown(), await w.state()) == ({"GB"}, "live")

    run(story)


def test_a_change_of_the_end_of_what_is_live_is_told_and_a_piece_taken_away_comes_down_at_once() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB DE", 0, 60))
        await w.tick(at(0))
        live = await w.read()
        changed = {"availability": (piece("GB", 0, 30),), "history": ()}
        await w.put(live.model_copy(update=changed), "shortened")
        await w.tick(at(1))
        assert w.platform.shown() == {"GB"}
        assert (await w.showing()).shown == {"GB": at(30)}
        await w.tick(at(30))
        assert await w.state() == "expired"

    run(story)


def test_a_take_down_overtakes_an_upload_that_takes_its_time() -> None:
    async def story(w: World) -> None:
        going = await w.commit(piece("GB", 0, 60))
        w.platform.slow = asyncio.Event()
        first = asyncio.create_task(w.playout.tick(at(0)))
        await w.platform.reached.wait()
        await w.put(going.model_copy(update={"state": "taken_down"}), "pulled")
        await w.tick(at(0.1))
        assert (w.platform.told["pub_ONE"][-1].on, await w.state()) == (frozenset(), "taken_down")
        await first
        assert w.platform.shown() == frozenset()

    run(story)


def test_an_upload_is_broken_off_in_the_second_in_which_its_window_closes() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 0.3))
        w.platform.slow = asyncio.Event()
        first = asyncio.create_task(w.playout.tick(at(0)))
        await w.platform.reached.wait()
        await w.tick(at(0.3))
        await first
        assert [(each.revision, each.on) for each in w.platform.told["pub_ONE"]] == [(2, frozenset())]
        assert await w.state() == "failed"

    run(story)


def test_an_upload_of_another_process_that_ends_after_the_take_down_is_taken_down_again() -> None:
    async def story(w: World) -> None:
        going = await w.commit(piece("GB", 0, 60))
        w.platform.slow, other = asyncio.Event(), w.another()
        first = asyncio.create_task(other.tick(at(0)))
        await w.platform.reached.wait()
        await w.put(going.model_copy(update={"state": "taken_down"}), "pulled")
        await w.tick(at(0.1))
        w.platform.told["pub_ONE"].clear()  # it forgets, and so does not keep the contract
        w.platform.slow.set()
        await first
        await w.tick(at(0.2))
        assert [(each.revision, each.on) for each in w.platform.told["pub_ONE"]] == [(1, {"GB"}), (4, frozenset())]

    run(story)


def test_two_processes_do_each_revision_once() -> None:
    async def story(w: World) -> None:
        for number in range(6):
            await w.commit(piece("GB", number, number + 6), id=f"pub_{number}")
        other = w.another()
        for minute in range(14):
            w.now = at(minute)
            await asyncio.gather(w.playout.tick(w.now), other.tick(w.now))
        assert w.platform.calls == 12
        assert {await w.state(f"pub_{number}") for number in range(6)} == {"expired"}

    run(story)


def test_a_clock_that_goes_back_undoes_nothing_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 60))
        await w.commit(piece("GB", 30, 60), id="pub_TWO")
        await w.tick(at(5))
        await w.tick(at(-600))
        assert (w.platform.shown(), await w.state()) == ({"GB"}, "live")
        assert w.platform.shown("pub_TWO") == frozenset()
        w.restart()
        await w.tick(at(-500))
        assert (w.platform.shown(), w.platform.calls) == ({"GB"}, 1)
        await w.tick(at(60))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "expired")

    run(story)
    assert caplog.text.count("The clock has gone back from 2026-11-24T12:05:00Z to 2026-11-24T02:00:00Z") == 1


def test_what_must_come_down_does_not_wait_for_a_clock_that_went_back() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 60))
        await w.tick(at(0))
        w.platform.mishaps = ["broken before"]
        await w.tick(at(60))
        assert w.platform.shown() == {"GB"}
        await w.tick(at(-600))
        assert (w.platform.shown(), await w.state()) == (frozenset(), "expired")

    run(story)


def test_the_loop_ticks_by_itself_and_ends_when_it_is_left() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 60))
        async with w.playout.running():
            await w.platform.reached.wait()
            w.platform.reached.clear()
            w.now = at(60)
            w.playout.wake()
            await w.platform.reached.wait()
        assert [each.on for each in w.platform.told["pub_ONE"]] == [{"GB"}, frozenset()]

    run(story)


def test_a_process_that_stops_lets_go_so_that_the_next_need_not_wait() -> None:
    async def story(w: World) -> None:
        await w.commit(piece("GB", 0, 60))
        w.platform.slow = asyncio.Event()
        async with w.playout.running():
            await w.platform.reached.wait()
        w.platform.slow = None
        w.restart()
        await w.tick(at(0))
        assert [(each.revision, each.on) for each in w.platform.told["pub_ONE"]] == [(1, {"GB"})]

    run(story)


def test_a_channel_whose_publisher_nobody_knows_says_what_to_do() -> None:
    async def story(w: World) -> None:
        lost = w.channel.model_copy(update={"publisher": "nobody"})
        await w.services.database.write(lambda c: save_channel(c, lost, SAM, NOON))
        await w.commit(piece("GB", 0, 60))
        await w.tick(at(0))
        assert "[publishers.nobody]" in str((await w.showing()).failure)

    run(story)


# --- whatever happens ------------------------------------------------------------------------------------------------

PLACES = ("GB", "DE", "FR")
EXAMPLES = settings().max_examples // 5
"""Fewer than elsewhere: each is a store of its own and a dozen looks at it."""


def covers(pieces: Sequence[Availability], place: str, moment: datetime) -> bool:
    return any(
        place in each.territories and each.start <= moment and (each.end is None or moment < each.end)
        for each in pieces
    )


def right(pieces: Sequence[Availability], lead: int, moment: datetime) -> frozenset[str]:
    """Where it is to be seen at an instant: where its rights hold then and for each minute of the lead from then on."""
    minutes = [moment + timedelta(minutes=each) for each in range(lead + 1)]
    return frozenset(place for place in PLACES if all(covers(pieces, place, each) for each in minutes))


@st.composite
def availabilities(draw: st.DrawFn) -> tuple[Availability, ...]:
    made: list[Availability] = []
    for _ in range(draw(st.integers(1, 4))):
        places = draw(st.sets(st.sampled_from(PLACES), min_size=1))
        start, length = draw(st.integers(0, 90)), draw(st.none() | st.integers(1, 60))
        made.append(piece(" ".join(sorted(places)), start, None if length is None else start + length))
    return tuple(made)


LEADS = st.sampled_from((0, 1, 5, 20))


@pytest.mark.timeout(300)
@settings(max_examples=EXAMPLES)
@given(availabilities(), LEADS, st.lists(st.floats(0, 40, allow_nan=False), max_size=6))
def test_with_a_clock_that_goes_on_a_publisher_is_told_exactly_what_changes(
    pieces: tuple[Availability, ...], lead: int, waits: list[float]
) -> None:
    async def story(w: World) -> None:
        await w.commit(*pieces)
        expected: list[frozenset[str]] = []
        shown = frozenset[str]()
        for wait in [*waits, 500.0]:
            await w.tick(w.now + timedelta(minutes=wait))
            now = right(pieces, lead, w.now)
            if shown - now and now - shown:
                expected.append(shown & now)
            if shown != now:
                expected.append(now)
            shown = now
        told = w.platform.told.get("pub_ONE", [])
        changes = [on for on, _ in groupby(each.on for each in told)]  # a new end of what is up is told, too
        assert changes == expected
        assert [each.revision for each in told] == list(range(1, len(told) + 1))
        assert w.platform.calls == len(told)
        assert await w.state() == ("live" if shown else "expired" if expected else "failed")

    run(story, lead)


@dataclass(frozen=True)
class Step:
    """What happens before a tick: the clock moves, the process starts anew, and what goes wrong on the way."""

    minutes: float
    mishaps: tuple[Mishap, ...]
    restart: bool
    standing: str


STEPS = st.builds(
    Step,
    st.floats(-30, 30, allow_nan=False) | st.floats(0, 10, allow_nan=False) | st.just(0.0),
    st.lists(st.sampled_from(("broken before", "broken after", "killed before", "killed after")), max_size=2).map(
        tuple[Mishap, ...]
    ),
    st.booleans(),
    st.sampled_from(("valid", "valid", "valid", "unknown")),
)


@pytest.mark.timeout(300)
@settings(max_examples=EXAMPLES)
@given(availabilities(), LEADS, st.lists(STEPS, min_size=1, max_size=6), st.sampled_from(("valid", "stale")))
def test_whatever_happens_nothing_opens_early_or_stays_too_long(
    pieces: tuple[Availability, ...], lead: int, steps: list[Step], at_last: str
) -> None:
    async def ticked(w: World) -> None:
        before = w.platform.shown()
        known = len(w.platform.told.get("pub_ONE", []))
        try:
            await w.tick()
        except Killed:
            w.restart()
        for each in w.platform.told.get("pub_ONE", [])[known:]:
            assert each.on - before <= right(pieces, lead, w.now), "nothing goes up outside its window"
            before = each.on

    async def quiet(w: World) -> None:
        """Some looks without a mishap, long after the last."""
        w.platform.mishaps.clear()
        for _ in range(3):
            w.now += timedelta(seconds=20)
            await ticked(w)

    async def story(w: World) -> None:
        await w.commit(*pieces)
        latest = w.now
        for step in steps:
            before, live = w.platform.shown(), await w.state() == "live"
            w.now += timedelta(minutes=step.minutes)
            w.standing["clr_ONE"] = step.standing
            w.platform.mishaps = list(step.mishaps)
            if step.restart:
                w.restart()
            await ticked(w)
            if not step.mishaps and w.now >= latest:
                assert w.platform.shown() - right(pieces, lead, w.now) == frozenset() or pending(await w.showing(), w)
            if not step.mishaps and live and (await w.showing()).sending is None:
                assert before & right(pieces, lead, max(latest, w.now)) <= w.platform.shown(), "nothing is undone"
            latest = max(latest, w.now)
        w.now, w.standing["clr_ONE"] = max(latest, w.now) + timedelta(minutes=6), at_last
        await quiet(w)
        stays = right(pieces, lead, w.now) if await w.state() in ("scheduled", "live") else frozenset[str]()
        assert w.platform.shown() == stays
        w.now += timedelta(minutes=500)
        await quiet(w)
        assert w.platform.shown() == (
            right(pieces, lead, w.now) if at_last == "valid" and await w.state() == "live" else frozenset()
        )
        assert await w.state() in ("live", "expired", "failed", "taken_down")
        assert (await w.showing()).next_at is None
        revisions = [each.revision for each in w.platform.told.get("pub_ONE", [])]
        assert revisions == sorted(set(revisions))

    run(story, lead)


def pending(showing: Showing, w: World) -> bool:
    """Whether a pause after a failure is not over yet."""
    return showing.next_at is not None and showing.next_at > w.now and showing.sending is not None
