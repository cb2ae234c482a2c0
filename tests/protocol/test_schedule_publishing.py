"""Deliveries through a real client: what publishers were told, what waits and why, and one more try."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_servers.schedule import server, store
from holdback_servers.schedule.books import Actor, save_channel
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Availability, Publication
from holdback_servers.schedule.ports import Outside, Package, Transmission
from holdback_servers.schedule.publishers.folder import FolderPublisher
from holdback_servers.schedule.ticking import Playout
from holdback_servers.services import Services, open_services
from holdback_servers.serving import Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from mcp.client import Client

KEYS = KeyPair.generate()
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
END = NOON + timedelta(hours=2)
SAM = Actor(by="agent:scheduler", on_behalf_of="person:sam")


class Runs:
    """A keeper of runs where no right has a limit."""

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        """There is always one left."""

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        """Nothing was taken."""

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        """Nothing is counted."""


class Ringing(FolderPublisher):
    """A folder that says when something came."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.came = asyncio.Event()

    async def deliver(self, package: Package) -> str:
        try:
            return await super().deliver(package)
        finally:
            self.came.set()


@dataclass
class House:
    """A schedule with a clock that is set by hand, and a folder that it publishes into."""

    client: Client
    door: Door
    services: Services
    playout: Playout
    folder: Ringing
    out: Path
    now: list[datetime]

    async def tick(self, minutes: float = 0) -> int:
        self.now[0] += timedelta(minutes=minutes)
        return await self.playout.tick(self.now[0])

    async def commit(self, name: str, channel: str = "tube", start: datetime = NOON) -> None:
        made = Publication(
            id=name,
            channel=channel,
            platform="social.youtube",
            title="The butterfly",
            media=self.services.media.put(b"\0\0\0\x18ftypmp42 a butterfly"),
            availability=(Availability(territories=("DE", "GB"), start=start, end=END),),
            start=start,
            end=END,
            state="scheduled",
            clearance="clr_ONE",
            by=SAM.by,
            on_behalf_of=SAM.on_behalf_of,
        )
        await self.services.database.write(lambda c: store.put(c, made, SAM, "committed", self.now[0]))

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        assert result.structured_content is not None
        return {"failed": bool(result.is_error)} | result.structured_content

    async def text(self, tool: str, **arguments: Any) -> str:
        return "\n".join(getattr(each, "text", "") for each in (await self.client.call_tool(tool, arguments)).content)


async def _valid(clearance: str) -> str:
    return "valid" if clearance == "clr_ONE" else "unknown"


