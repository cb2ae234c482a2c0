"""The schedule's files and calendars through a real client: written, read in, reconciled, subscribed to."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_servers.schedule import server, store
from holdback_servers.schedule.ports import Outside, Transmission
from holdback_servers.services import open_services
from holdback_servers.serving import IDEMPOTENCY_META, Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from icalendar import Calendar
from mcp.client import Client

OWN = KeyPair.generate()
MEDIA = "sha256:" + "a" * 64
START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


@dataclass
class House:
    """A schedule with a clock that is set by hand; no right here has a run limit."""

    now: datetime = START
    client: Client = field(init=False)
    door: Door = field(init=False)

    async def clearance_status(self, clearance: str) -> str:
        return "valid"

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None: ...

    async def release(self, publication: str, kept: Sequence[datetime]) -> None: ...

    async def use(self, publication: str, at: Sequence[datetime]) -> None: ...

    async def call(self, tool: str, key: str | None = None, **arguments: Any) -> dict[str, Any]:
        meta: Any = None if key is None else {IDEMPOTENCY_META: key}
        result = await self.client.call_tool(tool, arguments, meta=meta)
        assert result.structured_content is not None
        return {"failed": bool(result.is_error)} | result.structured_content

    async def done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = await self.call(tool, **arguments)
        assert not answer["failed"], answer
        return answer

    async def held(self, title: str, start: str, end: str, channel: str = "one") -> dict[str, Any]:
        piece = {"territories": ["GB"], "start": start, "end": end}
        return await self.done("hold_slot", channel=channel, title=title, media=MEDIA, availability=[piece])

    @asynccontextmanager
    async def http(self) -> AsyncGenerator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self.door.http_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
            yield client


def _channel(name: str, kind: str = "linear", **fields: Any) -> dict[str, Any]:
    linear = kind == "linear"
    return {
        "name": name,
        "title": f"Channel {name.title()}",
        "kind": kind,
        "platform": "linear.ftv" if linear else "social.youtube",
        "geo_blocking": not linear,
        "territories": ["GB"],
        "time_zone": "Europe/London",
        "reach": {"source": "invented", "hours": {"all": [50] * 24}},
    } | fields


@asynccontextmanager
async def _house(home: Path, person: str = "person:sam") -> AsyncGenerator[House]:
    house = House()
    audit = AuditLog(home / "audit", OWN, lambda: house.now)
    services = open_services(
        Database(home / "db" / "schedule.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=lambda: house.now,
        new_id=id_maker(lambda: house.now),
        keys=OWN,
        ring=KeyRing(),
        audit=audit,
    )
    local = local_caller(person, True, "mcp:schedule")
    house.door = server.build(services, Outside(house.clearance_status, house), local=local)
    try:
        async with Client(house.door.mcp) as house.client:
            await house.call("record_channel", channel=_channel("one"))
            await house.call("record_channel", channel=_channel("tube", "social"))
            yield house
    finally:
        audit.close()
        services.database.close()


@pytest.mark.asyncio
async def test_a_hold_is_in_a_calendar_and_a_table_but_in_nothing_that_is_sure(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.held("Film", "2026-11-24T19:00:00Z", "2026-11-24T19:30:00Z")
        counts = {
            format: (await house.done("export_schedule", format=format))["publications"]
            for format in ("ical", "csv", "xmltv", "bxf", "ffplayout")
        }
        told = await house.done("export_schedule", format="xmltv", states=["held"])
    assert counts == {"ical": 1, "csv": 1, "xmltv": 0, "bxf": 0, "ffplayout": 0}
    assert told["losses"][0]["message"] == "left out: a guide lists what is sure, and this is held"


@pytest.mark.asyncio
async def test_a_calendar_subscribes_without_a_token_and_is_told_when_nothing_changed(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.held("Film", "2026-11-24T19:00:00Z", "2026-11-24T19:30:00Z")
        await house.held("Clip", "2026-11-24T20:00:00Z", "2026-11-25T19:30:00Z", "tube")
        feed = await house.done("calendar_feed", channels=["one"])
        path = feed["path"].removeprefix("/mcp/schedule")
        async with house.http() as http:
            first = await http.get(path)
            again = await http.get(path, headers={"If-None-Match": first.headers["etag"]})
            house.now = START.replace(day=23)  # the hold has lapsed
            changed = await http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    calendar = Calendar.from_ical(first.text)
    assert [str(each["summary"]) for each in calendar.events] == ["Film on Channel One (held)"]  # pyright: ignore
    assert str(calendar["name"]) == "Channel One"
    assert not list(Calendar.from_ical(changed.text).events)  # pyright: ignore


@pytest.mark.asyncio
async def test_an_address_that_was_made_void_or_changed_answers_nothing(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        old = (await house.done("calendar_feed"))["path"].removeprefix("/mcp/schedule")
        also = (await house.done("calendar_feed"))["path"].removeprefix("/mcp/schedule")
        async with house.http() as http:
            before = [(await http.get(each)).status_code for each in (old, also)]
            new = (await house.done("calendar_feed", rotate=True))["path"].removeprefix("/mcp/schedule")
            forged = [new[:-10] + "AAAAAA.ics", "/calendar/x.ics", "/calendar/" + "a." * 5000 + ".ics"]
            after = [(await http.get(each)).status_code for each in (old, also, new, *forged)]
    assert before == [200, 200]
    assert after == [404, 404, 200, 404, 404, 404]


@pytest.mark.asyncio
async def test_a_feed_of_an_unknown_channel_is_refused(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        assert (await house.call("calendar_feed", channels=["on"]))["code"] == "CHANNEL_UNKNOWN"
