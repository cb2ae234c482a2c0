"""The cutting room through a real client: from signed sources to a rendered, measured and signed cut."""

import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from holdback_base.database import Database
from holdback_base.elements import Box, CutFacts, Element, ElementKind, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.server import build
from holdback_servers.editing.store import METADATA, TABLES
from holdback_servers.services import open_services
from holdback_servers.serving import IDEMPOTENCY_META, Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import read_cut, sign_cut
from mcp.client import Client

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ASSETS, EDITING, STRANGER = KeyPair.generate(), KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"mcp:assets": [ASSETS.public_jwk], "mcp:editing": [EDITING.public_jwk]})
RATE = Rate(num=24)
WIDE, HIGH = 160, 90


@asynccontextmanager
async def _room(home: Path) -> AsyncGenerator[tuple[Client, Door]]:
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
        yield client, door
    services.audit.close()
    services.database.close()


def _film(path: Path, frames: int = 48) -> None:
    """Moving noise with the frame's number in its brightness, a sharp pattern in one corner, and a tone."""
    chance = np.random.default_rng(1)
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        out: Any = container
        picture = out.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "10", "threads": "1"})
        picture.width, picture.height, picture.pix_fmt = WIDE, HIGH, "yuv420p"
        sound = out.add_stream("aac", rate=48000, layout="stereo")
        texture = chance.integers(0, 255, (18, 32), dtype=np.uint8)
        for number in range(frames):
            planes = np.full((HIGH * 3 // 2, WIDE), 128, np.uint8)
            planes[:HIGH] = 40 + number * 3
            planes[18:36, 64:96] = texture
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            out.mux(picture.encode(frame))
            out.mux(sound.encode(_tone(440, number * 2000, 2000)))
        out.mux(picture.encode(None))
        out.mux(sound.encode(None))


def _tone(pitch: float, start: int, count: int) -> av.AudioFrame:
    wave = 0.2 * np.sin(2 * np.pi * pitch * (start + np.arange(count)) / 48000)
    frame = av.AudioFrame.from_ndarray(np.tile(wave.astype(np.float32), (2, 1)), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
    return frame


def _music(path: Path, seconds: int = 1) -> None:
    with av.open(str(path), "w", format="wav") as container:
        out: Any = container
        sound = out.add_stream("pcm_s16le", rate=48000, layout="stereo")
        for start in range(0, 48000 * seconds, 4800):
            out.mux(sound.encode(_tone(1760, start, 4800)))
        out.mux(sound.encode(None))


def _element(name: str, kind: ElementKind, start: int, end: int, box: Box | None = None) -> Element:
    return Element(
        id=name, kind=kind, ref=f"{kind}:{name}", name=name, spans=(Span(in_frame=start, out_frame=end),), box=box
    )


LOGO = Box(x=400, y=200, width=200, height=200)


def _statement(door: Door, path: Path, *elements: Element, frames: int, sound_only: bool = False) -> tuple[str, str]:
    media = door.services.media.put(path)
    facts = CutFacts(
        media=media,
        element_list=ElementList(rate=RATE, frames=frames, elements=elements),
        width=None if sound_only else WIDE,
        height=None if sound_only else HIGH,
        title=path.stem,
    )
    return media, sign_cut(ASSETS, "mcp:assets", facts, NOW)


def _sources(door: Door, folder: Path) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    film, cue, bed = folder / "film.mp4", folder / "cue.wav", folder / "bed.wav"
    _film(film)
    _music(cue)
    _music(bed, 2)
    return (
        _statement(door, film, _element("film", "programme", 0, 48), _element("logo", "logo", 10, 40, LOGO), frames=48),
        _statement(door, cue, _element("cue", "music_master", 0, 24), frames=24, sound_only=True),
        _statement(door, bed, _element("bed", "music_master", 0, 48), frames=48, sound_only=True),
    )


async def _ask(client: Client, tool: str, arguments: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    meta: Any = {IDEMPOTENCY_META: key} if key else None
    answer = await client.call_tool(tool, arguments, meta=meta)
    assert not answer.is_error, answer.structured_content
    return cast(dict[str, Any], answer.structured_content)


async def _refused(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return cast(dict[str, Any], answer.structured_content)


async def _result(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    seq = -1
    while job["state"] in ("queued", "running"):
        job = await _ask(client, "get_job", {"job_id": job["id"], "wait_seconds": 20, "after_seq": seq})
        seq = job["seq"]
    assert job["state"] == "succeeded", job.get("problem")
    return job["result"]


def _clip(media: str, start: int, end: int) -> dict[str, Any]:
    return {"media": media, "in_frame": start, "out_frame": end, "reason": "a look"}


def _pictures(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


@pytest.mark.asyncio
async def test_a_cut_is_rendered_from_exact_frames_and_signed_with_what_it_is_made_of(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        (film, film_word), (cue, cue_word), _ = _sources(door, tmp_path)
        made = await _ask(
            client,
            "create_timeline",
            {
                "title": "Two looks",
                "sources": [film_word, cue_word],
                "clips": [_clip(film, 30, 48), _clip(film, 5, 17)],
                "music": [{"media": cue}],
            },
        )
        assert (made["frames"], made["width"], made["height"]) == (30, WIDE, HIGH)
        rendered = await _result(client, await _ask(client, "render_timeline", {"timeline_id": made["id"]}))
        cut = read_cut(rendered["statement"], RING, NOW)
        path = door.services.media.path(rendered["media"])
        pictures = _pictures(path)
    assert cut.issuer == "mcp:editing"
    assert cut.media == rendered["media"] == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    spans = {each.id: [(s.in_frame, s.out_frame) for s in each.spans] for each in cut.element_list.elements}
    assert spans == {"film": [(0, 30)], "logo": [(0, 10), (23, 30)], "cue": [(0, 24)]}
    assert rendered["frames"] == 30
    assert rendered["sound_samples"] == 60000
    brightness = [round((float(each[:10].mean()) - 40 * 1.0) / 3) for each in _gray(pictures)]
    assert brightness == [*range(30, 48), *range(5, 17)]


def _gray(pictures: list[Any]) -> list[Any]:
    """Full-range grey back to video levels."""
    return [each.astype(float) * 219 / 255 + 16 for each in pictures]


@pytest.mark.asyncio
async def test_conditions_are_met_in_a_new_revision_and_the_old_one_stays(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        (film, film_word), (cue, cue_word), (bed, bed_word) = _sources(door, tmp_path)
        first = await _ask(
            client,
            "create_timeline",
            {
                "title": "Look",
                "sources": [film_word, cue_word],
                "clips": [_clip(film, 0, 48)],
                "music": [{"media": cue}],
            },
        )
        second = await _ask(
            client,
            "revise_timeline",
            {
                "timeline_id": first["id"],
                "operations": [
                    {"op": "reframe", "aspect": "9:16", "width": 72, "height": 128},
                    {"op": "blur", "element": "logo"},
                    {"op": "replace_music", "media": bed, "mute_programme": True},
                    {"op": "add_credit", "text": "© A film", "span": {"in_frame": 0, "out_frame": 48}},
                    {"op": "set_loudness", "lufs_tenths": -160},
                ],
                "sources": [bed_word],
                "reason": "conditions of the clearance",
            },
        )
        told = await _ask(client, "diff_timelines", {"before": first["id"], "after": second["id"]})
        again = await _ask(client, "get_timeline", {"timeline_id": first["id"], "with_elements": True})
        rendered = await _result(client, await _ask(client, "render_timeline", {"timeline_id": second["id"]}))
        cut = read_cut(rendered["statement"], RING, NOW)
    assert second["revision"] == 2
    assert second["parent"] == first["id"]
    assert told["changes"] == second["changes"]
    assert any('"cue" is now "bed"' in line for line in told["changes"])
    assert again["elements_sha256"] == first["elements_sha256"] != second["elements_sha256"]
    elements = {each.id: each for each in cut.element_list.elements}
    assert set(elements) == {"film", "logo", "bed"}
    assert elements["logo"].obscured == elements["logo"].spans == (Span(in_frame=10, out_frame=40),)
    assert [(each.kind, each.text) for each in cut.element_list.notices] == [("credit", "© A film")]
    assert (cut.width, cut.height) == (72, 128)
    assert rendered["loudness_on_target"] is True


@pytest.mark.asyncio
@pytest.mark.processes
async def test_the_same_timeline_renders_to_the_same_bytes(tmp_path: Path) -> None:
    names: list[str] = []
    for home in ("one", "two"):
        async with _room(tmp_path / home) as (client, door):
            (film, word), _, _ = _sources(door, tmp_path)
            made = await _ask(
                client, "create_timeline", {"title": "Same", "sources": [word], "clips": [_clip(film, 3, 40)]}
            )
            rendered = await _result(client, await _ask(client, "render_timeline", {"timeline_id": made["id"]}))
            names.append(rendered["unsigned_sha256"])
        for name in ("film.mp4", "cue.wav", "bed.wav"):
            (tmp_path / name).unlink()
    assert names[0] == names[1]


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_delivery_of_the_house_comes_with_its_captions_and_is_refused_where_it_does_not_fit(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    house = '[house]\nextends = "h264"\ntitle = "Ours"\nmost_ms = 1000\nsidecars = ["srt", "vtt"]\n'
    (home / "profiles.toml").write_text(house)
    lines = [{"text": "Hello there", "span": {"in_frame": 2, "out_frame": 20}}]
    async with _room(home) as (client, door):
        (film, word), _, _ = _sources(door, tmp_path)
        wanted = {"title": "Ours", "sources": [word], "clips": [_clip(film, 0, 24)]}
        made = await _ask(client, "create_timeline", wanted)
        captioned = {
            "timeline_id": made["id"],
            "operations": [{"op": "set_captions", "language": "en", "lines": lines}],
        }
        cut = await _ask(client, "revise_timeline", captioned)
        named = [each["name"] for each in (await _ask(client, "list_profiles", {}))["items"]]
        page = await _ask(client, "list_profiles", {"limit": 2})
        rendered = await _result(
            client, await _ask(client, "render_timeline", {"timeline_id": cut["id"], "profile": "house"})
        )
        texts = [door.services.media.path(each["media"]).read_text() for each in rendered["sidecars"]]
        long = await _ask(client, "create_timeline", wanted | {"clips": [_clip(film, 0, 25)]})
        refused = await _refused(client, "render_timeline", {"timeline_id": long["id"], "profile": "house"})
        door.services.media.close(film, "court-ruling")
        closed = [door.services.media.story(each["media"]) for each in (rendered, *rendered["sidecars"])]
    assert closed == ["court-ruling"] * 3, "what is made of a film is closed with it"
    assert named == sorted(named)
    assert {"house", "h264", "youtube_shorts"} <= set(named)
    assert [each["name"] for each in page["items"]] == named[:2]
    assert page["next_cursor"] == named[1]
    assert rendered["media"] != rendered["unsigned_sha256"]
    assert [each["format"] for each in rendered["sidecars"]] == ["srt", "vtt"]
    assert "00:00:00,083 --> 00:00:00,833\nHello there" in texts[0]
    assert texts[1].startswith("WEBVTT")
    assert refused["code"] == "TIMELINE_INVALID"
    assert "at most 1 s" in refused["message"]


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_render_that_is_asked_for_twice_is_made_once(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        (film, word), _, _ = _sources(door, tmp_path)
        wanted = {"title": "Twice", "sources": [word], "clips": [_clip(film, 0, 24)]}
        made = await _ask(client, "create_timeline", wanted)
        jobs = [await _ask(client, "render_timeline", {"timeline_id": made["id"]}) for _ in range(2)]
        one, other = [await _result(client, job) for job in jobs]
    assert one["media"] == other["media"]


@pytest.mark.asyncio
async def test_profiles_of_the_house_that_are_no_text_are_told_with_their_cure(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "profiles.toml").write_text("[house]\n", encoding="utf-16")
    async with _room(home) as (client, _):
        refused = await _refused(client, "list_profiles", {})
    assert refused["code"] == "INVALID_ARGUMENT"
    assert "profiles.toml" in refused["message"]
    assert "UTF-8" in refused["message"]


@pytest.mark.asyncio
async def test_a_repeated_key_makes_one_timeline(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        (film, word), _, _ = _sources(door, tmp_path)
        wanted = {"title": "Once", "sources": [word], "clips": [_clip(film, 0, 24)]}
        first = await _ask(client, "create_timeline", wanted, key="task-1/3")
        second = await _ask(client, "create_timeline", wanted, key="task-1/3")
    assert first == second


@pytest.mark.asyncio
async def test_bad_requests_are_refused_in_words_and_leave_nothing(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        (film, word), (cue, cue_word), _ = _sources(door, tmp_path)
        good = {"title": "T", "sources": [word]}
        empty = await _refused(client, "create_timeline", good | {"clips": [_clip(film, 4, 4)]})
        beyond = await _refused(client, "create_timeline", good | {"clips": [_clip(film, 40, 60)]})
        nobody = await _refused(client, "create_timeline", good | {"clips": [_clip(cue, 0, 5)]})
        sound = await _refused(
            client, "create_timeline", {"title": "T", "sources": [cue_word], "clips": [_clip(cue, 0, 5)]}
        )
        forged = sign_cut(STRANGER, "mcp:assets", read_cut(word, RING, NOW), NOW)
        false_word = await _refused(
            client, "create_timeline", good | {"sources": [forged], "clips": [_clip(film, 0, 5)]}
        )
        control = await _refused(client, "create_timeline", good | {"title": "a\x07b", "clips": [_clip(film, 0, 5)]})
        unknown = await _refused(client, "get_timeline", {"timeline_id": "tl_nothing"})
        offline = await _refused(client, "measure_media", {"media": "sha256:" + "0" * 64})
        kept = await door.services.database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM timelines").scalar())
    assert empty["code"] == "EMPTY_CUT"
    assert beyond["code"] == "SPAN_OUTSIDE_MEDIA"
    assert "40 to 60" in beyond["message"]
    assert "0 to 48" in beyond["message"]
    assert nobody["code"] == "CUT_STATEMENT_REQUIRED"
    assert sound["code"] == "INVALID_ARGUMENT"
    assert false_word["code"] == "STATEMENT_INVALID"
    assert control["code"] == "INVALID_ARGUMENT"
    assert unknown["code"] == "NOT_FOUND"
    assert offline["code"] == "MEDIA_OFFLINE"
    assert kept == 0


@pytest.mark.asyncio
async def test_media_that_is_gone_stops_a_render_before_it_begins(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        (film, word), _, _ = _sources(door, tmp_path)
        made = await _ask(client, "create_timeline", {"title": "T", "sources": [word], "clips": [_clip(film, 0, 24)]})
        door.services.media.discard(film)
        found = await _ask(client, "validate_timeline", {"timeline_id": made["id"]})
        refused = await _refused(client, "render_timeline", {"timeline_id": made["id"]})
    assert found["valid"] is False
    assert [each["code"] for each in found["findings"]] == ["MEDIA_OFFLINE"]
    assert refused["code"] == "MEDIA_OFFLINE"


@pytest.mark.asyncio
@pytest.mark.processes
async def test_media_is_measured_and_exported_without_a_path(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        (film, word), _, _ = _sources(door, tmp_path)
        measured = await _result(client, await _ask(client, "measure_media", {"media": film}))
        made = await _ask(client, "create_timeline", {"title": "Ex", "sources": [word], "clips": [_clip(film, 0, 24)]})
        edl = await _ask(client, "export_timeline", {"timeline_id": made["id"], "format": "edl"})
        otio = await _ask(client, "export_timeline", {"timeline_id": made["id"], "format": "otio"})
    assert (measured["frames"], measured["rate"], measured["duration_ms"]) == (48, "24", 2000)
    assert -190 < measured["loudness"]["lufs_tenths"] < -130
    assert edl["filename"] == "ex-r1.edl"
    assert edl["sha256"] == "sha256:" + hashlib.sha256(edl["content"].encode()).hexdigest()
    assert str(tmp_path) not in edl["content"] + otio["content"]
    assert json.loads(otio["content"])["OTIO_SCHEMA"] == "Timeline.1"


@pytest.mark.asyncio
async def test_every_tool_says_what_it_does_and_what_comes_back(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, _):
        tools = (await client.list_tools()).tools
    assert {"create_timeline", "list_timelines", "render_timeline", "get_job"} <= {each.name for each in tools}
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.output_schema


@pytest.mark.asyncio
async def test_a_cancelled_render_leaves_nothing_behind(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        (film, word), _, _ = _sources(door, tmp_path)
        made = await _ask(
            client, "create_timeline", {"title": "T", "sources": [word], "clips": [_clip(film, 0, 48)] * 80}
        )
        before = {each for each in door.services.media.root.rglob("*") if each.is_file()}
        job = await _ask(client, "render_timeline", {"timeline_id": made["id"]})
        started = await _ask(client, "get_job", {"job_id": job["id"], "wait_seconds": 20, "after_seq": 1})
        ended = await _ask(client, "cancel_job", {"job_id": job["id"]})
        after = {each for each in door.services.media.root.rglob("*") if each.is_file()}
    assert started["state"] == "running"
    assert ended["state"] == "cancelled"
    assert ended["problem"]["code"] == "CANCELLED"
    assert after == before
    assert list((door.services.media.root / "incoming").iterdir()) == []
