"""Holds kept longer, locks, moves and partial take-downs through a real client: who may do what, and once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_base.vocabulary import instant_text
from holdback_servers.schedule import server
from holdback_servers.serving import IDEMPOTENCY_META
from holdback_trust.policy import local_caller
from mcp.client import Client

REACH = {"source": "none", "hours": {"all": [50] * 24}}
ONE = {"name": "one", "title": "One", "kind": "linear", "platform": "linear", "reach": REACH}
ONE |= {"territories": ["GB", "IE"], "geo_blocking": False}
TUBE = {"name": "tube", "title": "Tube", "kind": "social", "platform": "social.youtube", "reach": REACH}
TUBE |= {"territories": ["GB", "DE"]}
DAY = datetime(2026, 11, 24, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def channels(house: Any) -> None:
    house.record(ONE)
    house.record(TUBE)


@asynccontextmanager
async def door(house: Any, person: str = "person:sam", *scopes: str) -> AsyncGenerator[Any]:
    """The schedule's tools for this person, with all scopes unless some are named."""
    caller = local_caller(person, True, "mcp:schedule")
    local = caller.model_copy(update={"scopes": frozenset(scopes)}) if scopes else caller
    built = server.build(house.services(), house.outside, local=local)
    async with Client(built.mcp) as client:

        async def call(tool: str, key: str | None = None, **arguments: Any) -> dict[str, Any]:
            meta: Any = None if key is None else {IDEMPOTENCY_META: key}
            result = await client.call_tool(tool, arguments, meta=meta)
            assert result.structured_content is not None
            return {"failed": bool(result.is_error)} | result.structured_content

        yield call


def piece(places: str, start: datetime, minutes: int = 60) -> dict[str, Any]:
    end = start + timedelta(minutes=minutes)
    return {"territories": places.split(), "start": instant_text(start), "end": instant_text(end)}


async def held(call: Any, house: Any, start: datetime = DAY, channel: str = "one", **more: Any) -> dict[str, Any]:
    places = "GB IE" if channel == "one" else "GB DE"
    given = {"channel": channel, "title": f"T{start:%H%M}", "media": house.media}
    answer = await call("hold_slot", **{**given, "availability": [piece(places, start)], **more})
    assert not answer["failed"], answer
    return answer


async def committed(call: Any, house: Any, start: datetime = DAY, **more: Any) -> dict[str, Any]:
    hold = await held(call, house, start, **more)
    papers = {"clearance": house.clearance, "approval": house.approval()}
    answer = await call("commit_publication", hold=hold["id"], **papers)
    assert not answer["failed"], answer
    return answer


@pytest.mark.asyncio
async def test_a_hold_is_kept_longer_by_its_person_and_never_made_shorter(house: Any) -> None:
    async with door(house) as call:
        hold = await held(call, house)
        longer = await call("extend_hold", "t/1", hold=hold["id"], minutes=90)
        assert longer["expires"] == "2026-11-22T06:30:00Z"
        house.now += timedelta(minutes=10)
        assert (await call("extend_hold", hold=hold["id"], minutes=5))["expires"] == longer["expires"]
        assert await call("extend_hold", "t/1", hold=hold["id"], minutes=90) == longer
        assert (await call("extend_hold", hold=hold["id"], minutes=24 * 60 + 1))["failed"]
    async with door(house, "person:eve") as call:
        refused = await call("extend_hold", hold=hold["id"], minutes=5)
        assert (refused["code"], "extend it" in refused["hint"]) == ("PERMISSION_DENIED", True)
    house.now += timedelta(hours=2)
    async with door(house) as call:
        assert (await call("extend_hold", hold=hold["id"], minutes=5))["code"] == "HOLD_EXPIRED"


