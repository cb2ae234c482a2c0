"""The demo on a terminal: a person is asked, and a no is a no."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal"),
]


def test_who_says_no_at_the_terminal_has_nothing_published(
    start_at_terminal: Callable[..., Any], tmp_path: Path
) -> None:
    process, terminal = start_at_terminal("demo", "--out", str(tmp_path / "out"))
    asked = said_until(terminal, b"do you approve")
    os.write(terminal, b"maybe\n")
    again = said_until(terminal, b"Please answer yes or no")
    os.write(terminal, b"no\n")
    rest = said_until(terminal, b"did not approve")
    assert process.wait(timeout=300) == 1
    shown = plain(asked + again + rest)
    assert "not included" in shown
    assert "US" in shown
    assert "rejected sha256:" in shown
    assert "Traceback" not in shown
    outcome = json.loads((tmp_path / "out" / "outcome.json").read_text(encoding="utf-8"))
    assert (outcome["state"], outcome["publications"], len(outcome["versions"])) == ("rejected", [], 2)
    assert outcome["ended"]["code"] == "APPROVAL_REQUIRED"
    assert "Rejected by" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "out" / "home" / "db" / "schedule.sqlite")) as schedule:
        states = {state for (state,) in schedule.execute("select state from publications")}
    assert states == {"cancelled"}


def said_until(terminal: int, words: bytes) -> bytes:
    """What the terminal shows until these words; all of it when it ends before."""
    said = b""
    with suppress(OSError):
        while words not in said:
            got = os.read(terminal, 65536)
            if not got:
                break
            said += got
    return said


def plain(said: bytes) -> str:
    return re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", said).decode(errors="replace")


@pytest.fixture
def start_at_terminal(holdback_command: str) -> Any:
    """Start the command on a pseudo-terminal of its own; killed at the end of the test."""
    import pty

    begun: list[tuple[subprocess.Popen[bytes], int]] = []

    def start(*arguments: str) -> tuple["subprocess.Popen[bytes]", int]:
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
        process = subprocess.Popen(
            [holdback_command, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        begun.append((process, ours))
        return process, ours

    yield start
    for process, ours in begun:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
