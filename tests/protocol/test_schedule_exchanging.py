"""The schedule's files and calendars through a real client: written, read in, reconciled, subscribed to."""

import itertools
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_servers.schedule import asruns, run_orders, server, store
from holdback_servers.schedule.books import Actor
from holdback_servers.schedule.model import Availability, Publication
from holdback_servers.schedule.ports import Outside, Transmission
from holdback_servers.services import open_services
from holdback_servers.serving import IDEMPOTENCY_META, Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from icalendar import Calendar
from mcp.client import Client
from sqlalchemy import Connection

OWN = KeyPair.generate()
MEDIA = "sha256:" + "a" * 64
START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


@dataclass
class House:
    """A schedule with a clock that is set by hand, and what the keeper of runs is told."""

    now: datetime = START
    told: list[tuple[str, str, tuple[datetime, ...]]] = field(default_factory=list)
    client: Client = field(init=False)
    door: Door = field(init=False)

    async def clearance_status(self, clearance: str) -> str:
        return "valid"

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        self.told.append(("reserve", publication, tuple(each.at for each in transmissions)))

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        self.told.append(("keep", publication, tuple(at)))

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        self.told.append(("use", publication, tuple(at)))

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
    house.door = server.build(
        services, Outside(house.clearance_status, house, approval_status=house.clearance_status), local=local
    )
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
        feed = await house.done("subscribe_calendar", channels=["one"])
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
        old = (await house.done("subscribe_calendar"))["path"].removeprefix("/mcp/schedule")
        also = (await house.done("subscribe_calendar"))["path"].removeprefix("/mcp/schedule")
        async with house.http() as http:
            before = [(await http.get(each)).status_code for each in (old, also)]
            new = (await house.done("subscribe_calendar", rotate=True))["path"].removeprefix("/mcp/schedule")
            forged = [new[:-10] + "AAAAAA.ics", "/calendar/x.ics", "/calendar/" + "a." * 5000 + ".ics"]
            after = [(await http.get(each)).status_code for each in (old, also, new, *forged)]
    assert before == [200, 200]
    assert after == [404, 404, 200, 404, 404, 404]


