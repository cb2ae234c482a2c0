"""The standing book of a home: a file of signed, chained lines that all processes of a house read and add to.

Each line is a compact JWS (`typ` standing+jwt) by a party of the house over one entry, its number, and the sha256 of
the line before; beside it lies a signed head, so that a book that was cut off or taken away is missed. The book is
begun again, without what has lapsed, by a first line that names the last line of the book it follows. Whatever else
happens to it breaks it, and a broken book is not believed.
"""

import contextlib
import hashlib
import os
import sys
import threading
import weakref
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_trust.identity import GATEWAY
from holdback_trust.keys import KeyPair, KeyRing, SignatureRefused, open_jws, sign_jws
from holdback_trust.standing.state import LOOSENING, WRITERS, Entry, may_write

if sys.platform != "win32":
    import fcntl

LINE_TYPE = "standing+jwt"
_BINARY = getattr(os, "O_BINARY", 0)
_START = ""
"""What the very first line of a home names as the line before it."""


class StandingBroken(Problem):
    """UNAVAILABLE: the book cannot be believed; no agent may do anything until a person has looked at it."""

    def __init__(self, reason: str, path: Path) -> None:
        super().__init__(
            "UNAVAILABLE",
            f"The standing book cannot be believed: {reason}.",
            f"Put {path.name} and {path.name}.head back in {path.parent} from a copy, or move both away to begin with "
            "nobody suspended, then start the house again.",
        )


@dataclass(frozen=True)
class News:
    """What was added to a book since somebody looked last; `afresh`: all that was told before counts no more."""

    entries: tuple[Entry, ...] = ()
    afresh: bool = False


_NONE = News()


