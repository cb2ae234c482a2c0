"""Files by content: `media/ab/<sha256 hex>`. A name is the hash of the bytes, so it can be believed and never reused.

Everything arrives in a workspace on the same file system, is hashed while it is copied, flushed to the disk, and then
renamed into place: a reader sees a whole file or none. A workspace is locked while it is in use; what a killed process
left is recognised by its lock being free, and swept.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from holdback_base.database import current_sight
from holdback_base.problem import Problem

_SHAPE = re.compile(r"sha256:([0-9a-f]{64})")
_CHUNK = 1 << 20

CopyReport = Callable[[int], None]
"""Told how many bytes have been copied; what it raises ends the copy."""


class MediaStore:
    """A folder of immutable files that all rooms of one house share.

    Safe for several processes at once: two that store the same bytes both succeed.

    Args:
        root: the folder; made when it is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._incoming = self.root / "incoming"
        self._told = self.root / "told"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._sweep()

    def put(self, source: Path | bytes | BinaryIO) -> str:
        """Store a copy of a file, some bytes or what a stream still holds.

        Returns:
            The name `sha256:<hex>`; the same bytes always give the same name and are kept once.
        """
        with self.workspace() as work:
            copy = work / "copy"
            return self.adopt(copy, copy_hashed(source, copy))

    def adopt(self, path: Path, sha256: str | None = None) -> str:
        """Move a finished file of a workspace into the store, without another copy; the path is gone afterwards.

        Args:
            path: a regular file on the store's file system, that nobody writes any more.
            sha256: its name, when the caller has hashed these very bytes; else it is hashed here.

        Returns:
            The name `sha256:<hex>`.
        """
        name = sha256 or file_sha256(path)
        place = self._place(name)
        if place.exists():
            path.unlink()
            return name
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.chmod(0o444)
        place.parent.mkdir(exist_ok=True)
        path.replace(place)
        _flush_folder(place.parent)
        return name

    def has(self, sha256: str) -> bool:
        """Whether the bytes are here, for whoever asks. A name of another shape is simply not here."""
        return self.keeps(sha256) and not self._hidden(sha256)

    def keeps(self, sha256: str) -> bool:
        """Whether the bytes are here, whoever asks: for the books, not for answers."""
        match = _SHAPE.fullmatch(sha256)
        return match is not None and self._place(sha256).is_file()

    def close(self, sha256: str, story: str | None) -> None:
        """Have bytes belong to a closed story, so that they are not here for whoever may not know of it, in every room;
        with None they are open again.

        What was made of them follows them into the story, unless it belongs to another one; opening them opens nothing
        else. All rooms hear of it (`told`).
        """
        before = self.story(sha256)
        self._write(self._mark(sha256, "story"), story)
        _add_line(self._told, sha256)  # after the mark: who reads the line finds it
        for made in self._made_of(sha256) if story is not None else ():
            if self.story(made) in {None, before} - {story}:
                self.close(made, story)

    def value(self, sha256: str, tier: int) -> None:
        """Have bytes be of a value tier, 1 to 3, in every room, whatever was signed of them before. What was made of
        them is at least as valuable."""
        self._write(self._mark(sha256, "tier"), str(tier) if tier > 1 else None)
        for made in self._made_of(sha256):
            if self.tier(made) < tier:
                self.value(made, tier)

    def note_made(self, sha256: str, sources: Iterable[str]) -> None:
        """Remember what bytes are made of, and have them belong to a closed story of those, and be as valuable."""
        of = [each for each in sources if each != sha256]
        for each in of:
            if sha256 not in self._made_of(each):
                _add_line(self._mark(each, "made"), sha256)
        story = next((found for each in of if (found := self.story(each)) is not None), None)
        if story is not None and self.story(sha256) is None:
            self.close(sha256, story)
        tier = max((self.tier(each) for each in of), default=1)
        if tier > self.tier(sha256):
            self.value(sha256, tier)

    def made_of(self, sha256: str) -> list[str]:
        """The names of all bytes that were made of these, directly or not, as far as it was noted (`note_made`)."""
        found: dict[str, None] = {}
        waiting = [sha256]
        while waiting:
            new = [each for each in self._made_of(waiting.pop()) if each not in (*found, sha256)]
            found |= dict.fromkeys(new)
            waiting += new
        return list(found)

    def told(self) -> int:
        """How much has been told of bytes that came to belong to other stories; more with every telling."""
        try:
            return os.stat(self._told).st_size
        except FileNotFoundError:
            return 0

    def told_since(self, place: int) -> tuple[list[str], int]:
        """The names of the bytes that came to belong to other stories since a place, each once, and the place now.

        From the beginning where less has been told than that: then the store was put back to what it was.
        """
        told = self.told()
        begin = place if place <= told else 0
        if begin == told:
            return [], told
        with self._told.open("rb") as file:
            file.seek(begin)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        return list(dict.fromkeys(whole.decode("ascii").split())), begin + len(whole)

    def _made_of(self, sha256: str) -> list[str]:
        return (self._read(sha256, "made") or "").split()

    def _write(self, mark: Path, text: str | None) -> None:
        if text is None:
            mark.unlink(missing_ok=True)
            return
        mark.parent.mkdir(exist_ok=True)
        with self.workspace() as work:
            fresh = work / "mark"
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(mark)

    def _mark(self, sha256: str, kind: str) -> Path:
        return self._place(sha256).with_suffix(f".{kind}")

    def _read(self, sha256: str, kind: str) -> str | None:
        try:
            return self._mark(sha256, kind).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def story(self, sha256: str) -> str | None:
        """The closed story that bytes belong to, if any. Raises as `path` does for another shape of name."""
        return self._read(sha256, "story")

    def tier(self, sha256: str) -> int:
        """The value tier of bytes, 1 to 3; 1 where nobody said more. Raises as `path` does for another shape."""
        return int(self._read(sha256, "tier") or 1)

    def _hidden(self, sha256: str) -> bool:
        sight = current_sight()
        story = None if sight is None else self.story(sha256)
        return sight is not None and story is not None and not sight.knows(story)

    def path(self, sha256: str) -> Path:
        """Where the bytes are, for reading only.

        Raises:
            Problem: INVALID_ARGUMENT for another shape of name, MEDIA_OFFLINE when the bytes are not here, or belong to
                a closed story that whoever asks may not know of.
        """
        place = self._place(sha256)
        if not place.is_file() or self._hidden(sha256):
            raise Problem(
                "MEDIA_OFFLINE",
                f"The bytes of {sha256} are not in the media store.",
                "Ingest or render the media again, or ask for another version.",
                media=sha256,
            )
        return place

    def size(self, sha256: str) -> int:
        """How many bytes. Raises as `path` does."""
        return self.path(sha256).stat().st_size

    def discard(self, sha256: str) -> None:
        """Forget bytes that nothing refers to, such as those of work that failed half-way; absent ones are no error."""
        self._place(sha256).unlink(missing_ok=True)

    @contextmanager
    def workspace(self) -> Generator[Path]:
        """A private folder on the store's file system for work in progress; gone on leaving, however one leaves."""
        with _locked(self._incoming, fcntl.LOCK_SH):  # no sweep between the folder and its lock
            folder = Path(tempfile.mkdtemp(dir=self._incoming))
            handle = os.open(folder, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_SH)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)

    def _sweep(self) -> None:
        """Remove the workspaces of processes that are gone."""
        with _locked(self._incoming, fcntl.LOCK_EX):
            for folder in self._incoming.iterdir():
                with contextlib.suppress(OSError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    shutil.rmtree(folder, ignore_errors=True)

    def _place(self, sha256: str) -> Path:
        match = _SHAPE.fullmatch(sha256)
        if match is None:
            raise Problem(
                "INVALID_ARGUMENT",
                f"{sha256[:80]!r} is not the name of media.",
                "Write sha256: and 64 lower-case hex digits.",
            )
        digits = match.group(1)
        return self.root / digits[:2] / digits


@contextmanager
def _locked(folder: Path, how: int) -> Generator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def copy_hashed(source: Path | bytes | BinaryIO, target: Path, report: CopyReport | None = None) -> str:
    """Copy into a new file and hash the very bytes that were written. Returns `sha256:<hex>`."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return copy_hashed(file, target, report)
    digest, done = hashlib.sha256(), 0
    with target.open("xb") as out:
        for chunk in [source] if isinstance(source, bytes) else iter(lambda: source.read(_CHUNK), b""):
            digest.update(chunk)
            out.write(chunk)
            done += len(chunk)
            if report is not None:
                report(done)
    return "sha256:" + digest.hexdigest()


def file_sha256(path: Path) -> str:
    """`sha256:<hex>` of a file."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _add_line(file: Path, line: str) -> None:
    """Add a line to a file, whoever else does meanwhile: so little is written in one piece."""
    file.parent.mkdir(exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, f"{line}\n".encode("ascii"))
    finally:
        os.close(handle)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
