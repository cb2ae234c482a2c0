"""The worker: an honest answer, or a clear problem and no process left, whatever happens inside."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_servers.media_worker import Limits, run
from PIL import Image

FILM = Path(__file__).parents[2] / "examples" / "media" / "big-buck-bunny-60s.mp4"
PROBE = "holdback_servers.assets.probing:probe"
ANALYSE = "holdback_servers.assets.analysis:analyse"

pytestmark = pytest.mark.processes


def _children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            found += [int(pid) for pid in (task / "children").read_text().split()]
    return found


async def _first_report(arguments: dict[str, Any]) -> tuple["asyncio.Task[dict[str, Any]]", int]:
    """Work that has begun, and the process that does it."""
    begun = asyncio.Event()
    before = _children()
    task = asyncio.create_task(run(ANALYSE, arguments, lambda *_: begun.set()))
    await asyncio.wait_for(begun.wait(), 100)
    return task, next(pid for pid in _children() if pid not in before)


def _arguments(folder: Path, path: Path = FILM) -> dict[str, Any]:
    return {"path": str(path), "name": "the film", "folder": str(folder)}


@pytest.mark.asyncio
async def test_the_answer_of_the_function_comes_back() -> None:
    facts = await run(PROBE, {"path": str(FILM), "name": "the film"})
    assert (facts["frames"], facts["start_timecode"]) == (1440, "10:00:00:00")


@pytest.mark.asyncio
async def test_a_problem_crosses_the_pipe_whole(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        await run(PROBE, {"path": str(tmp_path / "nothing.mp4"), "name": "Monday"})
    assert (caught.value.code, caught.value.message) == ("FILE_MISSING", "There is no file Monday.")


@pytest.mark.asyncio
async def test_media_outside_the_given_folders_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        await run(PROBE, {"path": str(FILM), "name": "the film"}, roots=(tmp_path,))
    assert caught.value.code == "PATH_OUTSIDE_LIBRARY"


@pytest.mark.asyncio
@pytest.mark.parametrize("function", ["os:system", "holdback_servers:__doc__", "holdback_servers.settings:os.system"])
async def test_only_functions_of_the_servers_can_be_named(function: str) -> None:
    with pytest.raises(ValueError, match="not a function of holdback_servers"):
        await run(function, {})


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "limits",
    [
        Limits(wall_seconds=0.2),
        Limits(cpu_seconds=1, wall_seconds=60),
        Limits(file_bytes=1000),
    ],
)
async def test_work_over_a_limit_is_stopped_and_says_so(tmp_path: Path, limits: Limits) -> None:
    before = _children()
    with pytest.raises(Problem) as caught:
        await run(ANALYSE, _arguments(tmp_path), limits=limits)
    assert caught.value.code == "TOO_LARGE"
    assert _children() == before


@pytest.mark.asyncio
async def test_a_picture_that_needs_too_much_memory_is_too_large(tmp_path: Path) -> None:
    Image.new("RGB", (8_000, 8_000)).save(tmp_path / "huge.png", compress_level=1)
    with pytest.raises(Problem) as caught:
        await run(ANALYSE, _arguments(tmp_path, tmp_path / "huge.png"), limits=Limits(memory_bytes=450 << 20))
    assert caught.value.code == "TOO_LARGE"
    assert "450 MiB" in caught.value.message


@pytest.mark.asyncio
async def test_a_crash_in_a_decoder_is_damaged_media(tmp_path: Path) -> None:
    task, worker = await _first_report(_arguments(tmp_path))
    os.kill(worker, signal.SIGSEGV)
    with pytest.raises(Problem) as caught:
        await task
    assert caught.value.code == "MEDIA_DAMAGED"
    assert "SIGSEGV" in caught.value.message


@pytest.mark.asyncio
async def test_cancelling_kills_the_worker(tmp_path: Path) -> None:
    before = _children()
    task, worker = await _first_report(_arguments(tmp_path))
    assert worker not in before
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _children() == before