class Book:
    """One process's view of the book. Safe from any thread.

    Args:
        path: the file; made with its folder at the first entry.
        party: who signs what this process adds, with its `keys`.
        ring: the keys of the parties of the house.
    """

    def __init__(self, path: Path, party: str, keys: KeyPair, ring: KeyRing) -> None:
        self._path, self._head = path, path.with_name(f"{path.name}.head")
        self._turn = path.with_name(f"{path.name}.lock")
        self._place, self._heads_place = str(self._path), str(self._head)  # looked at before every call
        self._party, self._keys, self._ring = party, keys, ring
        self._file: _OpenFile | None = None
        self._seen: tuple[int, int, int] | None = None
        self._read: int = 0
        self._digest = hashlib.sha256()
        self._seq: int = 0
        self._last: str = _START
        self._broken: str = ""
        self._lock = threading.RLock()

    @property
    def lines(self) -> int:
        """How many lines are known."""
        return self._seq

    @property
    def quiet(self) -> bool:
        """Whether the book is as it was last read, or there is still none. Costs a look at the file's size and time."""
        if self._broken or _look(self._place) != self._seen:
            return False
        return self._seen is not None or _look(self._heads_place) is None

    def news(self) -> News:
        """What was added since the last time. Raises StandingBroken, from then on always."""
        seen = _look(self._place)
        with self._lock:
            if self._broken:
                raise StandingBroken(self._broken, self._path)
            try:
                return self._catch_up(seen)
            except _Unbelievable as reason:
                self._broken = str(reason)
                raise StandingBroken(self._broken, self._path) from None

    def add(self, entries: Iterable[Entry], durable: bool) -> News:
        """Write entries behind all others; answers what others had added, then them.

        `durable` waits for the disk and signs the head anew: for what must not be lost or cut off unnoticed.

        Raises StandingBroken, and Problem PERMISSION_DENIED for what this party may not write.
        """
        adding = tuple(entries)
        for entry in adding:
            if not may_write(self._party, entry):
                who = "only a person, through the gateway" if entry.kind in LOOSENING else f"not {self._party}"
                raise Problem("PERMISSION_DENIED", f"To {entry.kind} {entry.name} is for somebody else: {who}.")
        with self._lock, self._alone():
            others = _NONE if self.quiet else self.news()
            lines = b"".join(self._line(entry.model_dump(mode="json", exclude_defaults=True)) for entry in adding)
            _write_behind(self._path, self._read, lines, durable)
            self._note(lines)
            if durable or not self._head.exists():
                self._sign_head()
            return News((*others.entries, *adding), others.afresh)

    def begin_again(self, entries: Iterable[Entry]) -> News:
        """Write the book anew with these entries only, unless somebody has just added to it: that is answered then.

        For the gateway. Raises StandingBroken.
        """
        with self._lock, self._alone():
            others = self.news()
            if others != _NONE:
                return others
            old = self._read, self._digest, self._seq, self._last
            self._begin(self._last)
            lines = self._line({"follows": self._last})
            lines += b"".join(self._line(entry.model_dump(mode="json", exclude_defaults=True)) for entry in entries)
            draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            draft.write_bytes(lines)
            self._sign_head()  # before: a head may be behind its book, never before it
            try:
                draft.replace(self._path)
            except OSError:  # a system that does not replace what others have open
                draft.unlink(missing_ok=True)
                self._read, self._digest, self._seq, self._last = old
                self._sign_head()
                return _NONE
            self._reopen()
            self._note(lines)
            return _NONE

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        how = os.O_RDWR | os.O_CREAT
        try:
            lock = os.open(self._turn, how, 0o666)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._turn, how, 0o666)
        try:
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _begin(self, before: str) -> None:
        self._read, self._digest = 0, hashlib.sha256()
        self._seq, self._last = 0, before

    def _line(self, shape: dict[str, Any]) -> bytes:
        self._seq += 1
        claims = {"iss": self._party, "seq": self._seq, "prev": self._last, "entry": shape}
        text = sign_jws(self._keys, LINE_TYPE, claims).encode()
        self._last = hashlib.sha256(text).hexdigest()
        return text + b"\n"

    def _note(self, written: bytes) -> None:
        """These bytes now end the file, and are known."""
        self._digest.update(written)
        self._read += len(written)
        if self._file is None:
            self._reopen()
        self._seen = _look(self._place)

    def _sign_head(self) -> None:
        head = sign_jws(self._keys, LINE_TYPE, {"iss": self._party, "seq": self._seq, "last": self._last})
        draft = self._head.with_name(f".{self._head.name}.{os.getpid()}")
        draft.write_text(head, encoding="ascii")
        draft.replace(self._head)

    def _reopen(self) -> None:
        self._file = _OpenFile(self._path)

    def _catch_up(self, seen: tuple[int, int, int] | None) -> News:
        if seen is None:
            if self._read or self._head.exists():
                raise _Unbelievable("it is gone")
            return _NONE
        first, afresh = self._file is None, False
        if self._file is not None and self._seen is not None and seen[0] != self._seen[0]:
            self._take_new()  # the new book must follow the very last line of the old one
            self._begin(self._last)
            afresh = True
        if first or afresh:
            self._reopen()
        entries = self._take_new()
        if first:
            self._check_head()
        self._seen = seen
        return News(tuple(entries), afresh)

    def _take_new(self) -> list[Entry]:
        assert self._file is not None
        whole = self._file.read()
        if len(whole) < self._read:
            raise _Unbelievable("it was cut off")
        if hashlib.sha256(whole[: self._read]).digest() != self._digest.digest():
            raise _Unbelievable("what stood in it was changed")
        new = whole[self._read : max(whole.rfind(b"\n") + 1, self._read)]
        entries = [entry for line in new.splitlines() if (entry := self._believed(line)) is not None]
        self._digest.update(new)
        self._read += len(new)
        return entries

    def _believed(self, line: bytes) -> Entry | None:
        """The entry of the next line; None for one that begins the book again."""
        number, entry = self._seq + 1, None
        try:
            claims = open_jws(line.decode("ascii"), LINE_TYPE, self._ring, WRITERS.keys())
            shape, before = claims["entry"], claims["prev"]
            if "follows" not in shape:
                entry = Entry.model_validate(shape)
        except (SignatureRefused, ValidationError, ValueError, KeyError, TypeError):
            raise _Unbelievable(f"line {number} is not a signed entry") from None
        anew = entry is None and number == 1 and claims["iss"] == GATEWAY
        if entry is None and not anew:
            raise _Unbelievable(f"it is begun again in line {number}")
        if entry is not None and not may_write(claims["iss"], entry):
            raise _Unbelievable(f"line {number}: {claims['iss']} may not {entry.kind} anything")
        if claims.get("seq") != number or (before != self._last and not (anew and self._last == _START)):
            raise _Unbelievable(f"line {number} does not follow the line before it")
        self._seq, self._last = number, hashlib.sha256(line).hexdigest()
        return entry

    def _check_head(self) -> None:
        """The book holds at least what its head says. A head that is behind is that of a process that died between."""
        try:
            claims = open_jws(self._head.read_text(encoding="ascii"), LINE_TYPE, self._ring, WRITERS.keys())
            least = int(claims["seq"])
        except FileNotFoundError:
            raise _Unbelievable("its head is gone") from None
        except (SignatureRefused, ValueError, KeyError, TypeError):
            raise _Unbelievable("its head is not signed by a party of this house") from None
        if self._seq < least:
            raise _Unbelievable(f"it ends at line {self._seq} of {least}")


class _OpenFile:
    """Kept open, so that what is replaced can still be read to its end; closed when nobody holds it any more."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | _BINARY)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self) -> bytes:
        """All of it."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        parts: list[bytes] = []
        while part := os.read(self._descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)


class _Unbelievable(Exception):  # noqa: N818 - a reason on its way
    pass


def _write_behind(path: Path, known: int, lines: bytes, durable: bool) -> None:
    """Write behind the bytes that are known, instead of what a process that died in the middle left there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _BINARY, 0o666)
    try:
        os.ftruncate(descriptor, known)
        while lines:
            lines = lines[os.write(descriptor, lines) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _look(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
