"""A real film, a cut of it that has lost its papers, and a copy: found by looking at their pictures."""

import shutil
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.reformatter import VideoReformatter
from holdback.foundation import lay_foundation
from holdback.rooms import room_store
from holdback_servers.assets import server, tables
from holdback_servers.services import open_services
from holdback_servers.settings import load_settings
from holdback_trust.policy import local_caller
from mcp.client import Client
from mcp.shared.exceptions import MCPError

pytestmark = pytest.mark.processes

FILM = Path(__file__).parents[2] / "examples" / "media" / "big-buck-bunny-60s.mp4"
TAKEN = [(240, 384), (960, 1056)]
"""Frames of the film, at 24 a second, that the cut shows in this order from its second second on."""


def _cut(target: Path, spans: list[tuple[int, int]], *, width: int, rate: int, black: int) -> None:
    """Frames of the film at another size and rate, after some black ones. Each frame of the film becomes one."""
    scaler = VideoReformatter()
    with av.open(str(FILM)) as film, av.open(str(target), "w") as out:
        stream = out.add_stream("mpeg4", rate=rate, options={"qscale": "6"})
        stream.width, stream.height, stream.pix_fmt = width, width * 9 // 16 // 2 * 2, "yuv420p"
        wanted = {frame for start, end in spans for frame in range(start, end)}
        for _ in range(black):
            blank = av.VideoFrame(stream.width, stream.height, "yuv420p")
            for plane, value in zip(blank.planes, (16, 128, 128), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            out.mux(stream.encode(blank))
        for number, frame in enumerate(film.decode(video=0)):
            if number in wanted:
                small = scaler.reformat(frame, width=stream.width, height=stream.height, format="yuv420p")
                # a frame that knows nothing of the film's times
                out.mux(stream.encode(av.VideoFrame.from_ndarray(small.to_ndarray(), format="yuv420p")))
        out.mux(stream.encode())


@pytest.mark.asyncio
async def test_uses_and_copies_are_found_by_their_pictures(tmp_path: Path) -> None:
    root = tmp_path / "library"
    root.mkdir()
    shutil.copy(FILM, root / "film.mp4")
    _cut(root / "cut.mp4", TAKEN, width=320, rate=24, black=24)
    _cut(root / "copy.mkv", [(0, 1440)], width=480, rate=24, black=0)
    settings = load_settings({}, home=tmp_path, library_roots=(root,), allow_write=True)
    foundation = lay_foundation(settings, "mcp:assets")
    services = open_services(
        room_store("assets", foundation, tables.METADATA),
        tables.TABLES,
        settings=settings,
        clock=foundation.clock,
        new_id=foundation.new_id,
        keys=foundation.keys("mcp:assets"),
        ring=foundation.ring,
        audit=foundation.audit,
    )
    door = server.build(services, local=local_caller("person:sam", True, "mcp:assets"))
    async with door.serving(), Client(door.mcp) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.structured_content
            return result.structured_content or {}

        taken: dict[str, str] = {}
        for name in ("film.mp4", "cut.mp4", "copy.mkv"):
            job = await call("ingest_media", path=name)
            while job["state"] in ("queued", "running"):
                job = await call("get_job", job_id=job["id"], wait_seconds=20, after_seq=job["seq"])
            assert job["state"] == "succeeded", job
            taken[name] = job["result"]["asset_id"]
        usage = await call("find_usage", asset_id=taken["film.mp4"])
        copies = await call("find_duplicates", asset_id=taken["film.mp4"])
        whence = await call("find_usage", asset_id=taken["cut.mp4"])
        similar = await call("find_similar", asset_id=taken["cut.mp4"], frame=30)
        shots = await call("list_segments", asset_id=taken["copy.mkv"], kind="shot")
        await call("remove_asset", asset_id=taken["copy.mkv"], reason="a copy of the film")
        left = await call("find_similar", asset_id=taken["cut.mp4"], frame=30)
        with pytest.raises(MCPError, match="PERMISSION_DENIED: copy was removed"):
            await client.read_resource(shots["items"][0]["keyframe"])
        beyond = await client.call_tool("find_similar", {"asset_id": taken["film.mp4"], "frame": 1440})
    foundation.audit.close()
    services.database.close()

    assert (beyond.structured_content or {})["code"] == "SPAN_OUTSIDE_MEDIA"
    in_cut = [use for use in usage["uses"] if use["place"]["asset_id"] == taken["cut.mp4"]]
    assert {use["evidence"] for use in in_cut} == {"seen"}
    at = 24
    for start, end in TAKEN:
        seen = [use for use in in_cut if start - 6 <= use["of_in"] and use["of_out"] <= end + 6]
        assert sum(use["of_out"] - use["of_in"] for use in seen) >= 0.7 * (end - start)
        assert all(abs((use["place"]["in_frame"] - at) - (use["of_in"] - start)) <= 8 for use in seen)
        at += end - start
    assert [each["asset_id"] for each in copies["copies"]] == [taken["copy.mkv"]]
    assert copies["copies"][0]["same"] >= 900
    assert any(use["place"]["asset_id"] == taken["film.mp4"] for use in whence["uses"])
    assert {each["place"]["asset_id"] for each in similar["alike"]} == {taken["film.mp4"], taken["copy.mkv"]}
    assert [each["place"]["asset_id"] for each in left["alike"]] == [taken["film.mp4"]]
