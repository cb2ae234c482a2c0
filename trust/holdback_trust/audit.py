"""What was done, by whom, for whom, and why it was allowed: a hash-chained log, one chain a process.

A chain is a JSON Lines file; each row is in RFC 8785 form, holds the hash of the one before, and ends with its own
`hash`, which is taken over the row without that last member. Whoever edits, removes or
moves a row breaks the chain there. Cutting off its end is found through signed heads beside it (`<name>.heads.jsonl`),
and through copies of heads that another party keeps (`AuditLog.anchor`). `audit_check` reads them all again.
"""

import atexit
import contextlib
import json
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from holdback_base.canonical import bytes_sha256, canonical_bytes
from holdback_base.ids import Clock
from holdback_base.problem import Problem
from holdback_base.vocabulary import new_instant_text

from holdback_trust.audit_check import (
    HEAD_TYPE,
    AuditReport,
    AuditRow,
    ChainReport,
    Finding,
    genesis,
    rows,
    seal,
    unseal,
    verify,
)
from holdback_trust.keys import KeyPair, sign_jws

if sys.platform != "win32":
    import fcntl

__all__ = ["AuditLog", "AuditReport", "AuditRow", "ChainReport", "ChainTaken", "Finding", "rows", "verify"]

LINGER = 0.05
"""Seconds the writer gathers rows before it writes: what a crash can lose, unless a head was signed since."""
LONGEST_WAITING = 16_384
"""Bytes of arguments or of a result that are hashed behind a call; of longer ones only the hash waits for the disk."""
LONGEST_FIELD = 1000
"""Characters of a field; longer text is cut."""
_FIELDS = (
    "actor",
    "on_behalf_of",
    "chain",
    "action",
    "resource",
    "decision",
    "policy",
    "task",
    "root",
    "things",
    "configuration",
    "args_sha256",
    "result_sha256",
)
_ORDER = tuple(sorted((*_FIELDS, "seq", "at", "prev")))
"""As a row is written (RFC 8785)."""
_Value = str | bytes | tuple[str, ...]
_Waiting = tuple[datetime, tuple[_Value, ...]]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ChainTaken(Problem):
    """CONFLICT: another process writes the chain of that name; a chain of another name is free."""


