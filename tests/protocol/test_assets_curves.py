"""Curves through a real client: how loud, how much moves, where sounds begin; and spans that are refused."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_servers.assets import server, tables
from holdback_servers.services import open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from mcp.client import Client

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def _film(path: Path) -> Path:
    """Two seconds at 25 frames a second: a still second, then a square that runs; a knock after one second."""
    with av.open(str(path), "w") as out:
        picture: Any = out.add_stream("mpeg4", rate=25, options={"qscale": "2"})
        picture.width, picture.height, picture.pix_fmt = 160, 90, "yuv420p"
        sound: Any = out.add_stream("aac", rate=48000)
        for number in range(50):
            image = np.full((90, 160, 3), 60, np.uint8)
            place = 4 * max(0, number - 25)
            image[20:70, place : place + 40] = 200
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(picture.encode())
        wave = np.random.default_rng(1).normal(0, 0.0005, 96000)
        wave[48000:50000] += 0.5 * np.sin(np.arange(2000) * 0.2) * np.linspace(1, 0, 2000)
        tone = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None, :], format="fltp", layout="mono")
        tone.sample_rate = 48000
        out.mux(sound.encode(tone))
        out.mux(sound.encode())
    return path


async def _call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


@pytest.mark.asyncio
async def test_curves_tell_where_it_is_loud_where_it_moves_and_where_a_sound_begins(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    _film(library / "film.mp4")
    keys = KeyPair.generate()
    services = open_services(
        Database(tmp_path / "db" / "assets.sqlite", tables.METADATA),
        tables.TABLES,
        settings=Settings(home=tmp_path, library_roots=(library,)),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=keys,
        ring=KeyRing({}),
        audit=AuditLog(tmp_path / "audit", keys, lambda: NOW),
    )
    door = server.build(services, local=local_caller("person:sam", True, "mcp:assets"))
    async with door.serving(), Client(door.mcp) as client:
        job = await _call(client, "ingest_media", path="film.mp4", proxy=False)
        while job["state"] in ("queued", "running"):
            job = await _call(client, "get_job", job_id=job["id"], wait_seconds=20, after_seq=job["seq"])
        asset = job["result"]["asset_id"]
        told = await _call(client, "get_curves", asset_id=asset)
        part = await _call(client, "get_curves", asset_id=asset, in_frame=20, out_frame=30)
        beyond = await _call(client, "get_curves", asset_id=asset, in_frame=20, out_frame=70)
        empty = await _call(client, "get_curves", asset_id=asset, in_frame=20, out_frame=20)
    services.database.close()
    assert (told["frames"], told["step"], len(told["energy"]), len(told["motion"])) == (50, 2, 25, 25)
    assert told["energy"].index(max(told["energy"])) in (12, 13)
    assert max(told["motion"][:12]) < 20 < min(told["motion"][14:24])
    assert [each for each in told["onsets"] if 24 <= each <= 26]
    assert part["energy"] == told["energy"][10:15]
    assert (beyond["code"], empty["code"]) == ("SPAN_OUTSIDE_MEDIA", "RANGE_INVALID")
