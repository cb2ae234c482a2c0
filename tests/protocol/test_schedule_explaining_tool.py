"""explain_slot through a real client: about a publication, another start for it, and what is on no books yet."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
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

KEYS = KeyPair.generate()
NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)
MEDIA = "sha256:" + "2" * 64
CLEARED = [
    {
        "territories": ["GB"],
        "platforms": ["social"],
        "windows": [{"start": "2026-11-24T19:00:00Z", "end": "2026-12-24T00:00:00Z"}],
    }
]
CHANNEL = {
    "name": "tube",
    "title": "Tube",
    "kind": "social",
    "platform": "social.youtube",
    "territories": ["WORLD"],
    "time_zone": "Europe/London",
    "min_gap_minutes": 60,
    "reach": {"source": "invented", "hours": {"all": [10] * 18 + [60, 80, 100, 90, 60, 30]}},
}


class NoRuns:
    """No right here has a run limit."""

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        """Nothing is reserved."""

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        """Nothing is kept."""

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        """Nothing is used."""


async def _valid(clearance: str) -> str:
    return "valid"


@asynccontextmanager
async def _house(home: Path) -> AsyncGenerator[Client]:
    services = open_services(
        Database(home / "schedule.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=KEYS,
        ring=KeyRing({"mcp:rights": [KEYS.public_jwk]}),
        audit=AuditLog(home / "audit", KEYS, lambda: NOW),
    )
    door = server.build(
        services,
        Outside(_valid, NoRuns(), approval_status=_valid),
        local=local_caller("person:sam", True, "mcp:schedule"),
    )
    try:
        async with Client(door.mcp) as client:
            await _call(client, "record_channel", channel=CHANNEL)
            yield client
    finally:
        services.audit.close()
        services.database.close()


async def _call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    return {"failed": bool(result.is_error)} | result.structured_content


async def _held(client: Client, start: str = "2026-11-24T20:00:00Z") -> str:
    piece = {"territories": ["GB"], "start": start, "end": "2026-12-24T00:00:00Z"}
    reasons = ["the best hour of the evening"]
    answer = await _call(
        client, "hold_slot", channel="tube", title="Butterfly", media=MEDIA, availability=[piece], reasons=reasons
    )
    assert not answer["failed"], answer
    return answer["publication"]["id"]


@pytest.mark.asyncio
async def test_a_publication_is_explained_as_it_stands_and_is_not_in_its_own_way(tmp_path: Path) -> None:
    async with _house(tmp_path) as client:
        held = await _held(client)
        told = await _call(client, "explain_slot", publication=held)
    assert (told["free"], told["publication"], told["start"]) == (True, held, "2026-11-24T20:00:00Z")
    assert told["said_then"] == ["the best hour of the evening"]
    assert len(told["rules"]) == 11


@pytest.mark.asyncio
async def test_another_start_for_it_is_explained_with_what_stands_in_the_way(tmp_path: Path) -> None:
    async with _house(tmp_path) as client:
        held = await _held(client)
        other = await _held(client, "2026-11-25T20:00:00Z")
        told = await _call(client, "explain_slot", publication=held, start="2026-11-25T20:30:00Z", cleared=CLEARED)
    assert told["free"] is False
    assert [each["rule"] for each in told["rules"] if not each["kept"]] == ["MIN_GAP"]
    assert [each["publication"] for each in told["in_the_way"]] == [other]
    assert told["nearest"]["start"] == "2026-11-25T21:00:00Z"
    assert told["said_then"] == []


@pytest.mark.asyncio
async def test_what_is_on_no_books_is_explained_from_its_description(tmp_path: Path) -> None:
    described = {"title": "New", "territories": ["GB"], "cleared": CLEARED, "duration_seconds": 15}
    async with _house(tmp_path) as client:
        told = await _call(client, "explain_slot", channel="tube", start="2026-11-24T18:59:59Z", **described)
        past = await _call(client, "explain_slot", channel="tube", start="2020-02-29T20:00:00Z", **described)
    broken = [each for each in told["rules"] if not each["kept"]]
    assert [each["text"] for each in broken] == ["GB opens only Tue 24 Nov 2026 19:00 GMT"]
    assert told["nearest"]["start"] == "2026-11-24T19:00:00Z"
    assert "IN_THE_PAST" in {each["rule"] for each in past["rules"] if not each["kept"]}


@pytest.mark.asyncio
async def test_what_is_missing_or_unknown_is_named(tmp_path: Path) -> None:
    async with _house(tmp_path) as client:
        nothing = await _call(client, "explain_slot")
        no_title = await _call(client, "explain_slot", channel="tube", start="2026-11-24T20:00:00Z")
        strange = await _call(client, "explain_slot", publication="pub_NONE")
        described = {"title": "New", "territories": ["GB"], "cleared": CLEARED, "duration_seconds": 15}
        where = await _call(client, "explain_slot", channel="tub", start="2026-11-24T20:00:00Z", **described)
    assert (nothing["code"], nothing["message"]) == ("INVALID_ARGUMENT", "explain_slot: channel is missing.")
    assert no_title["message"] == "explain_slot: title is missing."
    assert strange["code"] == "NOT_FOUND"
    assert (where["code"], where["hint"]) == ("CHANNEL_UNKNOWN", "Did you mean tube?")


@pytest.mark.asyncio
async def test_a_slot_that_displaces_something_is_offered_and_refused_until_that_has_been_moved(tmp_path: Path) -> None:
    piece = {"territories": ["GB"], "start": "2026-11-24T20:00:00Z", "end": "2026-12-24T00:00:00Z"}
    asked = {"title": "Big", "media": MEDIA, "territories": ["GB"], "cleared": CLEARED, "duration_seconds": 15}
    hour = {"earliest": "2026-11-24T20:00:00Z", "latest": "2026-11-24T20:15:00Z"}
    async with _house(tmp_path) as client:
        held = await _held(client)
        proposal = await _call(client, "propose_slots", **asked, **hour, details={"priority": 90})
        refused = await _call(client, "hold_slot", channel="tube", title="Big", media=MEDIA, availability=[piece])
        equal = await _call(client, "propose_slots", **asked, **hour)
    (slot,) = proposal["channels"][0]["slots"]
    assert [each["publication"] for each in slot["displaces"]] == [held]
    assert refused["code"] == "SLOT_TAKEN"
    assert equal["channels"][0]["slots"] == []


@pytest.mark.asyncio
async def test_what_really_was_seen_refines_the_reach_that_proposals_and_explanations_go_by(tmp_path: Path) -> None:
    asked = {"title": "Big", "media": MEDIA, "territories": ["GB"], "cleared": CLEARED, "duration_seconds": 15}
    hours = [datetime(2026, 11, 17, hour, tzinfo=UTC) for hour in range(17, 23)]
    aired = [
        AiredItem(
            id=f"air_{week}{at.hour}",
            title="Anything",
            start=at - timedelta(weeks=week),
            end=at - timedelta(weeks=week, minutes=-30),
            audience=9000 if at.hour == 18 else 3000,
            place=f"row {n}",
            source="as-run.csv",
        )
        for week in range(8)
        for n, at in enumerate(hours)
    ]
    async with _house(tmp_path) as client:
        before = await _call(client, "propose_slots", **asked, latest="2026-11-25T00:00:00Z")
        database = Database(tmp_path / "schedule.sqlite", store.METADATA)
        database.submit(lambda c: asruns.keep(c, "tube", aired)).result()
        database.close()
        after = await _call(client, "propose_slots", **asked, latest="2026-11-25T00:00:00Z", count=1)
        (slot,) = after["channels"][0]["slots"]
        described = {name: each for name, each in asked.items() if name != "media"}
        told = await _call(client, "explain_slot", channel="tube", start=slot["start"], **described)
    assert before["channels"][0]["slots"][0]["start"] == "2026-11-24T20:00:00Z"
    assert "refined by 48 audiences from 2026-09-29 to 2026-11-17" in slot["reasons"][0]
    assert "8 audiences in this hour, likely" in slot["reasons"][0]
    assert told["parts"][0]["text"].endswith(slot["reasons"][0])