class AuditLog:
    """One chain, appended to by this process only.

    `append` costs microseconds and never waits for the disk: a thread chains, writes and fsyncs the rows behind it, in
    the order they came. `sign_heads`, `flush` and `close` wait until all rows before them are on the disk. Safe from
    any thread and from the event loop (run `sign_heads` in a thread there: it waits for an fsync).

    Args:
        directory: where the chains of a house lie; made when absent.
        keys: signs the heads; its public half is kept beside the log for whoever has no ring.
        clock: dates the rows.
        name: this process's chain, `<name>.jsonl`; a file that exists is continued.
        anchors: a folder elsewhere, on another disk where possible, that gets a copy of every head.

    Raises:
        ChainTaken: another process writes the chain of that name.
        Problem: CONFLICT when its last row cannot be continued.
    """

    def __init__(
        self, directory: Path, keys: KeyPair, clock: Clock, name: str = "house", anchors: Path | None = None
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a chain: small letters, digits, - and _ only")
        directory.mkdir(parents=True, exist_ok=True)
        self.name, self._directory, self._keys, self._clock = name, directory, keys, clock
        self._elsewhere = anchors
        self._file: IO[bytes] = (directory / f"{name}.jsonl").open("a+b")
        try:
            _lock(self._file, name)
            self._seq, self._hash, torn = _last(self._file, name)
        except BaseException:
            self._file.close()
            raise
        _keep_public_key(directory / f"{name}.key.json", keys)
        self._waiting: deque[_Waiting] = deque()
        self._order, self._beside, self._state = threading.Lock(), threading.Lock(), threading.Condition()
        self._accepted = self._written = 0
        self._hurry = self._closing = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._write_on, name=f"audit-{name}", daemon=True)
        self._thread.start()
        atexit.register(self.close)
        if torn:
            self.append(actor=name, action="audit.remove-torn-row", resource=f"{torn} bytes", decision="recorded")

    def append(
        self,
        *,
        actor: str,
        action: str,
        on_behalf_of: str = "",
        chain: tuple[str, ...] = (),
        resource: str = "",
        decision: str = "allowed",
        policy: str = "",
        task: str = "",
        root: str = "",
        things: tuple[str, ...] = (),
        configuration: str = "",
        args_sha256: str = "",
        result_sha256: str = "",
        arguments: bytes = b"",
        result: bytes = b"",
    ) -> None:
        """Add a row. Fields that are empty are left out.

        `actor` is who acts, `on_behalf_of` the person, `chain` every actor behind it, current first. `decision` is
        allowed, denied, failed or recorded, followed by `:CODE` where there is one; `policy` the rule that spoke.
        `task` is the acting agent's, `root` the one that a person began; `things` are ids that were named,
        `configuration` that of the AI system which made this decision. In place of `args_sha256` and
        `result_sha256` the arguments and the result themselves may be given: they are hashed behind the call
        where they are short.

        Raises Problem UNAVAILABLE when the log can no longer be written: what cannot be recorded must not be done.
        """
        said = (actor, on_behalf_of, chain, action, resource, decision, policy, task, root, things, configuration)
        row = (self._clock(), (*said, args_sha256 or _short(arguments), result_sha256 or _short(result)))
        with self._order:
            if self._failure is not None or self._closing:
                raise self._unavailable()
            self._waiting.append(row)
            self._accepted += 1
            asleep = len(self._waiting) == 1
        if asleep:
            with self._state:
                self._state.notify_all()

    def flush(self) -> None:
        """Return when every row appended before this call is on the disk."""
        target = self._accepted
        with self._state:
            if self._written < target:
                self._hurry = True
                self._state.notify_all()
            self._state.wait_for(lambda: self._written >= target or self._failure is not None)
        if self._failure is not None:
            raise self._unavailable()

    def sign_head(self, task: str) -> str:
        """Sign the chain as it stands, at a task's end; kept beside the log and returned, for another party to keep.

        The statement (`typ` audit-head+jwt) says chain, seq, hash and task. All rows up to it are on the disk then;
        the head itself is written without waiting for the disk, for losing a head loses no row.
        """
        return self.sign_heads([task])[0]

    def sign_heads(self, tasks: Sequence[str]) -> list[str]:
        """The same for several tasks that have ended: a head for each, in their order, over the same rows."""
        self.flush()
        with self._state:
            seq, last = self._seq, self._hash
        said = {"iss": self.name, "chain": self.name, "seq": seq, "hash": last}
        at = int(self._clock().timestamp())
        heads = [sign_jws(self._keys, HEAD_TYPE, {**said, "task": task, "iat": at}) for task in tasks]
        lines = [{"seq": seq, "task": task, "head": head} for task, head in zip(tasks, heads, strict=True)]
        with self._beside:
            _append_lines(self._directory / f"{self.name}.heads.jsonl", *lines)
            self._copy(*heads)
        return heads

    def anchor(self, *heads: str) -> None:
        """Keep other parties' signed heads, so that their logs cannot be cut shorter than this unnoticed.

        Kept as they came; `verify` checks their signatures, and that they agree with the chain when it is there.
        """
        with self._beside:
            _append_lines(self._directory / f"{self.name}.anchors.jsonl", *({"head": head} for head in heads))
            self._copy(*heads)

    def _copy(self, *heads: str) -> None:
        if self._elsewhere is not None:
            self._elsewhere.mkdir(parents=True, exist_ok=True)
            _append_lines(self._elsewhere / f"{self.name}.anchors.jsonl", *({"head": head} for head in heads))

    def close(self) -> None:
        """Write what waits, then stop. Closing twice is harmless. Raises Problem UNAVAILABLE when rows were lost."""
        if self._closing:
            return
        atexit.unregister(self.close)
        with self._order:
            self._closing = True
        with self._state:
            self._hurry = True
            self._state.notify_all()
        self._thread.join()
        with contextlib.suppress(OSError):  # the thread has fsynced, or its failure was told already
            self._file.close()
        if self._failure is not None:
            raise self._unavailable()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _unavailable(self) -> Problem:
        return Problem(
            "UNAVAILABLE",
            f"The audit log {self.name} cannot be written: {self._failure or 'it is closed'}.",
            "Make room on the disk or restore its permissions, then start again.",
        )

    def _write_on(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._waiting or self._closing)
                if not self._hurry:
                    self._state.wait_for(lambda: self._hurry, timeout=LINGER)
                self._hurry = False
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            try:
                seq, last = self._write(batch)
            except Exception as error:  # kept, and told to every later caller
                with self._state:
                    self._failure = error
                    self._state.notify_all()
                return
            with self._state:
                self._seq, self._hash = seq, last
                self._written += len(batch)
                self._state.notify_all()
            if self._closing and not self._waiting:
                return

    def _write(self, batch: list[_Waiting]) -> tuple[int, str]:
        seq, last = self._seq, self._hash
        lines: list[bytes] = []
        for at, values in batch:
            seq += 1
            said: dict[str, _Value | int] = dict(zip(_FIELDS, values, strict=True))
            said |= {"seq": seq, "at": new_instant_text(at), "prev": last}
            line, last = seal({name: _plain(value) for name in _ORDER if (value := said[name])})
            lines += (line, b"\n")
        if lines:
            self._file.write(b"".join(lines))
            self._file.flush()
            os.fsync(self._file.fileno())
        return seq, last


