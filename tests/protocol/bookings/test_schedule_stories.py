"""Publications of a closed story: who may not know of it sees that time is taken, and nothing more."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from holdback_base.vocabulary import instant_text
from holdback_servers.schedule import server
from holdback_servers.serving import Door
from holdback_trust.policy import local_caller

pytestmark = pytest.mark.asyncio
STORY, DAY = "court-ruling", datetime(2026, 11, 24, 20, tzinfo=UTC)
ONE: dict[str, Any] = {
    "name": "one",
    "title": "One",
    "kind": "linear",
    "platform": "linear",
    "territories": ["GB"],
    "geo_blocking": False,
    "reach": {"source": "none", "hours": {"all": [50] * 24}},
}
TITLE = "What the court ruled"


class Two:
    """The schedule's doors as two people find them: one who knows of the story, and one who does not."""

    def __init__(self, knower: Door, stranger: Door) -> None:
        self.knower, self.stranger = knower, stranger

    async def ask(self, door: Door, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = (await door.enter(tool, arguments, None)).structured_content
        assert answer is not None
        return answer


@pytest.fixture
def two(house: Any) -> Two:
    house.record(ONE)
    services = house.services()
    services.media.close(house.media, STORY)
    sam = local_caller("person:sam", True, "mcp:schedule")
    knower, stranger = (
        server.build(services, house.outside, local=sam.model_copy(update={"stories": known}))
        for known in (frozenset({STORY}), frozenset[str]())
    )
    return Two(knower, stranger)


async def _hold(two: Two, door: Door, media: str, title: str, start: datetime = DAY) -> dict[str, Any]:
    piece = {"territories": ["GB"], "start": instant_text(start), "end": instant_text(start + timedelta(hours=1))}
    return await two.ask(door, "hold_slot", channel="one", title=title, media=media, availability=[piece])


async def test_a_closed_publication_is_on_no_list_of_who_may_not_know_of_it(house: Any, two: Two) -> None:
    held = await _hold(two, two.knower, house.media, TITLE)
    name, hold = held["publication"]["id"], held["id"]
    assert [each["id"] for each in (await two.ask(two.knower, "get_schedule", history=True))["items"]] == [name]
    assert (await two.ask(two.stranger, "get_schedule", history=True))["items"] == []
    assert "BEGIN:VEVENT" not in json.dumps(await two.ask(two.stranger, "export_schedule", format="ical"))
    for tool, arguments in (
        ("get_schedule", {"publications": [name]}),
        ("list_deliveries", {"publication": name}),
        ("retry_delivery", {"publication": name}),
        ("lock_publication", {"publication": name, "locked": True, "reason": "mine"}),
        ("cancel_publication", {"publication": hold, "reason": "mine"}),
        ("extend_hold", {"hold": hold, "minutes": 60}),
    ):
        heard = await two.ask(two.stranger, tool, **arguments)
        assert heard["code"] == "NOT_FOUND", (tool, heard)


async def test_the_time_of_a_closed_publication_is_taken_and_that_is_all_that_is_told(house: Any, two: Two) -> None:
    held = await _hold(two, two.knower, house.media, TITLE)
    refused = await _hold(two, two.stranger, f"sha256:{'1' * 64}", "Mine")
    assert refused["code"] in ("SLOT_TAKEN", "SLOT_REFUSED")
    open_all_day = {"start": instant_text(DAY - timedelta(days=1)), "end": instant_text(DAY + timedelta(days=1))}
    proposed = await two.ask(
        two.stranger,
        "propose_slots",
        title="Mine",
        media=f"sha256:{'1' * 64}",
        territories=["GB"],
        cleared=[{"territories": ["GB"], "platforms": ["linear"], "windows": [open_all_day]}],
        duration_seconds=1800,
        earliest=instant_text(DAY - timedelta(hours=2)),
        latest=instant_text(DAY + timedelta(hours=2)),
        count=10,
    )
    conflicts = await two.ask(two.stranger, "find_conflicts")
    for answer in (refused, proposed, conflicts):
        told = json.dumps(answer)
        assert not any(each in told for each in (TITLE, held["publication"]["id"], held["id"], house.media, STORY)), (
            told
        )
    slots = [slot for channel in proposed["channels"] for slot in channel["slots"]]
    starts = [str(slot["availability"][0]["start"]) for slot in slots]
    assert starts, proposed
    assert all(not instant_text(DAY) <= each < instant_text(DAY + timedelta(hours=1)) for each in starts)


async def test_who_knows_of_it_still_hears_by_whom_a_slot_is_taken(house: Any, two: Two) -> None:
    await _hold(two, two.knower, house.media, TITLE)
    refused = await _hold(two, two.knower, house.media, "Again")
    assert TITLE in json.dumps(refused)


async def test_closed_media_is_held_for_nobody_who_may_not_know_of_it(house: Any, two: Two) -> None:
    heard = await _hold(two, two.stranger, house.media, "Mine")
    assert heard["code"] == "NOT_FOUND"
    assert (await two.ask(two.knower, "get_schedule"))["items"] == []


async def test_a_calendar_leaves_out_what_is_closed_even_for_who_knows_of_it(house: Any, two: Two) -> None:
    await _hold(two, two.knower, house.media, TITLE)
    feed = await two.ask(two.knower, "subscribe_calendar")
    path = feed["path"].removeprefix("/mcp/schedule")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=two.stranger.http_app()), base_url="http://house"
    ) as http:
        answer = await http.get(path)
    assert answer.status_code == 200
    assert "BEGIN:VCALENDAR" in answer.text
    assert TITLE not in answer.text


