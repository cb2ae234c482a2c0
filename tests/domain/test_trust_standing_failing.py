"""The standing book when the disk fails or others write: what stops an agent is not forgotten, and nothing breaks."""

import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.standing import Standing
from holdback_trust.standing.standing import WORTH_BEGINNING_AGAIN

if sys.platform == "win32":
    pytest.skip("files are not locked there, nor limited", allow_module_level=True)
import fcntl
import resource

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEYS = {party: KeyPair.generate() for party in ("gateway", "mcp:rights")}
RING = KeyRing({party: [keys.public_jwk] for party, keys in KEYS.items()})
COMPLIANCE = "agent:compliance"


def _of(home: Path, party: str = "gateway", now: datetime = NOW) -> Standing:
    return Standing.of_home(home, party, KEYS[party], RING, lambda: now)


def _book(home: Path) -> Path:
    return home / "trust" / "standing.jsonl"


def _beside(home: Path, name: str) -> Path:
    return home / "trust" / name.format(pid=os.getpid())


@contextmanager
def _room_for(size: int) -> Generator[None]:
    """No file may grow longer than that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_who_was_suspended_elsewhere_is_so_here_though_the_disk_was_full_when_this_process_heard_of_it(
    tmp_path: Path,
) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.end_task("task-1", by=COMPLIANCE)
    room.suspend(COMPLIANCE, by="guardian", why="a loop", incident="evt_1")
    with _room_for(_book(tmp_path).stat().st_size + 50), pytest.raises(OSError, match="too large"):
        gateway.end_task("task-2", by=COMPLIANCE)
    assert gateway.stopped(COMPLIANCE) is not None
    assert not gateway.ended("task-2")


def test_a_line_that_did_not_get_onto_the_disk_breaks_no_book(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.suspend(COMPLIANCE, by="person:alex", why="looks wrong")
    with _room_for(_book(tmp_path).stat().st_size + 50), pytest.raises(OSError, match="too large"):
        gateway.end_task("task-1", by=COMPLIANCE)
    gateway.end_task("task-2", by=COMPLIANCE)
    for each in (gateway, room, _of(tmp_path)):
        assert (each.stopped(COMPLIANCE) is None, each.ended("task-1"), each.ended("task-2")) == (False, False, True)


def test_of_several_lines_the_whole_ones_count_everywhere_where_the_disk_was_full_in_the_middle(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.end_task("task-1", by=COMPLIANCE)
    line = _book(tmp_path).stat().st_size
    with _room_for(2 * line + line // 2), pytest.raises(OSError, match="too large"):
        gateway.end_tasks([("task-2", COMPLIANCE), ("task-3", COMPLIANCE)])
    gateway.end_task("task-4", by=COMPLIANCE)
    for each in (gateway, room, _of(tmp_path)):
        assert [each.ended(f"task-{number}") for number in (1, 2, 3, 4)] == [True, True, False, True]


def test_a_suspension_whose_head_could_not_be_signed_counts_where_it_was_made_too(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.end_task("task-1", by=COMPLIANCE)
    in_the_way = _beside(tmp_path, ".standing.jsonl.head.{pid}")
    in_the_way.mkdir()
    with pytest.raises(IsADirectoryError):
        gateway.suspend(COMPLIANCE, by="person:alex", why="looks wrong")
    in_the_way.rmdir()
    assert gateway.stopped(COMPLIANCE) is not None
    assert room.stopped(COMPLIANCE) is not None


def test_a_book_that_could_not_be_begun_again_stands_as_it_was(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path, now=NOW + timedelta(days=3)), _of(tmp_path, "mcp:rights")
    room.suspend(COMPLIANCE, by="guardian", why="a loop", incident="evt_1")
    room.end_tasks([(f"task-{number}", COMPLIANCE) for number in range(WORTH_BEGINNING_AGAIN)])
    before = _book(tmp_path).read_bytes()
    for name in (".standing.jsonl.{pid}", ".standing.jsonl.head.{pid}"):
        in_the_way = _beside(tmp_path, name)
        in_the_way.mkdir()
        with pytest.raises(IsADirectoryError):
            gateway.tidy()
        in_the_way.rmdir()
        assert _book(tmp_path).read_bytes() == before
    gateway.end_task("one-more", by=COMPLIANCE)
    assert _book(tmp_path).read_bytes().startswith(before)
    for each in (gateway, room, _of(tmp_path)):
        assert (each.stopped(COMPLIANCE) is not None, each.ended("one-more")) == (True, True)
    gateway.tidy()
    assert len(_book(tmp_path).read_bytes()) < len(before)
    assert [each.stopped(COMPLIANCE) is not None for each in (gateway, room, _of(tmp_path))] == [True, True, True]


def test_a_head_that_cannot_be_read_just_now_lets_nobody_go(tmp_path: Path) -> None:
    _of(tmp_path).suspend(COMPLIANCE, by="person:alex", why="looks wrong")
    head = _beside(tmp_path, "standing.jsonl.head")
    signed = head.read_bytes()
    head.unlink()
    head.mkdir()  # cannot be opened, as where no more files can be
    room = _of(tmp_path, "mcp:rights")
    with pytest.raises(IsADirectoryError):
        room.stopped(COMPLIANCE)
    head.rmdir()
    head.write_bytes(signed)
    assert room.stopped(COMPLIANCE) is not None


def test_a_process_that_starts_while_another_writes_waits_for_it_before_it_calls_the_book_broken(
    tmp_path: Path,
) -> None:
    gateway, room, book = _of(tmp_path), _of(tmp_path, "mcp:rights"), _book(tmp_path)
    gateway.suspend(COMPLIANCE, by="person:alex", why="looks wrong")
    first = len(book.read_bytes())
    gateway.revoke("tok-1", by="person:alex")
    whole = book.read_bytes()
    found: list[bool] = []
    looking = threading.Thread(target=lambda: found.append(room.revoked("tok-1")))
    with _beside(tmp_path, "standing.jsonl.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        book.write_bytes(whole[:first])  # what it reads of the book is older than what it then reads of the head
        looking.start()
        looking.join(0.2)
        book.write_bytes(whole)
    looking.join()
    assert found == [True]


def test_who_was_suspended_elsewhere_is_not_free_while_this_process_waits_for_the_disk(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.end_task("task-1", by=COMPLIANCE)
    room.suspend(COMPLIANCE, by="guardian", why="a loop", incident="evt_1")
    slow = _beside(tmp_path, ".standing.jsonl.head.{pid}")
    os.mkfifo(slow)  # whoever writes there waits until it is read
    found: list[bool] = []
    adding = threading.Thread(target=lambda: gateway.revoke("tok-1", by="person:alex"))
    asking = threading.Thread(target=lambda: found.append(gateway.stopped(COMPLIANCE) is not None))
    before = _book(tmp_path).stat().st_size
    adding.start()
    while _book(tmp_path).stat().st_size == before:
        adding.join(0.01)
    adding.join(0.05)
    asking.start()
    asking.join(0.1)
    slow.read_bytes()
    adding.join()
    asking.join()
    assert found == [True]
