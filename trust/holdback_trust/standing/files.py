"""The bytes of a standing book: how they are read, and how some are written behind others."""

import os
import weakref
from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)


class OpenFile:
    """Kept open, so that what is replaced can still be read to its end; closed when nobody holds it any more."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | _BINARY)
        self.seen = _looks(os.fstat(self._descriptor))
        weakref.finalize(self, os.close, self._descriptor)

    def read(self) -> bytes:
        """All of it."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        parts: list[bytes] = []
        while part := os.read(self._descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)


def write_behind(path: Path, known: int, lines: bytes, durable: bool) -> None:
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


def look(path: str) -> tuple[int, int, int] | None:
    """Which file lies there, how long it is, and since when; None where there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return _looks(found)


def _looks(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns
