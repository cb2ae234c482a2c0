"""The library through a real client: ingest, find, look, register, describe, and all that is refused."""

import base64
import io
import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.database import Database
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets import server, tables
from holdback_servers.services import Services, open_services
from holdback_servers.serving import IDEMPOTENCY_META
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import agent_scopes, local_caller, person_scopes
from holdback_trust.statements import read_cut, sign_cut
from holdback_trust.task_policy import mint, policy_sha256
from mcp.client import Client
from PIL import Image

OWN, EDITING, STRANGER = (KeyPair.generate() for _ in range(3))
RING = KeyRing({"mcp:assets": [OWN.public_jwk], "mcp:editing": [EDITING.public_jwk]})
NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
FILM = Path(__file__).parents[2] / "examples" / "media" / "big-buck-bunny-60s.mp4"
LOG = [
    {"in_timecode": "10:00:00:00", "out_timecode": "10:00:00:24", "description": "A red field", "tags": ["red"]},
    {
        "in_timecode": "10:00:00:24",
        "out_timecode": "10:00:01:23",
        "description": "A green meadow with a butterfly",
        "tags": ["butterfly", "meadow"],
        "fields": {"focus_x": 420},
    },
    {"in_frame": 30, "out_frame": 40, "description": "It settles on a flower", "kind": "marker"},
]


@dataclass
class Library:
    """A client of the library, and what stands behind it."""

    client: Client
    services: Services
    root: Path

    async def call(self, tool: str, *, key: str | None = None, **arguments: Any) -> dict[str, Any]:
        """A tool's answer, or its problem under `problem`."""
        meta: Any = None if key is None else {IDEMPOTENCY_META: key}
        result = await self.client.call_tool(tool, arguments, meta=meta)
        answer = result.structured_content or {}
        return {"problem": answer} if result.is_error else answer

    async def ingest(self, path: str | Path, **arguments: Any) -> dict[str, Any]:
        """The ended job of an ingest, or the problem of the call."""
        job = await self.call("ingest_media", path=str(path), **arguments)
        while job.get("state") in ("queued", "running"):
            job = await self.call("get_job", job_id=job["id"], wait_seconds=20, after_seq=job["seq"])
        return job

    async def take_in(self, path: Path, **arguments: Any) -> dict[str, Any]:
        """The result of an ingest that succeeds."""
        job = await self.ingest(path, **arguments)
        assert job["state"] == "succeeded", job
        return job["result"]

    def files(self) -> list[str]:
        """What lies in the media store."""
        return sorted(path.name for path in self.services.media.root.rglob("*") if path.is_file())


@asynccontextmanager
async def _library(
    home: Path, *, allow_write: bool = True, caller: Caller | None = None, **settings: Any
) -> AsyncGenerator[Library]:
    root = home / "library"
    root.mkdir(exist_ok=True)
    audit = AuditLog(home / "audit", OWN, lambda: NOW)
    services = open_services(
        Database(home / "db" / "assets.sqlite", tables.METADATA),
        tables.TABLES,
        settings=Settings(home=home, library_roots=(root,), **settings),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=OWN,
        ring=RING,
        audit=audit,
    )
    door = server.build(services, local=caller or local_caller("person:sam", allow_write, "mcp:assets"))
    try:
        async with door.serving(), Client(door.mcp) as client:
            yield Library(client, services, root)
    finally:
        audit.close()
        services.database.close()


def _clip(path: Path, *, seed: int = 7, frames: int = 48) -> Path:
    """Moving noise at 25 frames a second from 10:00:00:00, red for 24 frames, then green, with a tone."""
    chance = np.random.default_rng(seed)
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 160, 90, "yuv420p"
        picture.metadata["timecode"] = "10:00:00:00"
        sound = out.add_stream("aac", rate=48000)
        for number in range(frames):
            image = chance.integers(0, 20, (90, 160, 3), dtype=np.uint8)
            image[:, :, (number // 24) % 3] += 180
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(picture.encode())
        wave = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(1920 * frames) / 48000)
        tone = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None, :], format="fltp", layout="mono")
        tone.sample_rate = 48000
        out.mux(sound.encode(tone))
        out.mux(sound.encode())
    return path


