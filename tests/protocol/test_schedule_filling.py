"""Many items planned, held and filled in through a real client; others may be faster, and jobs may be cancelled."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_servers.schedule import asruns, server, store
from holdback_servers.schedule.asrun_nouns import AiredItem
from holdback_servers.schedule.ports import Outside, Transmission
from holdback_servers.services import open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from mcp.client import Client

START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
MEDIA = "sha256:" + "a" * 64
HOURS = [10] * 7 + [30] * 5 + [40] * 5 + [60, 75, 95, 100, 90, 60, 30]
OPEN = [{"territories": ["GB", "DE"], "platforms": ["all"], "windows": [{"start": "2026-11-23T19:00:00Z"}]}]
TUBE = {
    "name": "tube",
    "title": "Tube",
    "kind": "social",
    "platform": "social.youtube",
    "territories": ["WORLD"],
    "time_zone": "Europe/London",
    "daily_cap": 2,
    "min_gap_minutes": 60,
    "reach": {"source": "invented", "hours": {"all": HOURS}},
}
FIRST = TUBE | {
    "name": "first",
    "kind": "linear",
    "platform": "linear.ftv",
    "territories": ["GB"],
    "geo_blocking": False,
    "daily_cap": None,
    "min_gap_minutes": 0,
}


@dataclass
class House:
    """A schedule with a clock that is set by hand."""

    now: datetime = START
    client: Client = field(init=False)

    async def status(self, clearance: str) -> str:
        return "valid"

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        """No right here has a run limit."""

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        """No right here has a run limit."""

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        """No right here has a run limit."""

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        assert result.structured_content is not None
        return {"failed": bool(result.is_error)} | result.structured_content

    async def done(self, job: str) -> dict[str, Any]:
        found = await self.call("get_job", job_id=job)
        while found["state"] in ("queued", "running"):
            found = await self.call("get_job", job_id=job, wait_seconds=5, after_seq=found["seq"])
        return found

    async def planned(self, *items: dict[str, Any], **arguments: Any) -> tuple[str, dict[str, Any]]:
        job = await self.call("plan_publications", items=list(items), end="2026-11-26T13:00:00Z", **arguments)
        assert not job["failed"], job
        return job["id"], await self.done(job["id"])


def _item(key: str, **fields: Any) -> dict[str, Any]:
    return {
        "key": key,
        "title": key.title(),
        "media": MEDIA,
        "duration_seconds": 1800,
        "territories": ["GB", "DACH"],
        "cleared": OPEN,
    } | fields


def _filler(key: str, frames: int, **fields: Any) -> dict[str, Any]:
    return {"key": key, "title": key.title(), "media": MEDIA, "frames": frames, "cleared": OPEN} | fields


@asynccontextmanager
async def _house(home: Path) -> AsyncGenerator[House]:
    house, keys = House(), KeyPair.generate()
    audit = AuditLog(home / "audit", keys, lambda: house.now)
    services = open_services(
        Database(home / "db" / "schedule.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=lambda: house.now,
        new_id=id_maker(lambda: house.now),
        keys=keys,
        ring=KeyRing({}),
        audit=audit,
    )
    door = server.build(
        services,
        Outside(house.status, house, approval_status=house.status),
        local=local_caller("person:sam", True, "mcp:schedule"),
        ticking=False,
    )
    try:
        async with Client(door.mcp) as house.client:
            for channel in (TUBE, FIRST):
                assert not (await house.call("record_channel", channel=channel))["failed"]
            yield house
    finally:
        await services.jobs.stop()
        audit.close()
        services.database.close()


@pytest.mark.asyncio
async def test_a_plan_is_made_by_a_job_and_held_in_one_step(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        job, found = await house.planned(_item("owls", weight=80), _item("bees"), channels=["tube", "first"])
        assert found["state"] == "succeeded", found
        plan = found["result"]
        places = [(each["item"], each["channel"], each["slot"]["start"]) for each in plan["placements"]]
        assert places == [
            ("owls", "first", "2026-11-23T20:00:00Z"),
            ("bees", "first", "2026-11-23T20:30:00Z"),
            ("owls", "tube", "2026-11-23T20:00:00Z"),
            ("bees", "tube", "2026-11-24T20:00:00Z"),
        ]
        assert plan["value"] == 100 * (80 + 50 + 80 + 50)
        assert [each["territories"] for each in plan["placements"][2]["slot"]["availability"]] == [["DE", "GB"]]
        held = await house.call("hold_plan", job_id=job, minutes=30)
        assert [(each["item"], each["channel"]) for each in held["held"]] == [each[:2] for each in places]
        books = (await house.call("get_schedule"))["items"]
    assert {each["state"] for each in books} == {"held"}
    assert {each["expires"] for each in books} == {"2026-11-22T13:30:00Z"}
    assert {each["details"]["duration_seconds"] for each in books} == {1800}


@pytest.mark.asyncio
async def test_the_plan_reads_as_a_grid_with_what_did_not_fit_and_its_cures(tmp_path: Path) -> None:
    many = [_item(f"item {n}", channels=["tube"], latest="2026-11-24T06:00:00Z", weight=10 + n) for n in range(3)]
    async with _house(tmp_path) as house:
        _, found = await house.planned(*many)
    refused = found["result"]["unplaced"]
    assert [(each["item"], each["channel"]) for each in refused] == [("item 0", "tube")]
    rules = {each["rule"] for each in refused[0]["rules"]}
    assert rules == {"IN_THE_PAST", "OUTSIDE_CLEARED_WINDOW", "SLOT_TAKEN", "MIN_GAP", "DAILY_CAP"}
    cures = [each["text"] for each in refused[0]["cures"]]
    assert cures[0].startswith(
        "with a clearance of a territory of AT, CH, DE, GB on social.youtube from 2026-11-22T20:00"
    )
    assert cures[1] == "with 3 a day on tube; or with a weight of 12 or more: Mon 23 Nov 2026 21:00 GMT, reach 90"
    assert cures[2].startswith("if it may start later than Tue 24 Nov 2026 06:00 GMT: Tue 24 Nov 2026 20:00 GMT")


@pytest.mark.asyncio
async def test_what_no_asked_territory_is_reached_for_says_so_with_the_cure(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.call("record_channel", channel=TUBE | {"name": "far", "territories": ["US"]})
        _, found = await house.planned(_item("one", channels=["far"]))
    (refused,) = found["result"]["unplaced"]
    assert refused["text"] == "no asked territory is reached by far"
    assert [each["text"] for each in refused["cures"]] == ["add a territory it reaches, or leave the channel out"]


@pytest.mark.asyncio
async def test_a_plan_goes_by_the_reach_that_proposals_say(tmp_path: Path) -> None:
    asked = {name: each for name, each in _item("one").items() if name != "key"}
    aired = [
        AiredItem(
            id=f"air_{hour}_{day}",
            title="Anything",
            start=datetime(2026, 11, day, hour, tzinfo=UTC),
            end=datetime(2026, 11, day, hour, 30, tzinfo=UTC),
            audience=9000 if hour == 22 else 3000,
            place=f"row {day}",
            source="as-run.csv",
        )
        for day in range(9, 16)
        for hour in range(17, 23)
    ]
    async with _house(tmp_path) as house:
        database = Database(tmp_path / "db" / "schedule.sqlite", store.METADATA)
        database.submit(lambda c: asruns.keep(c, "tube", aired)).result()
        database.close()
        proposed = await house.call("propose_slots", **asked, channels=["tube"], latest="2026-11-26T13:00:00Z")
        _, found = await house.planned(_item("one", channels=["tube"]))
    best = proposed["channels"][0]["slots"][0]
    (planned,) = found["result"]["placements"]
    assert planned["slot"]["start"] == best["start"]
    assert "refined by 42 audiences" in best["reasons"][0]
    assert planned["slot"]["reasons"][0].split(" (")[0] == best["reasons"][0].split(" (")[0]


@pytest.mark.asyncio
async def test_all_or_nothing_is_held_unless_the_rest_is_enough(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        job, found = await house.planned(_item("owls"), _item("bees"), channels=["tube"])
        slot = found["result"]["placements"][0]["slot"]
        taken = await house.call(
            "hold_slot", channel="tube", title="Faster", media=MEDIA, availability=slot["availability"]
        )
        refused = await house.call("hold_plan", job_id=job)
        assert (refused["failed"], refused["code"]) == (True, "SLOT_TAKEN")
        assert [each["id"] for each in (await house.call("get_schedule"))["items"]] == [taken["publication"]["id"]]
        held = await house.call("hold_plan", job_id=job, partial=True)
        assert [(each["item"], each["code"]) for each in held["not_held"]] == [("owls", "SLOT_TAKEN")]
        assert "taken by 'Faster'" in held["not_held"][0]["text"]
        assert [each["item"] for each in held["held"]] == ["bees"]


@pytest.mark.asyncio
async def test_a_plan_that_is_not_there_not_done_or_not_asked_well_is_refused_with_the_cure(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        unknown = await house.call("hold_plan", job_id="job_NONE")
        assert (unknown["code"], unknown["hint"]) == ("NOT_FOUND", "Use the id that plan_publications answered with.")
        twice = await house.call("plan_publications", items=[_item("owls"), _item("owls")])
        assert (twice["code"], twice["message"]) == ("INVALID_ARGUMENT", "Two items have the key 'owls'.")
        nowhere = await house.call("plan_publications", items=[_item("owls")], channels=["tub"])
        assert (nowhere["code"], nowhere["hint"]) == ("CHANNEL_UNKNOWN", "Did you mean tube?")
        job, found = await house.planned(_item("owls", channels=["gram"]))
        assert found["problem"]["code"] == "CHANNEL_UNKNOWN"
        assert found["problem"]["hint"] == "The channels of the plan are first, tube."
        failed = await house.call("hold_plan", job_id=job)
        assert (failed["code"], "is failed" in failed["message"]) == ("CONFLICT", True)


@pytest.mark.asyncio
@pytest.mark.usefixtures("planning_stands")
async def test_planning_is_cancelled_on_request_and_the_door_stays_open(tmp_path: Path) -> None:
    many = [_item(f"item {n}", weight=1 + n) for n in range(100)]
    async with _house(tmp_path) as house:
        job = await house.call("plan_publications", items=many)
        seen = await house.call("get_job", job_id=job["id"], wait_seconds=20, after_seq=3)
        while seen["state"] == "running" and not seen["total"]:
            seen = await house.call("get_job", job_id=job["id"], wait_seconds=20, after_seq=seen["seq"])
        assert seen["state"] == "running", seen
        assert seen["total"] > 0
        assert (await house.call("list_channels"))["total"] == 2
        stopped = await house.call("cancel_job", job_id=job["id"])
    assert (stopped["state"], stopped["problem"]["code"]) == ("cancelled", "CANCELLED")


GAP = {"channel": "first", "start": "2026-11-23T20:00:00Z", "end": "2026-11-23T20:02:00Z"}


@pytest.mark.asyncio
async def test_a_gap_is_filled_to_the_frame_and_held(tmp_path: Path) -> None:
    fillers = [_filler("long", 1500), _filler("trail", 750, at_most=3), _filler("ident", 250)]
    async with _house(tmp_path) as house:
        found = await house.call("fill_gap", **GAP, fillers=fillers, hold=True)
        assert (found["frames"], found["missing"]) == (3000, 0)
        ends = ["2026-11-23T20:00:30Z", "2026-11-23T20:01:30Z", "2026-11-23T20:02:00Z"]
        assert [(each["filler"], each["end"]) for each in found["pieces"]] == list(
            zip(["trail", "long", "trail"], ends, strict=True)
        )
        books = (await house.call("get_schedule"))["items"]
        assert [each["hold"] for each in books] == [each["hold"] for each in found["pieces"]]
        again = await house.call("fill_gap", **GAP, fillers=fillers)
    assert (again["code"], again["message"]) == ("CONFLICT", "'Trail' stands in the gap.")


@pytest.mark.asyncio
async def test_a_gap_that_cannot_be_filled_says_how_near_it_comes_and_what_was_left_out(tmp_path: Path) -> None:
    shut = [{"territories": ["DE"], "platforms": ["all"], "windows": [{"start": "2026-01-01T00:00:00Z"}]}]
    async with _house(tmp_path) as house:
        found = await house.call("fill_gap", **GAP, fillers=[_filler("a", 2990), _filler("b", 10, cleared=shut)])
        assert (found["missing"], [each["filler"] for each in found["left_out"]]) == (10, ["b"])
        assert "not cleared wherever first reaches" in found["left_out"][0]["text"]
        social = await house.call("fill_gap", **(GAP | {"channel": "tube"}), fillers=[_filler("a", 10)])
        assert (social["code"], "only a linear channel" in social["message"]) == ("INVALID_ARGUMENT", True)
        long = await house.call("fill_gap", **(GAP | {"end": "2026-11-24T20:00:00Z"}), fillers=[_filler("a", 10)])
        assert long["code"] == "RANGE_INVALID"


@pytest.mark.asyncio
async def test_a_gap_that_ends_with_the_broadcast_day_is_filled_though_the_next_day_is_full(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.call("record_channel", channel=FIRST | {"daily_cap": 2})
        for hour in ("10", "12"):
            piece = {"territories": ["GB"], "start": f"2026-11-25T{hour}:00:00Z", "end": f"2026-11-25T{hour}:30:00Z"}
            given = {"channel": "first", "title": f"At {hour}", "media": MEDIA, "availability": [piece]}
            assert not (await house.call("hold_slot", **given))["failed"]
        night = GAP | {"start": "2026-11-25T05:58:00Z", "end": "2026-11-25T06:00:00Z"}
        found = await house.call("fill_gap", **night, fillers=[_filler("a", 1500), _filler("b", 1500)], hold=True)
        assert (found["missing"], len(found["pieces"])) == (0, 2)
        morning = GAP | {"start": "2026-11-25T06:00:00Z", "end": "2026-11-25T06:02:00Z"}
        full = await house.call("fill_gap", **morning, fillers=[_filler("a", 1500)])
        assert (full["pieces"], full["left_out"][0]["text"][:9]) == ([], "DAILY_CAP")
        follow = {"start_mode": "follow", "follows": "pub_ONE"}
        given = await house.call("fill_gap", **GAP, fillers=[_filler("a", 10, details=follow)])
        assert (given["code"], "fixed start" in given["message"]) == ("INVALID_ARGUMENT", True)


@pytest.mark.asyncio
async def test_a_plan_at_the_ends_of_the_calendar_says_so(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        _, job = await house.planned(_item("one", latest="0001-01-01T00:00:00Z"))
    assert (job["state"], job["problem"]["code"]) == ("failed", "RANGE_INVALID")


@pytest.mark.asyncio
async def test_frames_of_a_rate_that_is_no_whole_number_are_counted_and_never_run_over(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.call("record_channel", channel=FIRST | {"frame_rate": "30000/1001"})
        found = await house.call("fill_gap", **GAP, fillers=[_filler("a", 1800), _filler("b", 1796)], hold=True)
    assert (found["frames"], found["missing"]) == (3596, 0)
    assert found["pieces"][-1]["end"] <= GAP["end"]


@pytest.mark.asyncio
async def test_titles_and_sponsors_that_are_kept_apart_fill_a_gap_once(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        await house.call(
            "record_channel", channel=FIRST | {"title_separation_hours": 1, "sponsor_separation_minutes": 60}
        )
        cars = {"details": {"sponsor": "cars"}}
        fillers = [_filler("a", 1000, at_most=3, **cars), _filler("b", 1000, **cars), _filler("c", 1000)]
        found = await house.call("fill_gap", **GAP, fillers=[*fillers, _filler("d", 999, title="c")], hold=True)
    assert (found["failed"], found["missing"]) == (False, 1000)
