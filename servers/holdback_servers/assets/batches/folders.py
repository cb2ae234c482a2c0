"""What lies in a folder of the library: which files are media by their names or first bytes. Follows no links."""

import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from holdback_base.problem import Problem

from holdback_servers.media_reading import looks_like_media
from holdback_servers.settings import Settings

MOST_FILES = 20_000
_DEEPEST = 32
_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mxf", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".vob"),
        *(".wav", ".w64", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".oga", ".opus", ".aif", ".aiff"),
        *(".gif", ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"),
    }
)
_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart")


@dataclass(frozen=True)
class FoundFile:
    """A file: its place, its name from the folder down, its size in bytes, when it was changed (nanoseconds)."""

    path: Path
    name: str
    size: int
    modified: int


@dataclass(frozen=True)
class Contents:
    """The media files of a folder in order of their names, and what was passed over, each with why."""

    files: tuple[FoundFile, ...]
    passed_over: tuple[tuple[str, str], ...]


def find_folder(given: str, settings: Settings) -> Path:
    """The folder that a path names, absolute or relative to a library root, with links resolved.

    Raises:
        Problem: PATH_OUTSIDE_LIBRARY (whether or not something is there), FILE_MISSING, INVALID_ARGUMENT for a file.
    """
    cure = "Move the folder into a library root, or add it to library_roots."
    places = settings.places(given, what="one folder", cure=cure)
    place = next((place for place in places if place.exists()), None)
    if place is None:
        raise Problem("FILE_MISSING", f"There is no folder {given}.", "Check the spelling; case matters.")
    if not place.is_dir():
        raise Problem("INVALID_ARGUMENT", f"{given} is not a folder.", "Give a folder; ingest_media takes one file.")
    return place


def look_into(folder: Path, *, below: bool = True) -> Contents:
    """What lies in a folder and, unless told otherwise, in the folders below it.

    Hidden files, links, what is still being copied by its name, what is no media, names that are no text, and folders
    below that cannot be read are passed over.

    Raises:
        Problem: TOO_LARGE for more than 20,000 files; UNAVAILABLE when the folder itself cannot be read.
    """
    files: list[FoundFile] = []
    passed: list[tuple[str, str]] = []
    waiting = [(folder, "", 0)]
    seen = 0
    while waiting:
        place, above, depth = waiting.pop()
        try:
            entries = _entries(place)
        except Problem as problem:
            if not depth:
                raise
            passed.append((above, problem.message))
            continue
        for entry in entries:
            seen += 1
            if seen > MOST_FILES:
                raise Problem(
                    "TOO_LARGE", f"{folder.name} holds more than {MOST_FILES} files.", "Take it in folder by folder."
                )
            name = f"{above}{entry.name}"
            if (text := _readable(name)) != name:
                passed.append((text, "Its name holds signs that are no text. Rename it."))
                continue
            if entry.is_dir(follow_symlinks=False):
                if below and depth < _DEEPEST and not entry.name.startswith("."):
                    waiting.append((Path(entry.path), f"{name}/", depth + 1))
                continue
            found = _examined(entry, name)
            if isinstance(found, FoundFile):
                files.append(found)
            elif found:
                passed.append((name, found))
    return Contents(tuple(sorted(files, key=lambda each: each.name)), tuple(sorted(passed)))


def _readable(name: str) -> str:
    """A name with another sign in place of each that is none: bytes that are not UTF-8, control characters."""
    if name.isprintable():
        return name
    return "".join("\ufffd" if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in name)


def _entries(place: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as found:
            return list(found)
    except OSError as error:
        raise Problem("UNAVAILABLE", f"{place.name} cannot be read: {error.strerror}.", "Check its rights.") from error


def _examined(entry: os.DirEntry[str], name: str) -> FoundFile | str:
    """The file, or why it is passed over; nothing to say of hidden ones."""
    if entry.name.startswith((".", "~$")):
        return ""
    if entry.name.casefold().endswith(_UNFINISHED):
        return "By its name it is still being copied."
    try:
        about = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(about.st_mode):
            return "It is a link." if stat.S_ISLNK(about.st_mode) else "It is no file."
        if Path(entry.name).suffix.casefold() in _SUFFIXES or _begins_as_media(entry.path):
            return FoundFile(Path(entry.path), name, about.st_size, about.st_mtime_ns)
    except OSError as error:
        return f"It cannot be read: {error.strerror}."
    return "Neither its name nor its first bytes are those of media."


def _begins_as_media(path: str) -> bool:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return looks_like_media(file.read(16))
