"""What is said is written down, searched and kept with its provenance; the model runs on this machine."""

import runpy
import sys
import wave
from pathlib import Path
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_servers.assets.speech import CONFIG, transcribe

ROOT = Path(__file__).parents[2]
VOICE = ROOT / "examples" / "butterfly" / "voice.m4a"
library: Any = runpy.run_path(str(ROOT / "tests" / "protocol" / "test_assets_exchanging.py"))["library"]

pytestmark = pytest.mark.processes


async def _done(client: Any, job: dict[str, Any]) -> dict[str, Any]:
    while job.get("state") in ("queued", "running"):
        given = {"job_id": job["id"], "wait_seconds": 20, "after_seq": job["seq"]}
        job = (await client.call_tool("get_job", given)).structured_content
    assert job["state"] == "succeeded", job
    return job["result"]


@pytest.mark.asyncio
async def test_a_spoken_word_is_found_where_it_is_said(tmp_path: Path) -> None:
    async with library(tmp_path) as (client, services):
        object.__setattr__(services.settings, "library_roots", (VOICE.parent,))
        asked = {"path": VOICE.name, "kind": "voice"}
        taken = await _done(client, (await client.call_tool("ingest_media", asked)).structured_content)
        version = {"version_id": taken["version_id"]}
        first = await _done(client, (await client.call_tool("transcribe_media", version)).structured_content)
        again = await _done(client, (await client.call_tool("transcribe_media", version)).structured_content)
        found = (await client.call_tool("search_assets", {"query": "butterfly"})).structured_content
        listed = (await client.call_tool("list_segments", version | {"kind": "transcript"})).structured_content
    assert first["segments"] >= 1
    assert (again["already"], again["segments"]) == (True, first["segments"])
    assert any("butterfly" in each["text"].lower() for each in found["items"][0]["segments"])
    spoken = next(each for each in listed["items"] if "butterfly" in each["text"].lower())
    assert spoken["method"] == "auto"
    assert spoken["fields"]["language"] == "en"
    assert any(word.split()[2].lower().startswith("butterfly") for word in spoken["fields"]["words"])
    assert spoken["seconds"] < 12
    assert CONFIG == "urn:holdback:whisper-tiny-en:1"


@pytest.mark.asyncio
async def test_a_sound_in_which_nothing_is_said_is_not_listened_to_again(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "hush.wav"), "wb") as out:
        out.setparams((1, 2, 48000, 0, "NONE", ""))
        out.writeframes(bytes(96_000))
    async with library(tmp_path / "home") as (client, services):
        object.__setattr__(services.settings, "library_roots", (tmp_path,))
        asked = {"path": "hush.wav", "kind": "voice"}
        taken = await _done(client, (await client.call_tool("ingest_media", asked)).structured_content)
        version = {"version_id": taken["version_id"]}
        first = await _done(client, (await client.call_tool("transcribe_media", version)).structured_content)
        again = await _done(client, (await client.call_tool("transcribe_media", version)).structured_content)
    assert (first["segments"], first.get("already", False)) == (0, False)
    assert (again["segments"], again["already"]) == (0, True)


def test_without_the_extra_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(Problem, match="extra speech is not installed") as told:
        transcribe({"path": str(VOICE), "name": "voice"}, lambda *_: None)
    assert "holdback[speech]" in told.value.hint
