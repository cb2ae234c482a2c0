"""Timelines and captions of other programs through a real client."""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.server import build
from holdback_servers.editing.store import METADATA, TABLES
from holdback_servers.media_store import MediaStore
from holdback_servers.services import open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import sign_cut
from mcp.client import Client

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ASSETS, EDITING = KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"mcp:assets": [ASSETS.public_jwk], "mcp:editing": [EDITING.public_jwk]})
FILM = "sha256:" + "a" * 64
LIST = """TITLE: From elsewhere
FCM: NON-DROP FRAME

001  INTERVIE AA/V  C        00:00:01:00 00:00:03:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: INTERVIEW
002  INTERVIE AA/V  C        00:00:10:00 00:00:10:00 01:00:02:00 01:00:02:00
002  INTERVIE AA/V  D    012 00:00:20:00 00:00:22:00 01:00:02:00 01:00:04:00
"""


@asynccontextmanager
async def _room(home: Path) -> AsyncGenerator[Client]:
    services = open_services(
        Database(home / "db" / "editing.sqlite", METADATA),
        TABLES,
        settings=Settings(home=home),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=EDITING,
        ring=RING,
        audit=AuditLog(home / "audit", EDITING, lambda: NOW),
    )
    door = build(services, local=local_caller("person:sam", True, "mcp:editing"))
    async with door.serving(), Client(door.mcp) as client:
        yield client
    services.audit.close()
    services.database.close()


def _word() -> str:
    whole = Element(id="f", kind="programme", ref="film:x", name="x", spans=(Span(in_frame=0, out_frame=2000),))
    made = ElementList(rate=Rate(num=25), frames=2000, elements=(whole,))
    facts = CutFacts(media=FILM, element_list=made, width=640, height=360, title="Interview")
    return sign_cut(ASSETS, "mcp:assets", facts, NOW)


async def _ask(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    assert answer.structured_content is not None
    return answer.structured_content


@pytest.mark.asyncio
async def test_a_list_is_looked_at_then_kept_then_leaves_again(tmp_path: Path) -> None:
    asked = {"content": LIST, "format": "edl", "sources": [_word()]}
    async with _room(tmp_path / "home") as client:
        seen = await _ask(client, "import_timeline", {**asked, "preview": True})
        missing = await _ask(client, "get_timeline", {"timeline_id": seen["cut"]["id"]})
        kept = await _ask(client, "import_timeline", asked)
        there = await _ask(client, "get_timeline", {"timeline_id": kept["cut"]["id"]})
        again = await _ask(client, "export_timeline", {"timeline_id": kept["cut"]["id"], "format": "edl"})
    assert seen["kept"] is False
    assert missing["code"] == "NOT_FOUND"
    assert kept["kept"] is True
    assert FILM in kept["names"].values()
    assert [(each["in_frame"], each["out_frame"]) for each in there["clips"]] == [(25, 75), (500, 550)]
    assert "01:00:02:00 01:00:04:00" in again["content"]
    assert again["losses"] == []


@pytest.mark.asyncio
async def test_captions_come_in_and_leave(tmp_path: Path) -> None:
    words = "WEBVTT\n\n00:01.000 --> 00:02.000 align:start\n<i>Hello</i> there\n"
    async with _room(tmp_path / "home") as client:
        kept = await _ask(client, "import_timeline", {"content": LIST, "format": "edl", "sources": [_word()]})
        asked = {"timeline_id": kept["cut"]["id"], "content": words, "format": "vtt", "language": "en"}
        made = await _ask(client, "import_captions", asked)
        out = await _ask(client, "export_timeline", {"timeline_id": made["id"], "format": "srt"})
        none = await _ask(client, "export_timeline", {"timeline_id": kept["cut"]["id"], "format": "srt"})
    assert out["content"] == "1\n00:00:01,000 --> 00:00:02,000\nHello there\n"
    assert out["filename"] == "from-elsewhere-r2.en.srt"
    assert none["code"] == "NOT_FOUND"


@pytest.mark.processes
@pytest.mark.asyncio
async def test_an_aaf_leaves_as_base64_and_comes_back_from_content_and_from_the_media_store(tmp_path: Path) -> None:
    listed = {"content": LIST, "format": "edl", "sources": [_word()]}
    async with _room(tmp_path / "home") as client:
        first = await _ask(client, "import_timeline", listed)
        made = await _ask(client, "export_timeline", {"timeline_id": first["cut"]["id"], "format": "aaf"})
        whole = base64.b64decode(made["content"])
        stored = MediaStore(tmp_path / "home" / "media").put(whole)
        asked = {"format": "aaf", "sources": [_word()]}
        lines = base64.encodebytes(whole).decode()
        back = await _ask(client, "import_timeline", {**asked, "content": lines})
        again = await _ask(client, "import_timeline", {**asked, "file": stored})
        there = await _ask(client, "get_timeline", {"timeline_id": back["cut"]["id"]})
        text = await _ask(client, "import_timeline", {**asked, "content": LIST})
        other = await _ask(client, "import_timeline", {**asked, "content": base64.b64encode(b"RIFF" * 999).decode()})
        neither = await _ask(client, "import_timeline", asked)
    assert made["base64"] is True
    assert made["filename"] == "from-elsewhere-r1.aaf"
    assert stored == made["sha256"]
    assert [(each["in_frame"], each["out_frame"]) for each in there["clips"]] == [(25, 75), (500, 550)]
    assert again["cut"]["frames"] == back["cut"]["frames"] == 100
    assert "no base64" in text["message"]
    assert "it is no AAF" in other["message"]
    assert [each["code"] for each in (text, other, neither)] == ["INVALID_ARGUMENT"] * 3


@pytest.mark.asyncio
async def test_a_list_in_the_media_store_is_read_by_its_hash(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as client:
        stored = [MediaStore(tmp_path / "home" / "media").put(each) for each in (LIST.encode(), LIST.encode("utf-16"))]
        asked = {"format": "edl", "sources": [_word()], "preview": True}
        seen, odd = [await _ask(client, "import_timeline", {**asked, "file": each}) for each in stored]
        gone = await _ask(client, "import_timeline", {**asked, "file": FILM})
        both = await _ask(client, "import_timeline", {**asked, "file": stored[0], "content": LIST})
    assert seen["cut"]["frames"] == 100
    assert [each["code"] for each in (odd, gone, both)] == ["INVALID_ARGUMENT", "MEDIA_OFFLINE", "INVALID_ARGUMENT"]
    assert "no UTF-8 text" in odd["message"]
