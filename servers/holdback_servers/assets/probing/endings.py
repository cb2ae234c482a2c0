"""Whether a file is as long as its outermost parts say. Runs in the media worker."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from holdback_base.problem import Problem

Part = tuple[str, int]
"""The name of an outermost part, and the byte behind its last."""
_EBML_ID, _EBML_SIZE = 4, 8
_MOST_CHUNKS = 1000
_WAVE_STREAMED = (0, 0xFFFFFFFF)
"""Sizes that a writer leaves that could not go back to the start: they promise nothing."""


def check_ending(path: Path, name: str, container: str) -> None:
    """Compare the outermost parts of a file with its length: boxes, RIFF chunks, Matroska segments.

    A decoder does not notice: sound or the last pictures are missing, and all before decodes well.

    Args:
        container: FFmpeg's name of the format; of any other nothing is known here, and nothing is said.

    Raises:
        Problem: MEDIA_DAMAGED when a part ends beyond the file.
    """
    parts = next((parts for format_name, parts in _PARTS.items() if format_name in container.split(",")), None)
    if parts is None:
        return
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        for part, end in parts(file, length):
            if end > length:
                raise Problem(
                    "MEDIA_DAMAGED",
                    f"{name} is truncated: its part {part!r} ends at byte {end}, the file at byte {length}.",
                    "Copy the file again from its source and compare sizes.",
                    bytes=length,
                    promised=end,
                )


def _boxes(file: BinaryIO, length: int) -> Iterator[Part]:
    """ISO/IEC 14496-12, 4.2: a 32-bit size; 1 says that 64 bits follow, 0 that the box goes to the end of the file."""
    at = 0
    while at < length:
        head = _read(file, at, 16)
        if len(head) < 8:
            if any(head):  # else padding
                yield _name(head[4:]), at + 8
            return
        size, least = int.from_bytes(head[:4]), 8
        if size == 1:
            size, least = int.from_bytes(head[8:16]), 16
            if len(head) < 16:
                yield _name(head[4:8]), at + 16
                return
        if size < least or not _is_code(head[4:8]):  # to the end of the file, or what a camera put behind the boxes
            return
        at += size
        yield _name(head[4:8]), at


def _is_code(code: bytes) -> bool:
    """Whether four bytes name a box: signs of ASCII, and the copyright sign of QuickTime."""
    return all(0x20 <= sign < 0x7F or sign == 0xA9 for sign in code)


def _chunks(file: BinaryIO, length: int) -> Iterator[Part]:
    """RIFF, and RF64 of EBU Tech 3306, whose 64-bit size stands in its first chunk. The pad byte may be left out."""
    at = 0
    while at + 8 <= length:
        head = _read(file, at, 28)
        size = int.from_bytes(head[4:8], "little")
        if head[:4] == b"RF64" and head[12:16] == b"ds64":
            size = int.from_bytes(head[20:28], "little")
        if head[:4] not in (b"RIFF", b"RF64") or size in _WAVE_STREAMED:
            return
        yield _name(head[:4]), at + 8 + size - size % 2
        if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            yield from _samples(file, at + 12, length)
        at += 8 + size + size % 2


def _samples(file: BinaryIO, at: int, length: int) -> Iterator[Part]:
    """The chunk `data` of a WAVE file, which holds its samples."""
    for _ in range(_MOST_CHUNKS):
        head = _read(file, at, 8)
        size = int.from_bytes(head[4:8], "little")
        if len(head) < 8 or size in _WAVE_STREAMED:
            return
        if head[:4] == b"data":
            yield "data", at + 8 + size
            return
        at += 8 + size + size % 2
        if at >= length:
            return


def _elements(file: BinaryIO, length: int) -> Iterator[Part]:
    """EBML, RFC 8794: an id and a size of variable length; a size of ones only is unknown."""
    at = 0
    while at < length:
        head = _read(file, at, _EBML_ID + _EBML_SIZE)
        id_length = 9 - head[0].bit_length()
        size_at = head[id_length] if id_length < len(head) else 0
        size_length = 9 - size_at.bit_length()
        if id_length > _EBML_ID or size_length > _EBML_SIZE:
            return
        ones = (1 << 7 * size_length) - 1
        size = int.from_bytes(head[id_length : id_length + size_length]) & ones
        if size == ones:
            return
        at += id_length + size_length + size
        yield head[:id_length].hex(), at


_PARTS: dict[str, Callable[[BinaryIO, int], Iterator[Part]]] = {
    "mov": _boxes,
    "matroska": _elements,
    "wav": _chunks,
    "avi": _chunks,
}


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _name(code: bytes) -> str:
    return code.decode("ascii", "replace")