@pytest.mark.asyncio
async def test_a_lock_keeps_everybody_from_changing_it_until_somebody_who_may_commit_lifts_it(house: Any) -> None:
    async with door(house) as call:
        done = await committed(call, house)
        locked = await call("lock_publication", publication=done["id"], locked=True, reason="sold with it")
        assert locked["locked"]
        for tool, more in (
            ("cancel_publication", {}),
            ("cancel_publication", {"territories": ["IE"]}),
            ("move_publication", {"availability": [piece("GB IE", DAY + timedelta(hours=3))]}),
        ):
            refused = await call(tool, publication=done["id"], reason="because", **more)
            assert (refused["code"], "lock_publication" in refused["hint"]) == ("CONFLICT", True)
    async with door(house, "person:eve", "schedule:plan", "schedule:read") as call:
        refused = await call("lock_publication", publication=done["id"], locked=False, reason="in my way")
        assert (refused["code"], "schedule:commit" in refused["message"]) == ("PERMISSION_DENIED", True)
    async with door(house) as call:
        free = await call("lock_publication", publication=done["id"], locked=False, reason="sold again")
        assert not free["locked"]
        assert (await call("cancel_publication", publication=done["id"], reason="because"))["state"] == "cancelled"
        ended = await call("lock_publication", publication=done["id"], locked=True, reason="too late")
        assert ended["code"] == "CONFLICT"
        page = await call("get_schedule", history=True)
    why = [row["why"] for row in page["items"][0]["history"]]
    assert why[-3:] == ["locked: sold with it", "unlocked: sold again", "because"]


@pytest.mark.asyncio
async def test_what_follows_a_hold_begins_at_its_end_and_moves_along(house: Any) -> None:
    async with door(house) as call:
        head = await held(call, house)
        follow = {"start_mode": "follow", "follows": head["id"]}
        late = [piece("GB IE", DAY + timedelta(minutes=61))]
        refused = await call(
            "hold_slot", channel="one", title="L", media=house.media, availability=late, details=follow
        )
        assert (refused["code"], refused["details"]["rule"]) == ("SLOT_REFUSED", "FOLLOW")
        tail = await held(call, house, DAY + timedelta(hours=1), details=follow)
        assert tail["publication"]["details"]["follows"] == head["publication"]["id"]
        after = DAY + timedelta(hours=5)
        given = {"publication": head["id"], "availability": [piece("GB IE", after, 30)], "reason": "a better hour"}
        moved = await call("move_publication", "t/2", **given)
        starts = [each["start"] for each in moved["publications"]]
        assert starts == [instant_text(after), instant_text(after + timedelta(minutes=30))]
        assert await call("move_publication", "t/2", **given) == moved
        await call("cancel_publication", publication=head["id"], reason="not at all")
        page = await call("get_schedule", states=["held"], history=True)
    (left,) = page["items"]
    assert (left["start"], left["details"]["start_mode"]) == (starts[1], "fixed")
    assert "along with" in left["history"][1]["why"]
    assert "which it followed, is cancelled" in left["history"][2]["why"]


@pytest.mark.asyncio
async def test_a_hold_is_moved_by_its_person_and_what_is_committed_by_who_may_commit(house: Any) -> None:
    there = [piece("GB IE", DAY + timedelta(hours=3))]
    async with door(house) as call:
        hold, done = await held(call, house), await committed(call, house, DAY + timedelta(hours=8))
    async with door(house, "person:eve") as call:
        refused = await call("move_publication", publication=hold["id"], availability=there, reason="mine")
        assert refused["code"] == "PERMISSION_DENIED"
    async with door(house, "person:eve", "schedule:plan", "schedule:read") as call:
        refused = await call("move_publication", publication=done["id"], availability=there, reason="mine")
        assert refused["code"] == "PERMISSION_DENIED"
        assert {each["start"] for each in (await call("get_schedule"))["items"]} == {
            instant_text(DAY),
            instant_text(DAY + timedelta(hours=8)),
        }