@pytest.mark.asyncio
async def test_a_feed_of_an_unknown_channel_is_refused(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        assert (await house.call("subscribe_calendar", channels=["on"]))["code"] == "CHANNEL_UNKNOWN"


GRID = """start,end,title,house_number
2026-11-23 20:00,2026-11-23 20:30,News,H-1
2026-11-23 20:30,2026-11-23 22:00,Film,H-2
"""


def _grid(content: str = GRID, **fields: Any) -> dict[str, Any]:
    return {"content": content, "format": "csv", "kind": "grid", "channel": "one", "name": "traffic.csv"} | fields


def _as_run(*lines: str, **fields: Any) -> dict[str, Any]:
    content = "\n".join(["start,end,title,publication,audience", *lines])
    return {"content": content, "format": "csv", "kind": "as_run", "channel": "one", "name": "log.csv"} | fields


async def _books(house: House, **fields: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await house.done("get_schedule", history=True, **fields))["items"]
    return items


@pytest.mark.asyncio
async def test_a_grid_is_previewed_then_recorded_locked_and_without_a_clearance(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        preview = await house.done("import_schedule", **_grid())
        assert not await _books(house)
        applied = await house.done("import_schedule", **_grid(), preview=False)
        news, film = await _books(house)
    assert (preview["applied"], preview["new"], applied["applied"], applied["new"]) == (False, 2, True, 2)
    assert (film["title"], film["start"], film["end"]) == ("Film", "2026-11-23T20:30:00Z", "2026-11-23T22:00:00Z")
    assert (film["state"], film["locked"], film["asset"]) == ("scheduled", True, "H-2")
    assert {"clearance", "media"}.isdisjoint(film) or film.get("clearance") is film.get("media") is None
    assert [each["why"] for each in news["history"]] == ["imported from traffic.csv, row 2"]


@pytest.mark.asyncio
async def test_the_same_grid_again_changes_nothing_and_a_published_table_reads_back_as_unchanged(
    tmp_path: Path,
) -> None:
    async with _house(tmp_path) as house:
        await house.done("import_schedule", **_grid(), preview=False)
        before = await _books(house)
        again = await house.done("import_schedule", **_grid(), preview=False)
        table = (await house.done("export_schedule", format="csv"))["files"][0]["content"]
        back = await house.done("import_schedule", **_grid(table), preview=False)
        after = await _books(house)
    assert [(each["new"], each["unchanged"]) for each in (again, back)] == [(0, 2), (0, 2)]
    assert before == after


@pytest.mark.asyncio
async def test_a_grid_with_one_mistake_or_overlap_records_nothing_and_names_the_rows(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        held = await house.held("Premiere", "2026-11-23T21:00:00Z", "2026-11-23T21:30:00Z")
        books = await house.done("import_schedule", **_grid(), preview=False)
        double = GRID + "2026-11-23 20:15,2026-11-23 20:20,Spot,H-3\n"
        within = await house.done("import_schedule", **_grid(double), preview=False)
        wrong = await house.done("import_schedule", **_grid(GRID.replace("20:30,2026", "20:3,2026")), preview=False)
        assert [each["title"] for each in await _books(house)] == ["Premiere"]
    (clash,) = books["mistakes"]
    assert clash["place"] == "row 3"
    assert f"overlaps 'Premiere' on the books ({held['publication']['id']})" in clash["message"]
    assert not books["applied"]
    assert "'Spot'" in within["mistakes"][0]["message"]
    assert "overlaps 'News' of row 2" in within["mistakes"][0]["message"]
    assert [each["place"] for each in wrong["mistakes"]] == ["row 3, start"]


@pytest.mark.asyncio
async def test_a_file_of_more_lines_than_are_recorded_at_once_is_refused_whole(tmp_path: Path) -> None:
    starts = [START + timedelta(days=1, minutes=n) for n in range(2502)]
    lines = [f"{a.isoformat()},{b.isoformat()},Spot" for a, b in itertools.pairwise(starts)]
    async with _house(tmp_path) as house:
        told = await house.done("import_schedule", **_grid("\n".join(["start,end,title", *lines])), preview=False)
    assert told["mistakes"][0]["message"] == "It has 2,501 new lines; 2,500 are recorded at once."
    assert not told["applied"]


@pytest.mark.asyncio
async def test_nobody_can_hold_a_slot_that_an_imported_item_takes(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.done("import_schedule", **_grid(), preview=False)
        piece = {"territories": ["GB"], "start": "2026-11-23T20:15:00Z", "end": "2026-11-23T20:45:00Z"}
        answer = await house.call("hold_slot", channel="one", title="X", media=MEDIA, availability=[piece])
    assert answer["code"] == "SLOT_TAKEN"


@pytest.mark.asyncio
async def test_a_new_issue_of_a_grid_takes_the_place_of_the_earlier_one_where_asked(tmp_path: Path) -> None:
    moved = GRID.replace("2026-11-23 20:30,2026-11-23 22:00,Film", "2026-11-23 20:45,2026-11-23 22:15,Film")
    async with _house(tmp_path) as house:
        await house.done("import_schedule", **_grid(), preview=False)
        refused = await house.done("import_schedule", **_grid(moved), preview=False)
        replaced = await house.done("import_schedule", **_grid(moved, name="v2.csv"), replace=True, preview=False)
        standing = [each for each in await _books(house) if each["state"] == "scheduled"]
        gone = [each for each in await _books(house) if each["state"] == "cancelled"]
    assert refused["mistakes"]
    assert (replaced["new"], replaced["unchanged"], replaced["replaced"]) == (1, 1, 1)
    assert [each["start"] for each in standing] == ["2026-11-23T20:00:00Z", "2026-11-23T20:45:00Z"]
    assert [each["history"][-1]["why"] for each in gone] == ["not in v2.csv any more"]


@pytest.mark.asyncio
async def test_as_run_is_kept_reconciled_and_written_into_the_history_once(tmp_path: Path) -> None:
    lines = [
        "2026-11-23T20:02:00Z,2026-11-23T20:30:00Z,News,,1000",
        "2026-11-23T20:30:00Z,2026-11-23T20:31:00Z,Spot,,900",
        "2026-11-23T22:00:00Z,2026-11-23T22:30:00Z,Late news,,800",
    ]
    async with _house(tmp_path) as house:
        await house.done("import_schedule", **_grid(), preview=False)
        house.now = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        preview = await house.done("import_schedule", **_as_run(*lines))
        first = await house.done("import_schedule", **_as_run(*lines), preview=False)
        again = await house.done("import_schedule", **_as_run(*lines), preview=False)
        told = await house.done(
            "reconcile_schedule", channel="one", start="2026-11-23T20:00:00Z", end="2026-11-23T23:00:00Z", limit=2
        )
        news, film = await _books(house, start="2026-11-23T00:00:00Z")
    assert [each["text"] for each in preview["differences"]["items"]] == [
        each["text"] for each in first["differences"]["items"]
    ]
    assert [each["aired_items"] for each in preview["differences"]["items"]] == [[], [], [], []]
    counts = first["differences"]["counts"]
    assert {name: count for name, count in counts.items() if count} == {"cut_short": 1, "missing": 1, "unplanned": 2}
    assert (again["new"], again["unchanged"]) == (0, 3)
    assert (len(told["items"]), told["next_cursor"] is not None) == (2, True)
    assert told["covered"] == [{"start": "2026-11-23T20:02:00Z", "end": "2026-11-23T22:30:00Z"}]
    assert [each["state"] for each in news["history"]] == ["scheduled", "expired"]
    assert [each["state"] for each in film["history"]] == ["scheduled", "failed"]
    assert film["history"][-1]["why"] == "log.csv: 'Film', planned for 2026-11-23T20:30:00Z, did not air."


@pytest.mark.asyncio
async def test_as_run_that_overlaps_is_to_come_or_is_told_in_a_guide_is_refused(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        one = "2026-11-22T10:00:00Z,2026-11-22T10:30:00Z,News,,"
        over = "2026-11-22T10:20:00Z,2026-11-22T10:40:00Z,Film,,"
        ahead = "2026-11-22T14:00:00Z,2026-11-22T14:40:00Z,Film,,"
        await house.done("import_schedule", **_as_run(one), preview=False)
        clash = await house.done("import_schedule", **_as_run(over), preview=False)
        early = await house.done("import_schedule", **_as_run(ahead), preview=False)
        mended = await house.done("import_schedule", **_as_run(one.replace("10:30", "10:20"), over), replace=True)
        guide = await house.call("import_schedule", **_as_run(one, format="xmltv"))
    assert "overlaps 'News' on record from log.csv, row 2" in clash["mistakes"][0]["message"]
    assert early["mistakes"][0]["place"] == "row 2, start"
    assert (mended["new"], mended["replaced"], mended["mistakes"]) == (2, 1, [])
    assert (guide["code"], guide["hint"]) == ("INVALID_ARGUMENT", "Give as-run as csv or bxf.")


@pytest.mark.asyncio
async def test_what_is_missing_before_the_first_line_is_told_where_the_file_says_that_it_covers_it(
    tmp_path: Path,
) -> None:
    line = "2026-11-23T22:00:00Z,2026-11-23T22:30:00Z,Late news,,"
    hours = {"start": "2026-11-23T18:00:00Z", "end": "2026-11-24T06:00:00Z"}
    async with _house(tmp_path) as house:
        await house.done("import_schedule", **_grid(), preview=False)
        house.now = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        without = await house.done("import_schedule", **_as_run(line))
        within = await house.done("import_schedule", **_as_run(line), **hours)
        back = await house.call("import_schedule", **_as_run(line), start=hours["end"], end=hours["start"])
    assert [each["differences"]["counts"]["missing"] for each in (without, within)] == [0, 2]
    assert back["code"] == "RANGE_INVALID"


@pytest.mark.asyncio
async def test_nothing_fails_before_its_time_and_what_is_still_on_air_is_left_to_the_clock(tmp_path: Path) -> None:
    line, hours = "2026-11-23T20:00:00Z,2026-11-23T20:30:00Z,News,,", {"end": "2026-11-25T00:00:00Z"}
    async with _house(tmp_path) as house:
        await house.done("import_schedule", **_grid(), preview=False)
        house.now = datetime(2026, 11, 23, 20, 10, tzinfo=UTC)
        told = await house.done("import_schedule", **_as_run(line), **hours, preview=False)
        states = [each["state"] for each in await _books(house)]
        ahead = await house.done("import_schedule", **_as_run(), start="2026-11-24T00:00:00Z", **hours)
    assert told["differences"]["covered"] == [{"start": "2026-11-23T20:00:00Z", "end": "2026-11-23T20:10:00Z"}]
    assert told["differences"]["counts"]["missing"] == 0
    assert states == ["scheduled", "scheduled"]
    assert [each["message"] for each in ahead["mistakes"]] == ["It covers nothing that is past."]
    assert all(each["hint"] for each in ahead["mistakes"])


@pytest.mark.asyncio
async def test_audiences_become_samples_of_reach_hour_by_hour(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.done(
            "import_schedule", **_as_run("2026-11-22T10:30:00Z,2026-11-22T12:31:00Z,Film,,1250"), preview=False
        )
        found = await house.door.services.database.read(lambda c: asruns.samples(c, "one"))
        other = await house.door.services.database.read(lambda c: asruns.samples(c, "tube"))
    assert [(each.at.hour, each.audience) for each in found] == [(10, 1250), (11, 1250), (12, 1250)]
    assert not other


@pytest.mark.asyncio
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_a_time_at_the_end_of_the_calendar_is_a_mistake_with_a_cure(tmp_path: Path, day: str) -> None:
    async with _house(tmp_path) as house:
        window = {"start": f"{day}T00:00:00Z", "end": f"{day}T23:59:59Z"}
        answer = await house.call("reconcile_schedule", channel="one", **window)
    assert (answer["code"], bool(answer["hint"])) == ("RANGE_INVALID", True)


@pytest.mark.asyncio
async def test_an_import_under_one_key_is_done_once_and_an_unknown_channel_is_named(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        first = await house.call("import_schedule", "task/1", **_grid(), preview=False)
        again = await house.call("import_schedule", "task/1", **_grid(), preview=False)
        unknown = await house.call("import_schedule", **_grid(channel="on"))
    assert first == again
    assert first["new"] == 2
    assert unknown["code"] == "CHANNEL_UNKNOWN"


def _committed(name: str, start: datetime, **fields: Any) -> Publication:
    end = start + timedelta(minutes=30)
    pieces = (Availability(territories=("GB",), start=start, end=end),)
    given: dict[str, Any] = {
        "id": name,
        "channel": "one",
        "platform": "linear.ftv",
        "title": name,
        "media": MEDIA,
        "availability": pieces,
        "approved_for": pieces,
        "start": start,
        "end": end,
        "state": "scheduled",
        "clearance": f"clr_{name}",
        "approval": "apr_1",
        "by": "agent:scheduler",
        "on_behalf_of": "person:sam",
    }
    return Publication.model_validate(given | fields)


@pytest.mark.asyncio
async def test_what_aired_uses_its_runs_and_what_did_not_gives_them_back(tmp_path: Path) -> None:
    ten, eleven = (datetime(2026, 11, 22, hour, 0, tzinfo=UTC) for hour in (10, 11))
    actor = Actor(by="agent:scheduler", on_behalf_of="person:sam")
    lines = ["2026-11-22T10:00:00Z,2026-11-22T10:30:00Z,x,aired,", "2026-11-22T12:00:00Z,2026-11-22T12:30:00Z,News,,"]

    def committed(c: Connection) -> None:
        for publication in (_committed("aired", ten), _committed("missed", eleven)):
            store.put(c, publication, actor, "committed", ten - timedelta(hours=1))

    async with _house(tmp_path) as house:
        database = house.door.services.database
        await database.write(committed)
        await run_orders.settle_due(database, house, ten - timedelta(minutes=59))
        before = set(house.told)
        house.told.clear()
        await house.done("import_schedule", **_as_run(*lines), preview=False)
        assert await run_orders.settle_due(database, house, house.now) == ()
        states = {each["id"]: each["state"] for each in await _books(house)}
    assert before == {("reserve", "aired", (ten,)), ("reserve", "missed", (eleven,))}
    assert ("use", "aired", (ten,)) in house.told
    assert ("keep", "missed", ()) in house.told
    assert not [each for each in house.told if each[:2] == ("use", "missed")]
    assert states == {"aired": "expired", "missed": "failed"}


@pytest.mark.asyncio
async def test_a_log_that_leaves_something_out_takes_nothing_down_where_things_stay_up(tmp_path: Path) -> None:
    ten = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    up = _committed("up", ten, channel="tube", platform="social.youtube", state="live")
    line = "2026-11-22T09:00:00Z,2026-11-22T10:30:00Z,Other,,"
    async with _house(tmp_path) as house:
        actor = Actor(by="a", on_behalf_of="b")
        await house.door.services.database.write(lambda c: store.put(c, up, actor, "live", ten))
        report = await house.done("import_schedule", **_as_run(line, channel="tube"), preview=False)
        (found,) = await _books(house)
    assert report["differences"]["counts"]["missing"] == 1
    assert found["state"] == "live"
