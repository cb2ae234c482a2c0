"""The one way to open media that somebody else made. Runs in the media worker.

Only local files, only formats that hold their own media, never playlists (HLS, DASH, concat) that would make FFmpeg
open further files or addresses.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from holdback_base.problem import Problem

if TYPE_CHECKING:
    from av.container import InputContainer

FORMATS = (
    *("mov", "matroska", "avi", "mxf", "mpegts", "mpeg", "wav", "w64", "mp3", "aac", "flac", "ogg", "aiff", "gif"),
    *("png_pipe", "jpeg_pipe", "webp_pipe", "tiff_pipe", "bmp_pipe"),
)
"""Demuxers that are let in, by FFmpeg's names. `image2` is out: it reads `%03d` in a name as a pattern of files."""

_roots: list[Path] = []


def restrict_to(roots: Sequence[Path]) -> None:
    """From now on this process opens media under these folders only; the media worker calls it before its function."""
    _roots[:] = [root.resolve() for root in roots]


@contextmanager
def open_media(path: Path, name: str = "") -> "Generator[InputContainer]":
    """Open a local media file for reading.

    Args:
        path: the file; it may be a copy in a workspace.
        name: what people call it, for messages; else the file's own name.

    Raises:
        Problem: FILE_MISSING; NOT_MEDIA for a folder, an empty file or bytes of no accepted format; MEDIA_DAMAGED for
            a file that begins as media but cannot be opened; PATH_OUTSIDE_LIBRARY outside the worker's folders.
    """
    import av
    import av.error

    path, name = path.resolve(), name or path.name
    head = _head(path, name)
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(FORMATS)}
    try:
        container = av.open(f"file:{path}", mode="r", options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise _unreadable(name, head) from error
    with container:
        yield container


def check_allowed(path: Path, name: str) -> None:
    """Raises Problem PATH_OUTSIDE_LIBRARY for a resolved path that is not under the worker's folders."""
    if _roots and not any(path.is_relative_to(root) for root in _roots):
        raise Problem("PATH_OUTSIDE_LIBRARY", f"{name} is not in a folder that this work may read.")


def _head(path: Path, name: str) -> bytes:
    check_allowed(path, name)
    if not path.exists():
        raise Problem("FILE_MISSING", f"There is no file {name}.", "Check the path; give one that exists.")
    if not path.is_file():
        raise Problem("NOT_MEDIA", f"{name} is not a file.", "Give one media file.")
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise Problem("NOT_MEDIA", f"{name} is empty.", "Copy the file again; it has no bytes.")
    return head


def _unreadable(name: str, head: bytes) -> Problem:
    if looks_like_media(head):
        return Problem(
            "MEDIA_DAMAGED",
            f"{name} begins as media but cannot be opened: it is truncated or broken.",
            "Copy the file again from its source and compare sizes.",
        )
    return Problem(
        "NOT_MEDIA",
        f"{name} is not media of an accepted format.",
        "Give MP4, MOV, Matroska, MXF, MPEG-TS, WAV, MP3, FLAC, Ogg or a still picture; playlists are not read.",
    )


def looks_like_media(head: bytes) -> bool:
    """Whether the first 16 bytes are those of an accepted container."""
    starts = (b"\x1a\x45\xdf\xa3", b"OggS", b"fLaC", b"ID3", b"\x06\x0e\x2b\x34", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
    riff = head[:4] in (b"RIFF", b"RF64") and head[8:12] in (b"WAVE", b"AVI ", b"WEBP")
    return head.startswith(starts) or riff or head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
