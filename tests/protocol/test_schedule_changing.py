"""When the world moves, through a real client: planned, shown, applied all at once or not at all."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule import books, run_orders, server, store
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Availability, Publication
from holdback_servers.schedule.ports import Outside, Transmission
from holdback_servers.services import Services, open_services
from holdback_servers.serving import IDEMPOTENCY_META, Door
from holdback_servers.settings import Settings
from holdback_trust import statements
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from mcp.client import Client
from sqlalchemy import Connection

RIGHTS, GATEWAY, OWN = (KeyPair.generate() for _ in range(3))
V1, V2 = ("sha256:" + digit * 64 for digit in "12")
ELEMENTS = "sha256:" + "e" * 64
SAM = books.Actor(by="person:sam", on_behalf_of="person:sam")
START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def _cells(end: str | None = "2027-02-01T00:00:00Z", start: str = "2026-11-01T00:00:00Z") -> list[dict[str, Any]]:
    window = {"start": start} | ({} if end is None else {"end": end})
    return [{"territories": ["GB", "DE"], "platforms": ["all"], "verdict": "CLEARED", "windows": [window]}]


def _clearance(name: str = "clr_ONE", cells: list[dict[str, Any]] | None = None, media: str = V2, age: int = 0) -> str:
    now = int(START.timestamp()) - age
    claims = {
        "iss": "mcp:rights",
        "sub": media,
        "elements": ELEMENTS,
        "deliveries": [media],
        "cells": _cells() if cells is None else cells,
        "iat": now,
        "exp": now + 7 * 86400,
        "jti": name,
    }
    return statements.sign(RIGHTS, "clearance+jwt", claims)


def _approval(clearance: str = "clr_ONE", name: str = "apr_ONE", media: str = V2, **more: Any) -> str:
    now = int(START.timestamp())
    claims = {
        "iss": "gateway",
        "sub": media,
        "elements": ELEMENTS,
        "clearance": clearance,
        "question": V1,
        "decision": "approved",
        "by": "person:mia",
        "for": "person:sam",
        "iat": now,
        "exp": now + 86400,
        "jti": name,
    }
    return statements.sign(GATEWAY, "approval+jwt", claims | more)


@dataclass
class House:
    """A schedule with a clock that is set by hand; what the rights server says of clearances, and the runs it keeps."""

    now: datetime = START
    standing: dict[str, str] = field(default_factory=dict[str, str])
    runs: dict[str, list[datetime]] = field(default_factory=dict[str, list[datetime]])
    exhausted: bool = False
    door: Door = field(init=False)
    services: Services = field(init=False)

    async def clearance_status(self, clearance: str) -> str:
        return self.standing.get(clearance, "valid")

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        if self.exhausted:
            raise Problem("RUNS_EXHAUSTED", "No run is left.", "Ask for more.")
        self.runs[publication] = [each.at for each in transmissions]

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        self.runs[publication] = list(at)

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        """What went out is not counted here."""

    async def call(self, tool: str, key: str | None = None, **arguments: Any) -> dict[str, Any]:
        if key is None:  # as the client's call arrives, without what a client does for itself
            result = await self.door.enter(tool, arguments, None)
        else:
            async with Client(self.door.mcp) as client:
                meta: Any = {IDEMPOTENCY_META: key}
                result = await client.call_tool(tool, arguments, meta=meta)
        assert result.structured_content is not None
        return {"failed": bool(result.is_error)} | result.structured_content

    async def done(self, tool: str, key: str | None = None, **arguments: Any) -> dict[str, Any]:
        answer = await self.call(tool, key, **arguments)
        assert not answer["failed"], answer
        return answer

    async def refusal(self, tool: str, **arguments: Any) -> tuple[str, str]:
        answer = await self.call(tool, **arguments)
        assert answer["failed"], answer
        assert answer["hint"]
        return answer["code"], answer["message"]

    async def committed(self, title: str, start: str, end: str | None = None, **fields: Any) -> str:
        """The id of a publication on the books, as a commit leaves it."""
        piece: dict[str, Any] = {"territories": ["DE", "GB"], "start": start} | ({"end": end} if end else {})
        given: dict[str, Any] = {"id": self.services.new_id("pub"), "channel": "tube", "title": title, "media": V2}
        given |= {"state": "scheduled", "clearance": "clr_ONE", "approval": "apr_ONE"}
        given |= {"by": "person:sam", "on_behalf_of": "person:sam", "availability": [piece]}
        pieces = tuple(Availability.model_validate(each) for each in (given | fields)["availability"])
        given |= {"start": pieces[0].start, "end": pieces[-1].end, "approved_for": pieces} | fields
        given["platform"] = "social.youtube" if given["channel"] == "tube" else "linear.ftv"
        publication = Publication.model_validate(given)
        papers = store.Papers(clearance=_clearance(cells=_cells(None)), approval=_approval(), approved_at=self.now)

        def unit(c: Connection) -> None:
            store.put(c, publication, SAM, "committed", self.now)
            store.keep_papers(c, publication.id, papers)

        await self.services.database.write(unit)
        await run_orders.settle_due(self.services.database, self, self.now)
        return publication.id

    async def page(self) -> list[Publication]:
        """Everything on the books with its history, in order of start."""

        def unit(c: Connection) -> list[Publication]:
            return store.with_history(c, store.page(c, TimeRange(start=START - timedelta(days=30)), self.now))

        return await self.services.database.read(unit)

    async def states(self) -> dict[str, str]:
        return {each.title: each.state for each in await self.page()}

    async def shown(self, title: str) -> list[str]:
        found = next(each for each in await self.page() if each.title == title)
        return [piece.window.text() for piece in found.availability]

    async def changed(self, name: str, **fields: Any) -> None:
        """Somebody else changes a publication."""

        def unit(c: Connection) -> None:
            store.put(c, store.find_publication(c, name, self.now).model_copy(update=fields), SAM, "changed", self.now)

        await self.services.database.write(unit)


def _channel(name: str, kind: str, platform: str) -> Channel:
    given = {
        "name": name,
        "title": name.title(),
        "kind": kind,
        "platform": platform,
        "territories": ["GB", "DE"],
        "geo_blocking": kind != "linear",
        "reach": {"source": "invented", "hours": {"all": [10] * 18 + [60, 80, 100, 90, 60, 30]}},
        "takedown_lead_minutes": 10,
    }
    return Channel.model_validate(given)


@asynccontextmanager
async def _house(home: Path) -> AsyncGenerator[House]:
    house = House()
    ring = KeyRing({"gateway": [GATEWAY.public_jwk], "mcp:rights": [RIGHTS.public_jwk]})
    audit = AuditLog(home / "audit", OWN, lambda: house.now)
    house.services = open_services(
        Database(home / "db" / "schedule.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=lambda: house.now,
        new_id=id_maker(lambda: house.now),
        keys=OWN,
        ring=ring,
        audit=audit,
    )
    house.door = server.build(
        house.services,
        Outside(house.clearance_status, house, approval_status=house.clearance_status),
        local=local_caller("person:sam", True, "mcp:schedule"),
        ticking=False,
    )
    try:
        for channel in (_channel("tube", "social", "social.youtube"), _channel("one", "linear", "linear.ftv")):
            await house.services.database.write(lambda c, each=channel: books.save_channel(c, each, SAM, START))
        yield house
    finally:
        audit.close()
        house.services.database.close()


LOST = {"kind": "clearance_lost", "clearance": "clr_ONE"}


@pytest.mark.asyncio
async def test_what_a_lost_clearance_changes_is_shown_changes_nothing_and_is_then_applied(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        up = await house.committed("up", "2026-11-22T14:00:00Z")
        waits = await house.committed("waits", "2026-11-25T20:00:00Z")
        house.now += timedelta(hours=2)
        plan = await house.done("plan_changes", event=LOST)
        assert [(each["action"], each["publication"]) for each in plan["changes"]] == [
            ("take_down", up),
            ("cancel", waits),
        ]
        assert await house.states() == {"up": "scheduled", "waits": "scheduled"}
        house.now += timedelta(minutes=1)
        done = await house.done("apply_changes", changes=plan["changes"], reason="the licensor withdrew")
        assert await house.states() == {"up": "taken_down", "waits": "cancelled"}
        assert done["changes"][0]["after"][0]["end"] == "2026-11-22T15:01:00Z"
        assert house.runs[waits] == []
        last = (await house.page())[0].history[-1]
    assert last.why.startswith("the licensor withdrew; take_down; nothing clears it any longer")
    assert last.on_behalf_of == "person:sam"


@pytest.mark.asyncio
async def test_a_shortening_needs_nobody_and_with_a_newer_clearance_it_stands_on_that(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.committed("waits", "2026-11-25T20:00:00Z")
        await house.committed("stays", "2026-11-26T20:00:00Z", "2026-11-28T00:00:00Z")
        house.standing["clr_ONE"] = "revoked"
        cells = _cells("2026-12-10T00:00:00Z")
        plan = await house.done("plan_changes", event=LOST | {"cells": cells})
        assert [each["action"] for each in plan["changes"]] == ["shorten", "keep"]
        assert plan["changes"][0]["due"] == "2026-12-09T23:50:00Z"
        newer = _clearance("clr_TWO", cells)
        arguments = {"changes": plan["changes"], "reason": "a shorter licence", "clearances": [newer]}
        done = await house.done("apply_changes", **arguments)
        assert await house.done("apply_changes", **arguments) == done
        page = await house.page()
        assert await house.shown("waits") == ["2026-11-25T20:00:00Z to 2026-12-10T00:00:00Z"]
    assert [(each.clearance, each.approval, each.state) for each in page] == [("clr_TWO", "apr_ONE", "scheduled")] * 2
    assert [len(each.history) for each in page] == [2, 2]


@pytest.mark.asyncio
async def test_a_move_reserves_its_runs_anew_and_is_undone_whole_when_there_are_none(tmp_path: Path) -> None:
    down = {"kind": "channel_down", "channel": "one"}
    down |= {"window": {"start": "2026-11-25T20:00:00Z", "end": "2026-11-25T20:30:00Z"}}
    async with _house(tmp_path) as house:
        show = await house.committed("show", "2026-11-25T20:00:00Z", "2026-11-25T21:00:00Z", channel="one")
        late = await house.committed("late", "2026-11-25T21:30:00Z", "2026-11-25T22:00:00Z", channel="one")
        plan = await house.done("plan_changes", event=down)
        assert [(each["action"], each["moved_seconds"]) for each in plan["changes"]] == [("move", 1800)]
        house.exhausted = True
        assert (await house.refusal("apply_changes", event=down, reason="no power"))[0] == "RUNS_EXHAUSTED"
        assert await house.shown("show") == ["2026-11-25T20:00:00Z to 2026-11-25T21:00:00Z"]
        house.exhausted = False
        await house.done("apply_changes", event=down, reason="no power")
        assert await house.shown("show") == ["2026-11-25T20:30:00Z to 2026-11-25T21:30:00Z"]
        assert house.runs[show] == [datetime(2026, 11, 25, 20, 30, tzinfo=UTC)]
        assert house.runs[late] == [datetime(2026, 11, 25, 21, 30, tzinfo=UTC)]


@pytest.mark.asyncio
async def test_a_world_that_changed_since_the_plan_is_named_and_nothing_is_done(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        one = await house.committed("one", "2026-11-22T14:00:00Z")
        two = await house.committed("two", "2026-11-25T20:00:00Z")
        plan = await house.done("plan_changes", event=LOST)
        await house.changed(two, state="cancelled")
        house.now += timedelta(hours=2)
        code, message = await house.refusal("apply_changes", changes=plan["changes"], reason="withdrawn")
        assert code == "CONFLICT"
        assert f"{one} has begun" in message
        assert two not in message, "what is cancelled already is as the change makes it"
        assert await house.states() == {"one": "scheduled", "two": "cancelled"}


@pytest.mark.asyncio
async def test_changes_that_are_too_few_for_the_event_are_refused(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.committed("one", "2026-11-24T14:00:00Z")
        plan = await house.done("plan_changes", event=LOST)
        two = await house.committed("two", "2026-11-25T20:00:00Z")
        code, message = await house.refusal("apply_changes", changes=plan["changes"], event=LOST, reason="withdrawn")
        assert (code, f"{two} (cancel)" in message) == ("CONFLICT", True)
        assert (await house.refusal("apply_changes", reason="withdrawn"))[0] == "INVALID_ARGUMENT"


@pytest.mark.asyncio
async def test_the_same_key_gets_the_kept_answer_whatever_has_changed(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.committed("one", "2026-11-24T14:00:00Z")
        first = await house.done("apply_changes", "task/3", event=LOST, reason="withdrawn")
        assert [each["action"] for each in first["changes"]] == ["cancel"]
        house.now += timedelta(days=3)
        assert await house.done("apply_changes", "task/3", event=LOST, reason="withdrawn") == first
        assert (await house.done("apply_changes", "task/4", event=LOST, reason="withdrawn"))["changes"] == []


@pytest.mark.asyncio
async def test_an_extension_needs_a_newer_clearance_and_a_person_and_then_shows_more(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        late = [
            {"territories": ["GB"], "start": "2026-11-25T20:00:00Z"},
            {"territories": ["DE"], "start": "2026-12-15T00:00:00Z"},
        ]
        name = await house.committed("waits", "", availability=late)
        await house.changed(name, locked=True)
        lifted = {"kind": "embargo_lifted", "media": V2, "cells": _cells(None)}
        plan = await house.done("plan_changes", event=lifted)
        assert [(each["action"], each["needs_person"]) for each in plan["changes"]] == [("extend", True)]
        given: dict[str, Any] = {"changes": plan["changes"], "reason": "the embargo is lifted"}
        assert "is locked" in (await house.refusal("apply_changes", **given))[1]
        await house.changed(name, locked=False)
        code, message = await house.refusal("apply_changes", **given)
        assert (code, "would be shown more than a person approved, in DE" in message) == ("APPROVAL_REQUIRED", True)
        newer = _clearance("clr_TWO", _cells(None))
        given |= {"clearances": [newer]}
        assert (await house.refusal("apply_changes", **given))[0] == "APPROVAL_REQUIRED"
        seen = {"publication": name, "channel": "tube", "availability": plan["changes"][0]["after"]}
        shorter = [piece | {"end": "2026-12-01T00:00:00Z"} for piece in seen["availability"]]
        for other in ({"publication": "pub_OTHER"}, {"channel": "one"}, {"availability": shorter}):
            paper = _approval("clr_TWO", "apr_TWO", publications=[seen | other])
            assert (await house.refusal("apply_changes", **given, approvals=[paper]))[0] == "APPROVAL_REQUIRED"
        assert (await house.page())[0].approval == "apr_ONE"
        paper = _approval("clr_TWO", "apr_TWO", publications=[seen])
        await house.done("apply_changes", **given, approvals=[paper])
        found = (await house.page())[0]
    assert [piece.text() for piece in found.availability] == ["DE, GB 2026-11-25T20:00:00Z onwards"]
    assert (found.clearance, found.approval) == ("clr_TWO", "apr_TWO")
    assert found.approved_for == found.availability


@pytest.mark.asyncio
async def test_a_change_that_is_not_what_it_says_is_refused(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        name = await house.committed("waits", "2026-11-25T20:00:00Z", "2026-11-30T00:00:00Z")
        before = [{"territories": ["DE", "GB"], "start": "2026-11-25T20:00:00Z", "end": "2026-11-30T00:00:00Z"}]
        change = {"publication": name, "channel": "tube", "title": "waits", "state": "scheduled", "before": before}

        async def refused(action: str, **piece: Any) -> tuple[str, str]:
            changes = [change | {"action": action, "after": [before[0] | piece]}]
            return await house.refusal("apply_changes", changes=changes, reason="because")

        longer = await refused("shorten", end="2026-12-01T00:00:00Z")
        assert (longer[0], "shows more than before in DE, GB" in longer[1]) == ("INVALID_ARGUMENT", True)
        assert "starts at another time" in (await refused("shorten", start="2026-11-26T20:00:00Z"))[1]
        assert "longer than was approved" in (await refused("move", start="2026-11-24T20:00:00Z"))[1]
        assert "changes when it is on show" in (await refused("keep", start="2026-11-26T20:00:00Z"))[1]
        assert (await refused("take_down"))[0] == "CONFLICT"
        early = {"start": "2026-10-25T20:00:00Z", "end": "2026-10-26T20:00:00Z"}
        assert (await refused("move", **early))[0] in ("INVALID_ARGUMENT", "OUTSIDE_CLEARED_WINDOW")
        assert (await refused("move", start="2026-11-25T20:00:00Z", territories=["GB", "US"]))[0] == "INVALID_ARGUMENT"
        twice = [change | {"action": "cancel"}] * 2
        assert (await house.refusal("apply_changes", changes=twice, reason="x"))[0] == "INVALID_ARGUMENT"
        assert await house.shown("waits") == ["2026-11-25T20:00:00Z to 2026-11-30T00:00:00Z"]


@pytest.mark.asyncio
async def test_breaking_news_moves_what_gives_way_and_holds_its_slot(tmp_path: Path) -> None:
    news: dict[str, Any] = {"kind": "breaking_news", "channel": "one", "start": "2026-11-25T20:00:00Z"}
    news |= {"duration_seconds": 1800, "title": "News", "priority": 90, "media": V1}
    async with _house(tmp_path) as house:
        await house.committed("show", "2026-11-25T20:00:00Z", "2026-11-25T21:00:00Z", channel="one")
        done = await house.done("apply_changes", event=news, reason="an earthquake")
        assert done["hold"]["publication"]["start"] == "2026-11-25T20:00:00Z"
        assert await house.states() == {"show": "scheduled", "News": "held"}
        assert await house.shown("show") == ["2026-11-25T20:30:00Z to 2026-11-25T21:30:00Z"]
        assert "an earthquake; move; makes room for 'News'" in (await house.page())[1].history[-1].why
        code, message = await house.refusal("apply_changes", event=news, reason="again")
        assert (code, "'News' has priority 90" in message) == ("SLOT_REFUSED", True)


@pytest.mark.asyncio
async def test_what_follows_moves_along_in_the_store_too(tmp_path: Path) -> None:
    news: dict[str, Any] = {"kind": "breaking_news", "channel": "one", "start": "2026-11-25T20:00:00Z"}
    news |= {"duration_seconds": 900, "title": "News", "priority": 90}
    async with _house(tmp_path) as house:
        first = await house.committed("first", "2026-11-25T20:00:00Z", "2026-11-25T20:30:00Z", channel="one")
        follow = {"start_mode": "follow", "follows": first}
        fields = {"channel": "one", "details": follow}
        await house.committed("second", "2026-11-25T20:30:00Z", "2026-11-25T21:00:00Z", **fields)
        await house.done("apply_changes", event=news, reason="an earthquake")
        assert await house.shown("first") == ["2026-11-25T20:15:00Z to 2026-11-25T20:45:00Z"]
        assert await house.shown("second") == ["2026-11-25T20:45:00Z to 2026-11-25T21:15:00Z"]
        assert (await house.page())[1].details.follows == first
        await house.done("apply_changes", event={"kind": "asset_pulled", "media": V2}, reason="a complaint")
        assert set((await house.states()).values()) == {"cancelled"}


@pytest.mark.asyncio
async def test_a_move_under_a_clearance_that_no_longer_stands_is_refused_until_a_newer_one_is_given(
    tmp_path: Path,
) -> None:
    down = {"kind": "channel_down", "channel": "one"}
    down |= {"window": {"start": "2026-11-25T20:00:00Z", "end": "2026-11-25T20:30:00Z"}}
    async with _house(tmp_path) as house:
        await house.committed("show", "2026-11-25T20:00:00Z", "2026-11-25T21:00:00Z", channel="one")
        house.standing["clr_ONE"] = "stale"
        assert (await house.refusal("apply_changes", event=down, reason="no power"))[0] == "CLEARANCE_STALE"
        short = _clearance("clr_SHORT", _cells("2026-11-25T21:00:00Z"))
        plan = (await house.done("plan_changes", event=down))["changes"]
        refused = await house.refusal("apply_changes", changes=plan, reason="no power", clearances=[short])
        assert refused[0] == "OUTSIDE_CLEARED_WINDOW"
        newer = _clearance("clr_TWO", _cells(None))
        await house.done("apply_changes", changes=plan, reason="no power", clearances=[newer])
        assert (await house.page())[0].clearance == "clr_TWO"


@pytest.mark.asyncio
async def test_an_unknown_channel_and_a_strange_event_are_told(tmp_path: Path) -> None:
    news = {"kind": "breaking_news", "channel": "tub", "start": "2026-11-25T20:00:00Z"}
    async with _house(tmp_path) as house:
        code, _ = await house.refusal("plan_changes", event=news | {"duration_seconds": 900, "title": "News"})
        assert code == "CHANNEL_UNKNOWN"
        assert (await house.refusal("plan_changes", event={"kind": "earthquake"}))[0] == "INVALID_ARGUMENT"
        assert (await house.done("plan_changes", event=LOST))["changes"] == []
