"""The schedule's clock in a process that is killed: what must come down comes down once the next one is there."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.ids import system_clock
from holdback_servers.media_store import MediaStore
from holdback_servers.schedule import showings, store
from holdback_servers.schedule.books import Actor, save_channel
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Availability, Publication
from holdback_servers.schedule.playout import Showing, Telling
from holdback_servers.schedule.publishers.folder import FolderPublisher
from holdback_servers.schedule.publishers.packing import pack
from sqlalchemy import Connection

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

SAM = Actor(by="agent:scheduler", on_behalf_of="person:sam")


def live_until(home: Path, seconds: float) -> None:
    """A publication on show in the home's folder whose only window closes so many seconds from now."""
    now = system_clock()
    end = now + timedelta(seconds=seconds)
    media = MediaStore(home / "media")
    tube = Channel.model_validate(
        {
            "name": "tube",
            "title": "Tube",
            "kind": "social",
            "platform": "social.youtube",
            "territories": ["WORLD"],
            "reach": {"source": "invented", "hours": {"all": [50] * 24}},
        }
    )
    shown = Publication(
        id="pub_ONE",
        channel="tube",
        platform="social.youtube",
        title="The butterfly",
        media=media.put(b"\0\0\0\x18ftypmp42 a butterfly"),
        availability=(Availability(territories=("GB",), start=now - timedelta(hours=1), end=end),),
        start=now - timedelta(hours=1),
        end=end,
        state="live",
        clearance="clr_ONE",
        by=SAM.by,
        on_behalf_of=SAM.on_behalf_of,
    )
    telling = Telling(1, {"GB": end})
    asyncio.run(FolderPublisher(home / "published").deliver(pack(shown, tube, telling, media)))

    def unit(c: Connection) -> None:
        save_channel(c, tube, SAM, now)
        showings.save(c, Showing("pub_ONE", revision=1, shown=telling.on, seen_at=now))
        store.put(c, shown, SAM, "on show", now)

    database = Database(home / "db" / "schedule.sqlite", store.METADATA)
    database.submit(unit).result()
    database.close()


def state(home: Path) -> str:
    database = Database(home / "db" / "schedule.sqlite", store.METADATA)
    try:
        return database.read_now(lambda c: store.find_publication(c, "pub_ONE", system_clock())).state
    finally:
        database.close()


def test_what_a_killed_process_did_not_take_down_the_next_one_does(start: Callable[..., Any], tmp_path: Path) -> None:
    live_until(tmp_path, 300)
    first = start("serve", "schedule", "--home", str(tmp_path), "--port", "0")
    assert json.loads(first.stdout.readline())["server"] == "schedule"
    first.kill()
    first.wait()
    current = tmp_path / "published" / "tube" / "pub_ONE" / "current.json"
    assert (json.loads(current.read_text())["territories"], state(tmp_path)) == (["GB"], "live")
    _close_now(tmp_path)
    second = start("serve", "schedule", "--home", str(tmp_path), "--port", "0")
    assert json.loads(second.stdout.readline())["server"] == "schedule"
    late = time.monotonic() + 300
    while state(tmp_path) == "live" and time.monotonic() < late:
        time.sleep(0.05)
    second.terminate()
    assert second.wait(timeout=120) == 0
    assert state(tmp_path) == "expired"
    assert json.loads(current.read_text())["territories"] == []
    left = sorted(each.name for each in current.parent.iterdir())
    assert left == ["current.json", "r000002.down.json"]


def _close_now(home: Path) -> None:
    """Time passes: the window of what is live is over."""
    now = system_clock()

    def unit(c: Connection) -> None:
        found = store.find_publication(c, "pub_ONE", now)
        pieces = tuple(each.model_copy(update={"end": now}) for each in found.availability)
        store.put(c, found.model_copy(update={"availability": pieces, "end": now}), SAM, "shortened", now)

    database = Database(home / "db" / "schedule.sqlite", store.METADATA)
    database.submit(unit).result()
    database.close()


def test_a_server_starts_without_the_code_of_publishers_that_nothing_needs_yet(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from holdback.foundation import lay_foundation
from holdback.rooms import open_room
from holdback_servers.settings import load_settings

door = open_room("schedule", lay_foundation(load_settings({}, home=Path(sys.argv[1])), "mcp:schedule"))

async def serve():
    async with door.serving():
        await asyncio.sleep(0.2)

asyncio.run(serve())
costly = {"httpx", "holdback_servers.rights", "holdback_servers.schedule.publishers.webhook"}
sys.exit(", ".join(sorted(costly & sys.modules.keys())) or 0)
"""
    ended = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