@asynccontextmanager
async def house(home: Path, *, allow_write: bool = True) -> AsyncGenerator[House]:
    now, out = [NOON], home / "published"
    audit, folder = AuditLog(home / "audit", KEYS, lambda: now[0]), Ringing(out)
    services = open_services(
        Database(home / "db" / "schedule.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=lambda: now[0],
        new_id=id_maker(lambda: now[0]),
        keys=KEYS,
        ring=KeyRing({}),
        audit=audit,
    )
    outside = Outside(_valid, Runs(), {"folder": folder}, approval_status=_valid)
    door = server.build(services, outside, local=local_caller("person:sam", allow_write, "mcp:schedule"))
    try:
        for name in ("tube", "gram"):
            made = Channel.model_validate(
                {
                    "name": name,
                    "title": name.title(),
                    "kind": "social",
                    "platform": "social.youtube",
                    "territories": ["WORLD"],
                    "reach": {"source": "invented", "hours": {"all": [50] * 24}},
                }
            )
            await services.database.write(lambda c, made=made: save_channel(c, made, SAM, NOON))
        async with Client(door.mcp) as client:
            yield House(client, door, services, Playout(services, outside), folder, out, now)
    finally:
        audit.close()
        services.database.close()


@pytest.mark.asyncio
async def test_deliveries_say_what_is_on_show_and_what_was_answered(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.commit("pub_ONE")
        await h.commit("pub_TWO", start=NOON + timedelta(hours=1))
        await h.tick()
        [item] = (await h.call("list_deliveries"))["items"]
        assert (item["publication"], item["state"], item["shown"], item["waiting"]) == (
            "pub_ONE",
            "live",
            ["DE", "GB"],
            False,
        )
        place = h.out / "tube" / "pub_ONE"
        assert item["receipts"] == [
            {
                "revision": 1,
                "at": "2026-11-24T12:00:00Z",
                "territories": ["DE", "GB"],
                "receipt": f"{place}: revision 1, DE, GB",
            }
        ]
        assert (place / "r000001" / "media.mp4").is_file()
        await h.tick(120)
        text = await h.text("list_deliveries", publication="pub_ONE")
        assert text.splitlines()[0] == "pub_ONE  'The butterfly'  tube by folder  expired  on show: nowhere"
        assert text.splitlines()[2].endswith("revision 2  taken down  " + f"{place}: revision 2, taken down")


@pytest.mark.asyncio
async def test_what_failed_waits_says_why_and_is_told_at_once_when_somebody_asks(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.out.write_text("a file where the folder should be")
        await h.commit("pub_ONE")
        await h.tick()
        [item] = (await h.call("list_deliveries", waiting=True))["items"]
        assert (item["attempts"], item["shown"], item["unsure"]) == (1, [], ["DE", "GB"])
        assert "cannot be written" in item["failure"]
        assert "waiting after 1 tries: UNAVAILABLE" in await h.text("list_deliveries")
        h.out.unlink()
        assert await h.tick() == 0, "it is not yet time for the next try"
        answer = await h.call("retry_delivery", publication="pub_ONE")
        assert (answer["failed"], answer["attempts"]) == (False, 0)
        await h.tick()
        assert (await h.call("list_deliveries", waiting=True))["items"] == []
        again = await h.call("retry_delivery", publication="pub_ONE")
        assert (again["code"], "has nothing to be told" in again["message"]) == ("CONFLICT", True)


@pytest.mark.asyncio
async def test_deliveries_are_listed_by_channel_and_page_by_page(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        for number in range(5):
            await h.commit(f"pub_{number}", channel="tube" if number % 2 else "gram")
        await h.tick()
        assert [each["publication"] for each in (await h.call("list_deliveries", channel="tube"))["items"]] == [
            "pub_1",
            "pub_3",
        ]
        seen, cursor = list[str](), None
        while True:
            answer = await h.call("list_deliveries", limit=2, **({} if cursor is None else {"cursor": cursor}))
            seen += [each["publication"] for each in answer["items"]]
            if (cursor := answer.get("next_cursor")) is None:
                break
        assert seen == [f"pub_{number}" for number in range(5)]
        assert (await h.call("list_deliveries", channel="tub"))["code"] == "CHANNEL_UNKNOWN"
        assert (await h.call("list_deliveries", publication="pub_9"))["code"] == "NOT_FOUND"
        assert (await h.call("retry_delivery", publication="pub_9"))["code"] == "NOT_FOUND"


@pytest.mark.asyncio
async def test_nobody_retries_who_may_not_change_things(tmp_path: Path) -> None:
    async with house(tmp_path, allow_write=False) as h:
        await h.commit("pub_ONE")
        assert (await h.call("retry_delivery", publication="pub_ONE"))["code"] == "WRITE_NOT_ALLOWED"


@pytest.mark.asyncio
async def test_the_clock_runs_while_the_door_is_open(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.commit("pub_ONE")
        async with h.door.serving(), asyncio.timeout(100):
            await h.folder.came.wait()
        assert (h.out / "tube" / "pub_ONE" / "r000001" / "media.mp4").is_file()


@pytest.mark.asyncio
async def test_what_is_on_show_keeps_its_publisher_until_it_is_down(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.commit("pub_ONE")
        [tube] = [each for each in (await h.call("list_channels"))["items"] if each["name"] == "tube"]
        elsewhere = tube | {"publisher": "hook"}
        await h.tick()
        for changed in (elsewhere, tube | {"account": "another"}):
            refused = await h.call("record_channel", channel=changed)
            assert (refused["code"], refused["details"]["publications"]) == ("CONFLICT", ["pub_ONE"])
        await h.call("cancel_publication", publication="pub_ONE", reason="to another publisher")
        assert (await h.call("record_channel", channel=elsewhere))["code"] == "CONFLICT", "it is not down yet"
        await h.tick()
        assert (await h.call("record_channel", channel=elsewhere))["replaced"]
