"""An agent of another maker in a process of its own, let in by the command line; and a house agent that has changed."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from a2a.types.a2a_pb2 import TaskState
from google.protobuf.json_format import MessageToDict
from holdback_agents.runtime.parts import message, text_part
from holdback_agents.runtime.peers import Listener

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]
SOURCE = Path(__file__).parents[2] / "examples" / "vendor-agent" / "channel_guide.py"
SAID = ("--as", "channel-guide", "--owner", "Guide Ltd", "--role", "editor", "--may", "mcp:schedule=schedule:read")
PLAN = ("--plan", "list-channels=schedule.list_channels")


@pytest.fixture
def guide(tmp_path: Path) -> Iterator[Callable[[int, int], str]]:
    """Start the vendor's agent for a house at a port, on a port of its own; answers the thumbprint of its key."""
    processes: list[subprocess.Popen[str]] = []

    def begin(house: int, port: int) -> str:
        arguments = ("--house", f"http://127.0.0.1:{house}", "--port", str(port), "--key", str(tmp_path / "guide.pem"))
        process = subprocess.Popen([sys.executable, SOURCE, *arguments], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        return process.stdout.readline().rpartition(" ")[2].strip()

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def admitted(holdback: Any, home: Path, port: int, key: str) -> "subprocess.CompletedProcess[str]":
    """Let it in; its port may not answer yet."""
    for _ in range(100):
        done = holdback("agents", "admit", f"http://127.0.0.1:{port}", "--key", key, "--home", home, *SAID, *PLAN)
        if "does not answer" not in done.stderr:
            break
    return done


@pytest.mark.asyncio
async def test_it_is_let_in_and_works_in_a_house_that_is_up(
    tmp_path: Path, guide: Any, holdback: Any, bring_up: Any, two_ports: tuple[int, int]
) -> None:
    home, (ours, theirs) = tmp_path / "home", two_ports
    home.mkdir()
    key = guide(ours, theirs)
    closed = admitted(holdback, home, theirs, key)
    assert closed.returncode == 1
    assert "not public" in closed.stderr
    (home / "holdback.toml").write_text('[egress]\nprivate = ["127.0.0.1/32"]\n', encoding="utf-8")
    assert admitted(holdback, home, theirs, key).returncode == 0
    house = bring_up(home, port=ours)
    assert not [line for line in house.lines if "NOT LET IN" in line]
    assert f"  agent     {house.url}/agents/channel-guide (from outside)" in [line.rstrip() for line in house.lines]

    async def nothing(_: Any) -> None: ...

    async with house.desk("person:sam") as desk:
        words = message([text_part("Which channels are there?")], message_id="m1", skill="list-channels")
        task = await desk.peers.converse(desk.peer("channel-guide"), words, Listener(nothing, nothing))
    assert task.status.state == TaskState.TASK_STATE_COMPLETED, MessageToDict(task)
    house.stop()


def test_up_tells_of_an_own_agent_that_is_not_as_it_was_let_in(tmp_path: Path, holdback: Any, bring_up: Any) -> None:
    home = tmp_path / "home"
    bring_up(home).stop()
    with closing(sqlite3.connect(home / "db" / "gateway.sqlite")) as db, db:
        [text] = db.execute("select admission from admissions where agent = 'agent:compliance'").fetchone()
        older = json.loads(text)
        older["identity"]["software"] = "0.0.9"
        db.execute("update admissions set admission = ? where agent = 'agent:compliance'", (json.dumps(older),))
    house = bring_up(home)
    [line] = [line for line in house.lines if "NOT LET IN  compliance" in line]
    assert "compliance: its software is 0.1.0, and 0.0.9 was admitted" in line
    assert line.endswith(f"holdback agents admit compliance --home {home}")
    again = holdback("agents", "admit", "compliance", "--home", home)
    assert "changed: its software is 0.1.0, and 0.0.9 was admitted" in again.stdout
    assert (
        "compliance               of the house  level 200  let in" in holdback("agents", "list", "--home", home).stdout
    )
    house.stop()