async def test_a_publication_is_closed_with_its_bytes_however_late_and_opened_with_them(house: Any, two: Two) -> None:
    media = f"sha256:{'2' * 64}"
    held = await _hold(two, two.stranger, media, TITLE)
    name, store = held["publication"]["id"], two.knower.services.media
    assert [each["id"] for each in (await two.ask(two.stranger, "get_schedule"))["items"]] == [name]
    store.close(media, STORY)
    assert (await two.ask(two.stranger, "get_schedule", history=True))["items"] == []
    heard = await two.ask(two.stranger, "cancel_publication", publication=name, reason="mine")
    assert heard["code"] == "NOT_FOUND"
    refused = await _hold(two, two.stranger, f"sha256:{'1' * 64}", "Mine")
    assert refused["code"] in ("SLOT_TAKEN", "SLOT_REFUSED")
    assert TITLE not in json.dumps(refused)
    locked = await two.ask(two.knower, "lock_publication", publication=name, locked=True, reason="mine")
    assert locked["id"] == name
    assert (await two.ask(two.stranger, "get_schedule"))["items"] == []
    store.close(media, None)
    assert [each["id"] for each in (await two.ask(two.stranger, "get_schedule"))["items"]] == [name]


async def test_a_plan_of_bytes_that_are_closed_later_is_gone_for_who_may_not_know_of_them(house: Any, two: Two) -> None:
    media = f"sha256:{'2' * 64}"
    window = {"start": instant_text(DAY - timedelta(days=1)), "end": instant_text(DAY + timedelta(days=1))}
    item = {
        "key": "one",
        "title": TITLE,
        "media": media,
        "territories": ["GB"],
        "duration_seconds": 1800,
        "cleared": [{"territories": ["GB"], "platforms": ["linear"], "windows": [window]}],
        "earliest": window["start"],
        "latest": window["end"],
    }
    job = await two.ask(two.stranger, "plan_publications", items=[item])
    await two.knower.services.jobs.stop()
    assert (await two.ask(two.stranger, "get_job", job_id=job["id"]))["id"] == job["id"]
    two.knower.services.media.close(media, STORY)
    assert (await two.ask(two.stranger, "get_job", job_id=job["id"]))["code"] == "NOT_FOUND"
    assert (await two.ask(two.knower, "get_job", job_id=job["id"]))["id"] == job["id"]