def _signed_cut(media: str, frames: int, *, keys: KeyPair = EDITING, issuer: str = "mcp:editing") -> str:
    element = Element(
        id="film", kind="programme", ref="film:meadow", name="Meadow", spans=(Span(in_frame=0, out_frame=frames),)
    )
    listed = ElementList(rate=Rate(num=25), frames=frames, elements=(element,))
    return sign_cut(keys, issuer, CutFacts(media=media, element_list=listed, width=160, height=90, title="Cut"), NOW)


@pytest.mark.asyncio
async def test_every_tool_has_a_title_a_description_a_schema_and_honest_hints(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        tools = {tool.name: tool for tool in (await library.client.list_tools()).tools}
        templates = await library.client.list_resource_templates()
    assert all(tool.title and tool.description and tool.output_schema for tool in tools.values())
    writing = {name for name, tool in tools.items() if tool.annotations and not tool.annotations.read_only_hint}
    assert {"ingest_media", "register_version", "update_metadata", "remove_asset", "cancel_job"} <= writing
    assert not writing & {"search_assets", "get_asset", "list_segments", "get_history", "get_job"}
    assert {each.uri_template for each in templates.resource_templates} == {
        "asset://{asset_id}",
        "keyframe://{segment_id}",
        "media://{digest}",
    }


@pytest.mark.asyncio
async def test_a_clip_is_taken_in_found_by_its_log_and_looked_at(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        clip = _clip(library.root / "meadow.mov")
        result = await library.take_in(clip, title="The meadow", ref="film:meadow", segments=LOG, tags=["summer"])
        assert (result["frames"], result["rate"], result["start_timecode"]) == (48, "25", "10:00:00:00")
        assert (result["shots"], result["segments"], result["already"]) == (2, 3, False)
        found = await library.call("search_assets", query="Butterfly MEADOW")
        hit = found["items"][0]
        assert (found["total"], hit["asset_id"], hit["media"]) == (1, result["asset_id"], result["media"])
        best = hit["segments"][0]
        assert (best["in_frame"], best["out_frame"], best["in_timecode"]) == (24, 48, "10:00:00:24")
        assert best["fields"] == {"focus_x": 420}
        assert {"field": "text", "snippet": "A green [meadow] with a [butterfly]"} in best["why"]
        read = await library.client.read_resource(best["keyframe"])
        content = read.contents[0]
        assert content.mime_type == "image/jpeg"
        with Image.open(io.BytesIO(base64.b64decode(content.blob))) as image:  # pyright: ignore
            assert image.size == (160, 90)
            assert image.resize((1, 1)).getpixel((0, 0))[1] > 150  # pyright: ignore - green


@pytest.mark.asyncio
@pytest.mark.processes
async def test_the_film_is_taken_in_with_its_fourteen_shots_and_its_progress_told(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        shutil.copy(FILM, library.root / "film.mp4")
        job = await library.call("ingest_media", path="film.mp4", title="Big Buck Bunny")
        notes: set[str] = set()
        while job["state"] in ("queued", "running"):
            job = await library.call("get_job", job_id=job["id"], wait_seconds=20, after_seq=job["seq"])
            notes.add(job["note"])
        assert job["result"]["shots"] == 14
        assert job["result"]["media"] == "sha256:" + _sha256(FILM)
        assert "looking at frames" in notes
        shots = await library.call("list_segments", asset_id=job["result"]["asset_id"], kind="shot", limit=5)
        assert (len(shots["items"]), shots["total"]) == (5, 14)
        rest = await library.call(
            "list_segments", version_id=shots["version_id"], kind="shot", cursor=shots["next_cursor"]
        )
        assert [shots["items"][-1]["out_frame"], rest["items"][-1]["out_frame"]] == [rest["items"][0]["in_frame"], 1440]
        assert "next_cursor" not in rest


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.asyncio
async def test_the_same_bytes_are_taken_in_once(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        clip = _clip(library.root / "meadow.mov")
        first = await library.take_in(clip, title="The meadow", ref="film:meadow")
        shutil.copy(clip, library.root / "copy.mov")
        again = await library.take_in(library.root / "copy.mov", title="Another title")
        assert (again["already"], again["asset_id"], again["title"]) == (True, first["asset_id"], "The meadow")
        same = [{"kind": "programme", "ref": "film:meadow", "name": "The meadow"}]
        assert (await library.take_in(clip, elements=same))["already"]
        other = await library.ingest(clip, elements=[{"kind": "still", "ref": "still:x", "name": "X"}])
        assert other["problem"]["code"] == "CONFLICT"
        assert (await library.call("describe_library"))["assets"] == 1


@pytest.mark.asyncio
async def test_a_repeated_key_gives_the_same_job(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        _clip(library.root / "meadow.mov")
        one = await library.call("ingest_media", key="task/1", path="meadow.mov")
        two = await library.call("ingest_media", key="task/1", path="meadow.mov")
        assert one["id"] == two["id"]


@pytest.mark.asyncio
async def test_a_bad_path_is_refused_at_once(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        outside = _clip(tmp_path / "outside.mov")
        (library.root / "link.mov").symlink_to(outside)
        (library.root / "folder").mkdir()
        (library.root / "empty.mov").touch()
        for path, code in (
            (outside, "PATH_OUTSIDE_LIBRARY"),
            ("../outside.mov", "PATH_OUTSIDE_LIBRARY"),
            ("link.mov", "PATH_OUTSIDE_LIBRARY"),
            ("/etc/passwd", "PATH_OUTSIDE_LIBRARY"),
            ("nothing.mov", "FILE_MISSING"),
            ("folder", "NOT_MEDIA"),
            ("empty.mov", "NOT_MEDIA"),
            ("nul\0.mov", "INVALID_ARGUMENT"),
            ("", "INVALID_ARGUMENT"),
        ):
            answer = await library.call("ingest_media", path=str(path))
            assert answer["problem"]["code"] == code, path
        assert library.files() == []


@pytest.mark.asyncio
async def test_a_file_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        whole = _clip(library.root / "whole.mov").read_bytes()
        (library.root / "part.mov").write_bytes(whole[: len(whole) // 2])
        (library.root / "notes.mov").write_text("not media at all\n" * 100)
        (library.root / "list.mp4").write_text(f"ffconcat version 1.0\nfile {library.root / 'whole.mov'}\n")
        beyond = {"spans": [{"in_frame": 0, "out_frame": 49}], "kind": "logo", "ref": "logo:x", "name": "X"}
        for path, code, arguments in (
            ("part.mov", "MEDIA_DAMAGED", {}),
            ("notes.mov", "NOT_MEDIA", {}),
            ("list.mp4", "NOT_MEDIA", {}),
            ("whole.mov", "SPAN_OUTSIDE_MEDIA", {"elements": [beyond]}),
            ("whole.mov", "TIMECODE_INVALID", {"segments": [{"in_timecode": "10:00:00:25", "out_frame": 40}]}),
        ):
            job = await library.ingest(path, **arguments)
            assert (job["state"], job["problem"]["code"]) == ("failed", code)
        assert library.files() == []
        assert list((library.services.media.root / "incoming").iterdir()) == []
        assert (await library.call("describe_library"))["assets"] == 0


@pytest.mark.asyncio
async def test_a_cancelled_ingest_leaves_nothing_behind(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        shutil.copy(FILM, library.root / "film.mp4")
        job = await library.call("ingest_media", path="film.mp4")
        while job["unit"] != "frames":
            job = await library.call("get_job", job_id=job["id"], wait_seconds=20, after_seq=job["seq"])
        ended = await library.call("cancel_job", job_id=job["id"])
        assert (ended["state"], ended["problem"]["code"]) == ("cancelled", "CANCELLED")
        assert library.files() == []
        assert (await library.call("search_assets"))["total"] == 0


@pytest.mark.asyncio
@pytest.mark.processes
async def test_search_finds_by_every_filter_and_pages(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        ids = [
            (await library.take_in(_clip(library.root / f"clip{n}.mov", seed=n), title=f"Meadow {n}", tags=["summer"]))[
                "asset_id"
            ]
            for n in range(3)
        ]
        await library.call("update_metadata", target=ids[0], values=[{"field": "status", "value": "taken_down"}])
        for arguments, expected in (
            ({"query": "meadow"}, ids[1:]),
            ({"query": "meadow", "statuses": ["taken_down"]}, ids[:1]),
            ({"query": '"Meadow 2"'}, ids[2:]),
            ({"query": "méadow 1"}, ids[1:2]),
            ({"tags": ["Summer"]}, ids[1:]),
            ({"tags": ["winter"]}, []),
            ({"rate": "25", "max_seconds": 2}, ids[1:]),
            ({"rate": "24"}, []),
            ({"min_seconds": 2}, []),
            ({"kinds": ["music"]}, []),
            ({"query": '" OR true; DROP TABLE assets --'}, []),
            ({"query": "title:x NEAR(a b) *"}, []),
        ):
            found = await library.call("search_assets", **arguments)
            assert sorted(hit["asset_id"] for hit in found["items"]) == sorted(expected), arguments
        page = await library.call("search_assets", query="meadow", limit=1)
        rest = await library.call("search_assets", query="meadow", limit=1, cursor=page["next_cursor"])
        assert {page["items"][0]["asset_id"], rest["items"][0]["asset_id"]} == set(ids[1:])
        assert "next_cursor" not in rest
        wrong = await library.call("search_assets", query="other", cursor=page["next_cursor"])
        assert wrong["problem"]["code"] == "INVALID_ARGUMENT"
        partial = await library.call("search_assets", query="meadow elephant")
        assert partial["items"][0]["missing_words"] == ["elephant"]
        assert "No asset holds all the words" in partial["note"]


@pytest.mark.asyncio
@pytest.mark.processes
async def test_values_keep_their_provenance_and_history(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        asset_id = (await library.take_in(_clip(library.root / "meadow.mov"), title="Meadow"))["asset_id"]

        async def record(**value: Any) -> dict[str, Any]:
            return await library.call("update_metadata", target=asset_id, values=[{"field": "genre", **value}])

        guess = {"method": "auto", "confidence": 620, "ai_config": "urn:holdback:brain:rules:1"}
        first = (await record(value="nature", **guess))["values"][0]
        second = (await record(value="animation", replaces=first["id"]))["values"][0]
        assert (second["supersedes"], second["by"], second["method"]) == (first["id"], "person:sam", "manual")
        assert (await record(value="nature", **guess))["problem"]["code"] == "CONFLICT"
        assert (await record(value="film", replaces=first["id"]))["problem"]["details"]["current"] == second["id"]
        assert (await record(value="x", method="auto"))["problem"]["code"] == "INVALID_ARGUMENT"
        asset = await library.call("get_asset", asset_id=asset_id)
        assert [each["value"] for each in asset["fields"] if each["field"] == "genre"] == ["animation"]
        asset = await library.call("get_asset", asset_id=asset_id, include_history=True)
        assert [each["value"] for each in asset["fields"] if each["field"] == "genre"] == ["animation", "nature"]
        why = (await library.call("search_assets", query="animation"))["items"][0]["why"]
        assert why == [{"field": "genre", "snippet": "[animation]"}]
        assert (await library.call("search_assets", query="nature"))["total"] == 0
        described = await library.call("describe_library")
        assert {
            "field": "genre",
            "of": "asset",
            "count": 1,
            "values": [{"value": "animation", "count": 1}],
        } in described["fields"]


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_segment_can_be_described_later_and_is_then_found(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        asset_id = (await library.take_in(_clip(library.root / "meadow.mov"), title="Meadow"))["asset_id"]
        shot = (await library.call("list_segments", asset_id=asset_id))["items"][1]
        values = [{"field": "description", "value": "A grasshopper"}, {"field": "tags", "value": ["insect"]}]
        await library.call("update_metadata", target=shot["id"], values=values)
        hit = (await library.call("search_assets", query="grasshopper insect"))["items"][0]
        assert [segment["id"] for segment in hit["segments"]] == [shot["id"]]
        assert hit["why"] == []


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_cut_is_registered_on_its_statement_with_its_lineage(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        source = await library.take_in(_clip(library.root / "meadow.mov"), title="Meadow", ref="film:meadow")
        media = library.services.media.put(_clip(tmp_path / "cut.mov", seed=2, frames=24))
        statement = _signed_cut(media, 24)
        arguments = {"cut_statement": statement, "relation": "derivation", "of_versions": [source["version_id"]]}
        cut = await library.call("register_version", title="Highlight", **arguments)
        assert (cut["media"], cut["frames"], cut["number"], cut["kind"]) == (media, 24, 1, "highlight")
        again = await library.call("register_version", title="Highlight", **arguments)
        assert (again["already"], again["version_id"]) == (True, cut["version_id"])
        media2 = library.services.media.put(_clip(tmp_path / "cut2.mov", seed=3, frames=30))
        second = await library.call(
            "register_version",
            cut_statement=_signed_cut(media2, 30),
            asset_id=cut["asset_id"],
            relation="revision",
            of_versions=[cut["version_id"]],
            reason="music replaced",
        )
        assert (second["asset_id"], second["number"]) == (cut["asset_id"], 2)
        asset = await library.call("get_asset", asset_id=cut["asset_id"], include_statements=True)
        newest, oldest = asset["versions"]
        assert newest["lineage"] == {
            "relation": "revision",
            "of_versions": [cut["version_id"]],
            "reason": "music replaced",
        }
        assert (oldest["elements_from"], oldest["lineage"]["relation"]) == ("mcp:editing", "derivation")
        signed = read_cut(newest["statement"], RING, NOW)
        assert (signed.issuer, signed.media, signed.element_list.frames) == ("mcp:assets", media2, 30)


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_cut_that_is_not_proven_is_refused(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        source = await library.take_in(_clip(library.root / "meadow.mov"), title="Meadow", ref="film:meadow")
        media = library.services.media.put(_clip(tmp_path / "cut.mov", seed=2, frames=24))
        gone = "sha256:" + "0" * 64
        other = [{"kind": "programme", "ref": "film:other", "name": "Other"}]
        lineage = {"relation": "derivation", "of_versions": [source["version_id"]]}
        for arguments, code in (
            ({"cut_statement": _signed_cut(media, 24, keys=STRANGER)}, "STATEMENT_INVALID"),
            ({"cut_statement": _signed_cut(gone, 24)}, "MEDIA_OFFLINE"),
            ({"cut_statement": _signed_cut(media, 30)}, "CONFLICT"),
            ({"cut_statement": _signed_cut(media, 24), "elements": other}, "INVALID_ARGUMENT"),
            ({}, "INVALID_ARGUMENT"),
            ({"media": media}, "INVALID_ARGUMENT"),
            ({"media": media, "elements": other, **lineage}, "CONFLICT"),
            ({"media": media, "elements": other, "relation": "revision"}, "INVALID_ARGUMENT"),
            ({"cut_statement": _signed_cut(media, 24), "asset_id": "ast_unknown"}, "NOT_FOUND"),
            (
                {"cut_statement": _signed_cut(media, 24), "relation": "revision", "of_versions": ["ver_unknown"]},
                "NOT_FOUND",
            ),
        ):
            answer = await library.call("register_version", title="Cut", **arguments)
            assert answer["problem"]["code"] == code, arguments
        assert (await library.call("describe_library"))["assets"] == 1


def _holding(scopes: frozenset[str], **who: Any) -> Caller:
    facts = {"roles": frozenset[str](), "scopes": scopes} | who
    return local_caller("person:sam", True, "mcp:assets").model_copy(update=facts)


def _in_a_task(agent: str, *tools: str) -> Caller:
    until = NOW + timedelta(hours=1)
    claim = TaskClaim(id="t", root="t", skill="make-highlight", tools=frozenset(tools), expires=until)
    task = claim.model_copy(update={"policy": policy_sha256(mint(claim, agent, "person:sam"))})
    return _holding(agent_scopes(agent, "mcp:assets"), agent=agent, chain=(agent,), task=task)


@pytest.mark.parametrize(
    "caller",
    [
        _holding(person_scopes(["editor"], "mcp:assets"), roles=frozenset({"editor"})),
        _in_a_task("agent:editing-assistant", "assets.register_version", "assets.ingest_media"),
    ],
    ids=["editor", "editing-assistant"],
)
@pytest.mark.asyncio
async def test_who_may_not_declare_cannot_say_what_a_cut_is_made_of(tmp_path: Path, caller: Caller) -> None:
    async with _library(tmp_path, caller=caller) as library:
        clip = _clip(library.root / "cut.mov", frames=24)
        media = library.services.media.put(clip)
        library.services.enforcement.shown("t", [media])
        music = [{"kind": "music_master", "ref": "music:morning-field", "name": "Morning Field"}]
        for tool, arguments in (
            ("register_version", {"media": media, "elements": music, "title": "Cut"}),
            ("ingest_media", {"path": "cut.mov", "ref": "music:morning-field"}),
            ("ingest_media", {"path": "cut.mov", "elements": music}),
        ):
            problem = (await library.call(tool, **arguments))["problem"]
            assert (problem["code"], "assets:declare" in problem["message"]) == ("PERMISSION_DENIED", True), tool
            assert problem["hint"]
        proven = await library.call("register_version", cut_statement=_signed_cut(media, 24), title="Cut")
        assert (proven["media"], proven["already"]) == (media, False)


@pytest.mark.parametrize("role", ["librarian", "admin-loader"])
@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_librarian_and_the_loader_declare_what_media_is_made_of(tmp_path: Path, role: str) -> None:
    caller = _holding(person_scopes([role], "mcp:assets"), roles=frozenset({role}))
    async with _library(tmp_path, caller=caller) as library:
        await library.take_in(_clip(library.root / "meadow.mov"), ref="film:meadow")
        media = library.services.media.put(_clip(tmp_path / "cut.mov", seed=2, frames=24))
        film = [{"kind": "programme", "ref": "film:meadow", "name": "Meadow"}]
        assert (await library.call("register_version", media=media, elements=film, title="Cut"))["media"] == media


@pytest.mark.asyncio
async def test_a_render_that_came_without_a_word_of_its_source_is_listed_to_nobody_who_may_not_know_of_that(
    tmp_path: Path,
) -> None:
    knower = local_caller("person:sam", True, "mcp:assets").model_copy(update={"stories": frozenset({"court-ruling"})})
    async with _library(tmp_path, caller=knower) as library:
        media = library.services.media
        names = [media.put(_clip(tmp_path / f"{seed}.mov", seed=seed, frames=24)) for seed in (1, 2, 3)]
        source, before, after = names
        for render in (before, after):
            media.note_made(render, [source])
        known = [
            await library.call("register_version", cut_statement=_signed_cut(each, 24), title=f"The ruling {number}")
            for number, each in enumerate((source, before))
        ]
        words = [{"field": "story", "value": "court-ruling"}, {"field": "tier", "value": 2}]
        told = await library.call("update_metadata", target=known[0]["asset_id"], values=words)
        assert "problem" not in told
        film = [{"kind": "programme", "ref": "film:meadow", "name": "Meadow"}]
        late = await library.call("register_version", media=after, elements=film, title="The ruling, later")
        mine = (await library.call("search_assets", query="ruling"))["items"]
        assets = [await library.call("get_asset", asset_id=each["asset_id"]) for each in (*known, late)]
        stranger = server.build(library.services, local=local_caller("person:kim", True, "mcp:assets"))
        theirs = await stranger.enter("search_assets", {"query": "ruling"}, None)
        counted = await stranger.enter("describe_library", {}, None)
    assert {each["asset_id"] for each in mine} == {each["asset_id"] for each in (*known, late)}
    assert [(each["story"], each["tier"]) for each in assets] == [("court-ruling", 2)] * 3
    assert ((theirs.structured_content or {})["items"], (counted.structured_content or {})["assets"]) == ([], 0)


@pytest.mark.asyncio
async def test_known_bytes_are_never_declared_to_be_something_else(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        clip = _clip(library.root / "meadow.mov", frames=24)
        media = library.services.media.put(clip)
        known = await library.call("register_version", cut_statement=_signed_cut(media, 24), title="Cut")
        music = [{"kind": "music_master", "ref": "music:morning-field", "name": "Morning Field"}]
        declared = await library.call("register_version", media=media, elements=music, title="Tune")
        assert (declared["problem"]["code"], declared["problem"]["details"]["version_id"]) == (
            "CONFLICT",
            known["version_id"],
        )
        for arguments in ({"elements": music}, {"ref": "music:morning-field"}):
            job = await library.ingest(clip, **arguments)
            assert job["problem"]["code"] == "CONFLICT", arguments
        assert (await library.take_in(clip, ref="film:meadow"))["version_id"] == known["version_id"]
        (version,) = (await library.call("get_asset", asset_id=known["asset_id"]))["versions"]
        assert version["elements_from"] == "mcp:editing"


@pytest.mark.asyncio
async def test_what_is_unknown_is_said_with_a_cure(tmp_path: Path) -> None:
    async with _library(tmp_path) as library:
        for tool, arguments in (
            ("get_asset", {"asset_id": "ast_01M81RQCPNEADTZJXBF9ZGVH46"}),
            ("list_segments", {"version_id": "ver_01M81RQCPNEADTZJXBF9ZGVH46"}),
            ("update_metadata", {"target": "seg_01M81RQCPNEADTZJXBF9ZGVH46", "values": [{"field": "a", "value": "b"}]}),
        ):
            problem = (await library.call(tool, **arguments))["problem"]
            assert problem["code"] == "NOT_FOUND"
            assert problem["hint"]


@pytest.mark.asyncio
@pytest.mark.processes
async def test_resources_give_the_asset_and_small_media_and_refuse_large_media(tmp_path: Path) -> None:
    async with _library(tmp_path, inline_limit=60_000) as library:
        small = await library.take_in(_clip(library.root / "small.mov", frames=2), title="Small")
        large = await library.take_in(_clip(library.root / "large.mov", frames=100), title="Large")
        read = await library.client.read_resource(f"asset://{small['asset_id']}")
        asset = json.loads(read.contents[0].text)  # pyright: ignore
        version = asset["versions"][0]
        assert (asset["title"], version["mime_type"]) == ("Small", "video/mp4")
        content = (await library.client.read_resource(version["media_uri"])).contents[0]
        assert base64.b64decode(content.blob) == (library.root / "small.mov").read_bytes()  # pyright: ignore
        for uri, word in (
            (f"media://{large['media'][7:]}", "TOO_LARGE"),
            ("media://" + "0" * 64, "NOT_FOUND"),
            ("keyframe://seg_nothing", "NOT_FOUND"),
            ("asset://ast_nothing", "NOT_FOUND"),
        ):
            with pytest.raises(Exception, match=word):
                await library.client.read_resource(uri)


@pytest.mark.asyncio
async def test_a_reader_may_not_write(tmp_path: Path) -> None:
    async with _library(tmp_path, allow_write=False) as library:
        _clip(library.root / "meadow.mov")
        assert (await library.call("ingest_media", path="meadow.mov"))["problem"]["code"] == "WRITE_NOT_ALLOWED"
        assert (await library.call("search_assets"))["total"] == 0