@pytest.mark.asyncio
async def test_a_take_down_in_one_territory_leaves_the_others_and_needs_nobody_else(house: Any) -> None:
    async with door(house) as call:
        done = await committed(call, house, channel="tube")
        wrong = await call("cancel_publication", publication=done["id"], reason="x", territories=["US"])
        assert (wrong["code"], "DE, GB" in wrong["hint"]) == ("INVALID_ARGUMENT", True)
        left = await call(
            "cancel_publication", publication=done["id"], reason="wrong credit", territories=["DACH", "DE"]
        )
        assert left["code"] == "INVALID_ARGUMENT"
        left = await call("cancel_publication", publication=done["id"], reason="wrong credit", territories=["DE"])
        assert (left["state"], [each["territories"] for each in left["availability"]]) == ("scheduled", [["GB"]])
        linear = await committed(call, house, DAY + timedelta(hours=3))
        refused = await call("cancel_publication", publication=linear["id"], reason="x", territories=["IE"])
        assert (refused["code"], "kept out" in refused["message"]) == ("INVALID_ARGUMENT", True)
        gone = await call("cancel_publication", publication=done["id"], reason="wrong credit", territories=["GB"])
        assert gone["state"] == "cancelled"
        again = await call("cancel_publication", publication=done["id"], reason="once more", territories=["GB"])
        assert again["state"] == "cancelled"
    assert {identity for identity, _ in house.runs()} == {linear["id"]}


_OTHERWISE: list[tuple[dict[str, Any], str]] = [
    (ONE | {"platform": "linear.ftv"}, "platform"),
    (ONE | {"kind": "social"}, "kind"),
    (ONE | {"territories": ["GB", "IE", "US"]}, "territories"),
    (ONE | {"territories": ["GB"]}, "territories"),
]


@pytest.mark.asyncio
async def test_a_channel_stays_what_its_publications_were_cleared_for_as_long_as_they_are_there(house: Any) -> None:
    async with door(house) as call:
        done = await committed(call, house)
        await held(call, house, channel="tube")
        for changed, field in _OTHERWISE:
            refused = await call("record_channel", channel=changed)
            assert (refused["code"], refused["details"]["changed"]) == ("CONFLICT", [field]), changed
            assert refused["details"]["publications"] == [done["id"]]
        refused = await call("record_channel", channel=TUBE | {"geo_blocking": False})
        assert refused["details"]["changed"] == ["geo_blocking"]
        assert (await call("record_channel", channel=TUBE | {"territories": ["GB", "DE", "FR"]}))["replaced"]
        assert (await call("record_channel", channel=ONE | {"title": "Channel One", "daily_cap": 3}))["replaced"]
        house.now += timedelta(minutes=16)  # the hold lapses
        assert (await call("record_channel", channel=TUBE | {"geo_blocking": False}))["replaced"]
        await call("cancel_publication", publication=done["id"], reason="another channel now")
        assert (await call("record_channel", channel=ONE | {"territories": ["GB", "IE", "US"]}))["replaced"]


@pytest.mark.asyncio
async def test_what_follows_a_hold_names_it_by_the_holds_id_wherever_it_is_asked_about(house: Any) -> None:
    cells = [{"territories": ["GB", "IE"], "platforms": ["linear"], "windows": [{"start": instant_text(DAY)}]}]
    async with door(house) as call:
        head = await held(call, house)
        end = head["publication"]["end"]
        asked = {"title": "Tail", "media": house.media, "territories": ["GB", "IE"], "cleared": cells}
        asked |= {"duration_seconds": 600, "details": {"start_mode": "follow", "follows": head["id"]}}
        [proposal] = (await call("propose_slots", channels=["one"], **asked))["channels"]
        assert [each["start"] for each in proposal["slots"]] == [end]
        assert (await call("explain_slot", channel="one", start=end, **asked))["free"]
        job = await call("plan_publications", items=[{"key": "tail", **asked}], channels=["one"])
        while job["state"] in ("queued", "running"):
            job = await call("get_job", job_id=job["id"], wait_seconds=5, after_seq=job["seq"])
        assert [each["slot"]["start"] for each in job["result"]["placements"]] == [end]
        [kept] = (await call("hold_plan", job_id=job["id"]))["held"]
        asked["details"]["follows"] = "hold_NONE"
        refused = await call("propose_slots", **asked)
        assert (refused["code"], "hold_NONE" in refused["message"]) == ("NOT_FOUND", True)
        page = await call("get_schedule", publications=[kept["publication"]])
    assert page["items"][0]["details"]["follows"] == head["publication"]["id"]
