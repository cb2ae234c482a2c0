"""The cutting room's tools that make and look at timelines, through a real client; nothing is rendered."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from holdback_base.database import Database
from holdback_base.elements import CutFacts, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate
from holdback_servers.editing.server import build
from holdback_servers.editing.store import METADATA, TABLES
from holdback_servers.services import open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import sign_cut
from mcp.client import Client

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ASSETS, EDITING = KeyPair.generate(), KeyPair.generate()
FILM = "sha256:" + "a" * 64
SOURCE = sign_cut(
    ASSETS,
    "mcp:assets",
    CutFacts(media=FILM, element_list=ElementList(rate=Rate(num=24), frames=500, elements=()), width=640, height=360),
    NOW,
)


@asynccontextmanager
async def _room(home: Path) -> AsyncGenerator[Client]:
    services = open_services(
        Database(home / "db" / "editing.sqlite", METADATA),
        TABLES,
        settings=Settings(home=home),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=EDITING,
        ring=KeyRing({"mcp:assets": [ASSETS.public_jwk]}),
        audit=AuditLog(home / "audit", EDITING, lambda: NOW),
    )
    door = build(services, local=local_caller("person:sam", True, "mcp:editing"))
    async with door.serving(), Client(door.mcp) as client:
        yield client
    services.audit.close()
    services.database.close()


async def _ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.structured_content
    return cast(dict[str, Any], answer.structured_content)


async def _cut(client: Client, title: str, **more: Any) -> dict[str, Any]:
    clips = [{"media": FILM, "in_frame": start, "out_frame": start + 48} for start in (100, 300)]
    return await _ask(client, "create_timeline", title=title, sources=[SOURCE], clips=clips, **more)


@pytest.mark.asyncio
async def test_timelines_are_listed_newest_first_and_one_family_with_its_history(tmp_path: Path) -> None:
    async with _room(tmp_path) as client:
        first = await _cut(client, "Rabbit, 30 s", ai_config="urn:holdback:brain:rules:1")
        second = await _cut(client, "100% Fox")
        trim = [{"op": "trim_clip", "clip": "c1", "out_frame": 140}]
        newer = await _ask(
            client, "revise_timeline", timeline_id=first["id"], operations=trim, reason="tighter", ai_config="urn:x-y:z"
        )
        every = await _ask(client, "list_timelines")
        page = await _ask(client, "list_timelines", limit=1)
        rest = await _ask(client, "list_timelines", limit=1, cursor=page["next_cursor"])
        named = await _ask(client, "list_timelines", title="0% f")
        family = await _ask(client, "list_timelines", family_of=newer["id"])
    assert [each["id"] for each in every["items"]] == [newer["id"], second["id"]]
    assert [each["id"] for each in (*page["items"], *rest["items"])] == [newer["id"], second["id"]]
    assert rest.get("next_cursor") is None
    assert [each["id"] for each in named["items"]] == [second["id"]]
    assert [(each["revision"], each.get("reason")) for each in family["items"]] == [(2, "tighter"), (1, None)]
    assert family["items"][0]["changes"] == newer["changes"]
    assert family["items"][0]["ai_configs"] == ["urn:holdback:brain:rules:1", "urn:x-y:z"]


@pytest.mark.asyncio
async def test_a_timeline_is_answered_with_all_that_stands_in_it(tmp_path: Path) -> None:
    over = {"media": FILM, "in_frame": 0, "out_frame": 1, "freeze": 24}
    orders: list[dict[str, Any]] = [
        {"op": "set_speed", "clip": "c1", "speed": 200},
        {"op": "add_transition", "clip": "c2", "before": 6, "after": 6},
        {"op": "add_layer_clip", "new": over, "at_frame": 4, "box": {"x": 0, "y": 0, "width": 200, "height": 200}},
        {"op": "set_end_card", "lines": ["The end"], "frames": 24},
        {
            "op": "set_captions",
            "language": "en",
            "lines": [{"text": "Hello", "span": {"in_frame": 300, "out_frame": 340}, "media": FILM}],
        },
    ]
    async with _room(tmp_path) as client:
        made = await _cut(client, "All", start="10:00:00:00")
        new = await _ask(client, "revise_timeline", timeline_id=made["id"], operations=orders)
        seen = await _ask(client, "get_timeline", timeline_id=new["id"])
        text = (await client.call_tool("get_timeline", {"timeline_id": new["id"]})).content[0]
        change = await _ask(client, "diff_timelines", before=made["id"], after=new["id"])
    assert (seen["frames"], seen["start"], seen["clips"][0]["speed"]) == (24 + 48 + 24, "10:00:00:00", 200)
    assert seen["transitions"][0]["record"] == {"in_frame": 18, "out_frame": 30}
    assert (seen["layers"][0]["layer"], seen["layers"][0]["record_out"]) == ("V2", 28)
    assert seen["end_card"]["span"] == {"in_frame": 72, "out_frame": 96}
    assert seen["captions"][0]["shown"] == [{"span": {"in_frame": 24, "out_frame": 64}, "text": "Hello"}]
    assert "dissolve into c2 18-30" in cast(Any, text).text
    assert change["changes"] == seen["changes"]
    assert len(change["changes"]) == 5


@pytest.mark.asyncio
async def test_a_transition_without_handles_is_refused_with_the_cure(tmp_path: Path) -> None:
    async with _room(tmp_path) as client:
        made = await _cut(client, "Short")
        orders = [{"op": "trim_clip", "clip": "c2", "in_frame": 2}, {"op": "add_transition", "clip": "c2", "before": 9}]
        answer = await client.call_tool("revise_timeline", {"timeline_id": made["id"], "operations": orders})
        listed = await _ask(client, "list_timelines", family_of=made["id"])
    assert answer.is_error
    refused = cast(dict[str, Any], answer.structured_content)
    assert refused["code"] == "TIMELINE_INVALID"
    assert "2 are there" in refused["message"]
    assert "remove_overlay" in refused["hint"]
    assert len(listed["items"]) == 1
