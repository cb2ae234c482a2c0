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
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_trust.identity import GATEWAY
from holdback_trust.keys import KeyPair, KeyRing, SignatureRefused, open_jws, sign_jws
from holdback_trust.standing.files import OpenFile, look, write_behind
from holdback_trust.standing.state import LOOSENING, WRITERS, Entry, may_write

if sys.platform != "win32":
    import fcntl

LINE_TYPE = "standing+jwt"
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

    def then(self, later: "News") -> "News":
        """This, and what was added after it."""
        return later if later.afresh else News((*self.entries, *later.entries), self.afresh)


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
        self._file: OpenFile | None = None
        self._seen: tuple[int, int, int] | None = None
        self._read: int = 0
        self._digest = hashlib.sha256()
        self._seq: int = 0
        self._last: str = _START
        self._broken: str = ""
        self._untold = _NONE
        self._is_alone = False
        self._lock = threading.RLock()

    @property
    def lines(self) -> int:
        """How many lines are known."""
        return self._seq

    @property
    def quiet(self) -> bool:
        """Whether the book is as it was last read, or there is still none. Costs a look at the file's size and time."""
        if self._broken or self._untold is not _NONE or look(self._place) != self._seen:
            return False
        return self._seen is not None or look(self._heads_place) is None

    def news(self) -> News:
        """What was added since the last time. Raises StandingBroken, from then on always."""
        seen = look(self._place)
        with self._lock:
            self._hear(seen)
            return self._tell()

    def add(self, entries: Iterable[Entry], durable: bool) -> News:
        """Write entries behind all others; answers what others had added, then them.

        `durable` waits for the disk and signs the head anew: for what must not be lost or cut off unnoticed.

        Raises StandingBroken, and Problem PERMISSION_DENIED for what this party may not write; OSError when the disk
        does not take it: what stands in the book nevertheless, and what others had added, is news the next time.
        """
        adding = tuple(entries)
        for entry in adding:
            if not may_write(self._party, entry):
                who = "only a person, through the gateway" if entry.kind in LOOSENING else f"not {self._party}"
                raise Problem("PERMISSION_DENIED", f"To {entry.kind} {entry.name} is for somebody else: {who}.")
        with self._lock, self._alone():
            if not self.quiet:
                self._hear(look(self._place))
            before = self._seq, self._last
            try:
                lines = b"".join(self._line(entry.model_dump(mode="json", exclude_defaults=True)) for entry in adding)
                write_behind(self._path, self._read, lines, durable)
            except BaseException:
                self._seq, self._last = before
                raise
            self._untold = self._untold.then(News(adding))
            self._note(lines)
            if durable or not self._head.exists():
                self._sign_head()
            return self._tell()

    def begin_again(self, entries: Iterable[Entry]) -> News:
        """Write the book anew with these entries only, unless somebody has just added to it: that is answered then.

        For the gateway. Raises StandingBroken.
        """
        with self._lock, self._alone():
            others = self.news()
            if others != _NONE:
                return others
            old = self._read, self._digest, self._seq, self._last
            draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            try:
                lines, file = self._draft(draft, entries)
                self._sign_head()  # before: a head may be behind its book, never before it
                draft.replace(self._path)
            except BaseException as failure:
                self._read, self._digest, self._seq, self._last = old
                with contextlib.suppress(OSError):
                    draft.unlink(missing_ok=True)
                self._sign_head()
                if isinstance(failure, PermissionError):  # a system that does not replace what others have open
                    return _NONE
                raise
            self._file = file
            self._note(lines)
            return _NONE

    def _draft(self, draft: Path, entries: Iterable[Entry]) -> tuple[bytes, OpenFile]:
        """The lines of a book that follows this one, and the file that they lie in."""
        before = self._last
        self._begin(before)
        lines = self._line({"follows": before})
        lines += b"".join(self._line(entry.model_dump(mode="json", exclude_defaults=True)) for entry in entries)
        write_behind(draft, 0, lines, durable=True)
        return lines, OpenFile(draft)

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        if self._is_alone:
            yield
            return
        how = os.O_RDWR | os.O_CREAT
        try:
            lock = os.open(self._turn, how, 0o666)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._turn, how, 0o666)
        try:
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)
            self._is_alone = True
            yield
        finally:
            self._is_alone = False
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
            self._file = OpenFile(self._path)
        self._seen = look(self._place)

    def _sign_head(self) -> None:
        head = sign_jws(self._keys, LINE_TYPE, {"iss": self._party, "seq": self._seq, "last": self._last})
        draft = self._head.with_name(f".{self._head.name}.{os.getpid()}")
        draft.write_text(head, encoding="ascii")
        draft.replace(self._head)

    def _hear(self, seen: tuple[int, int, int] | None) -> None:
        if self._broken:
            raise StandingBroken(self._broken, self._path)
        self._untold = self._untold.then(News())  # nobody finds the book quiet until it is told what is read now
        try:
            self._untold = self._untold.then(self._catch_up(seen))
        except _Unbelievable as reason:
            self._broken = str(reason)
            raise StandingBroken(self._broken, self._path) from None

    def _tell(self) -> News:
        told, self._untold = self._untold, _NONE
        return told

    def _catch_up(self, seen: tuple[int, int, int] | None) -> News:
        if seen is None:
            if self._read or self._head.exists():
                raise _Unbelievable("it is gone")
            return _NONE
        if self._file is None:
            try:
                entries, afresh = self._read_whole(), False
            except _Unbelievable:  # somebody who writes just now is done when it is this one's turn
                with self._alone():
                    entries, afresh = self._read_whole(), False
        elif self._seen is not None and seen[0] != self._seen[0]:
            file = OpenFile(self._path)
            self._take_new(self._file)  # the new book must follow the very last line of the old one
            self._begin(self._last)
            entries, afresh = self._take_new(file), True
            self._file, self._seen = file, file.seen
        else:
            entries, afresh = self._take_new(self._file), False
            self._seen = seen
        return News(tuple(entries), afresh)

    def _read_whole(self) -> list[Entry]:
        """All that stands in the book, which holds at least what its head says. A head that is behind is that of a
        process that died between."""
        file = OpenFile(self._path)
        self._begin(_START)
        entries, least = self._take_new(file), self._least()
        if self._seq < least:
            raise _Unbelievable(f"it ends at line {self._seq} of {least}")
        self._file, self._seen = file, file.seen
        return entries

    def _take_new(self, file: OpenFile) -> list[Entry]:
        whole = file.read()
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

    def _least(self) -> int:
        """How many lines its head vouches for."""
        try:
            claims = open_jws(self._head.read_text(encoding="ascii"), LINE_TYPE, self._ring, WRITERS.keys())
            return int(claims["seq"])
        except FileNotFoundError:
            raise _Unbelievable("its head is gone") from None
        except (SignatureRefused, ValueError, KeyError, TypeError):
            raise _Unbelievable("its head is not signed by a party of this house") from None


class _Unbelievable(Exception):  # noqa: N818 - a reason on its way
    pass