def _short(value: bytes) -> bytes | str:
    return value if len(value) <= LONGEST_WAITING else bytes_sha256(value)


def _plain(value: _Value | int) -> str | int | list[str]:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return bytes_sha256(value)
    return [_text(each) for each in value] if isinstance(value, tuple) else value


def _text(value: str) -> str:
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode()  # half a surrogate pair must not stop the log
    return value[:LONGEST_FIELD]


def _lock(file: IO[bytes], name: str) -> None:
    if sys.platform == "win32":
        return  # opened for writing by two processes there, a chain breaks visibly instead
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ChainTaken(
            "CONFLICT", f"Another process writes the audit chain {name}.", "Give this process a chain of its own."
        ) from error


def _last(file: IO[bytes], name: str) -> tuple[int, str, int]:
    """Sequence number and hash to go on from, and how many bytes of a torn row were taken off the end."""
    end = file.seek(0, os.SEEK_END)
    tail, start = b"", end
    while start > 0 and tail.count(b"\n") < 2:
        step = min(65_536, start)
        start -= step
        file.seek(start)
        tail = file.read(step) + tail
    whole, _, torn = tail.rpartition(b"\n")
    if torn and unseal(torn) is not None:
        file.write(b"\n")  # only its newline is missing
        file.flush()
        whole, torn = torn, b""
    elif torn:
        file.truncate(end - len(torn))
    if not whole:
        return 0, genesis(name), len(torn)
    line = whole.rpartition(b"\n")[2]
    row = unseal(line)
    if row is None:
        raise Problem(
            "CONFLICT",
            f"The last row of the audit chain {name} is damaged and cannot be continued.",
            "Check it with holdback audit verify, then move its files away to begin a new chain.",
        )
    return row["seq"], row["hash"], len(torn)


def _append_lines(path: Path, *shapes: dict[str, Any]) -> None:
    with path.open("a+b") as file:
        _end_line(file)
        file.write(b"".join(canonical_bytes(shape) + b"\n" for shape in shapes))


def _end_line(file: IO[bytes]) -> None:
    """Take off what a crash or a full disk left of a last line, for the next would be lost with it."""
    end = file.seek(0, os.SEEK_END)
    if not end:
        return
    file.seek(end - 1)
    if file.read(1) != b"\n":
        file.seek(max(0, end - 65_536))
        file.truncate(end - len(file.read().rpartition(b"\n")[2]))


def _keep_public_key(path: Path, keys: KeyPair) -> None:
    known: list[dict[str, str]] = json.loads(path.read_bytes())["keys"] if path.exists() else []
    if all(jwk["kid"] != keys.kid for jwk in known):
        draft = path.with_suffix(".draft")
        draft.write_bytes(canonical_bytes({"keys": [*known, dict(keys.public_jwk)]}) + b"\n")
        draft.replace(path)
