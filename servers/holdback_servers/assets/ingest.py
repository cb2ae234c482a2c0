"""From a path in the library to bytes in the store and facts about them. Knows nothing of what the library keeps."""

import asyncio
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, timecode_to_frames

from holdback_servers import media_worker
from holdback_servers.assets.credentials import warnings
from holdback_servers.assets.model import Purpose, TechnicalFacts
from holdback_servers.content_credentials import Credentials, anchors
from holdback_servers.jobs import Report
from holdback_servers.media_store import MediaStore, copy_hashed, file_sha256
from holdback_servers.media_worker import Limits
from holdback_servers.settings import Settings

FindingKind = Literal["black", "freeze", "silence", "flashing"]


@dataclass(frozen=True)
class Shot:
    """Frames `[in_frame, out_frame)` without a cut, and the name of its keyframe's bytes, if one was kept."""

    in_frame: int
    out_frame: int
    keyframe: str | None


@dataclass(frozen=True)
class Finding:
    """Frames `[in_frame, out_frame)` that somebody should look at: black, freeze, silence or flashing."""

    kind: FindingKind
    in_frame: int
    out_frame: int


@dataclass(frozen=True)
class Made:
    """Something that was made from the media, by the name of its bytes."""

    purpose: Purpose
    media: str
    facts: dict[str, str | int]


@dataclass(frozen=True)
class Measured:
    """What the worker found and made.

    `hashes` are frames and perceptual hashes of their pictures; `files` are the keyframes and all that was made, files
    of the workspace by the names of their bytes.
    """

    facts: TechnicalFacts
    shots: tuple[Shot, ...]
    findings: tuple[Finding, ...]
    hashes: tuple[tuple[int, int], ...]
    made: tuple[Made, ...]
    files: dict[str, Path]
    credentials: Credentials


def find_in_library(given: str, settings: Settings) -> Path:
    """The file that a path names, absolute or relative to a library root, with links resolved.

    Raises:
        Problem: PATH_OUTSIDE_LIBRARY (whether or not something is there), FILE_MISSING, NOT_MEDIA for a folder, an
            empty or a special file, TOO_LARGE.
    """
    cure = "Copy the file into a library root, or add its folder to library_roots."
    places = settings.places(given, what="one media file", cure=cure)
    place = next((place for place in places if place.exists()), None)
    if place is None:
        raise Problem("FILE_MISSING", f"There is no file {given}.", "Check the spelling; case matters.")
    about = place.stat()
    if not stat.S_ISREG(about.st_mode):
        raise Problem("NOT_MEDIA", f"{given} is not a file.", "Give one media file; folders are not read as one.")
    if about.st_size == 0:
        raise Problem("NOT_MEDIA", f"{given} is empty.", "Copy the file again; it has no bytes.")
    if about.st_size > settings.media_limit:
        raise Problem(
            "TOO_LARGE",
            f"{given} has {about.st_size} bytes; the limit is {settings.media_limit}.",
            "Raise media_limit, or ingest a smaller file.",
        )
    return place


@contextmanager
def _opened(place: Path) -> Generator[BinaryIO]:
    """The file itself: one that has become a link or a pipe since it was looked at is refused."""
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Problem("NOT_MEDIA", f"{place.name} is not a file.", "Give one media file.")
        yield file


async def take_copy(place: Path, target: Path, report: Report) -> str:
    """Copy the file into a workspace and hash what was copied; all that follows looks at the copy.

    Returns:
        `sha256:<hex>`.
    """
    stopped = False

    def copy() -> str:
        with _opened(place) as file:
            size = os.fstat(file.fileno()).st_size

            def told(done: int) -> None:
                if stopped:
                    raise InterruptedError
                loop.call_soon_threadsafe(report, done, size, "bytes", "copying")

            return copy_hashed(file, target, told)

    loop = asyncio.get_running_loop()
    try:
        return await asyncio.to_thread(copy)
    except FileNotFoundError as error:
        raise Problem("FILE_MISSING", f"There is no file {place.name} any more.", "Ingest it again.") from error
    except OSError as error:
        raise Problem("UNAVAILABLE", f"{place.name} cannot be read: {error.strerror}.", "Check the disk.") from error
    finally:
        stopped = True


def limits_of(settings: Settings) -> Limits:
    """What the media worker may take."""
    return Limits(
        memory_bytes=settings.worker_memory,
        cpu_seconds=settings.worker_seconds,
        wall_seconds=settings.worker_seconds,
        file_bytes=settings.media_limit,
    )


async def measure(copy: Path, name: str, settings: Settings, report: Report, *, proxy: bool = True) -> Measured:
    """Look at every frame of a copy in a workspace; what is made from it is left beside it.

    Raises:
        Problem: NOT_MEDIA, MEDIA_DAMAGED, TOO_LARGE.
    """
    answer = await media_worker.run(
        "holdback_servers.assets.analysis:analyse",
        {"path": str(copy), "name": name, "folder": str(copy.parent), "proxy": proxy, "anchors": anchors(settings)},
        lambda done, total, text: report(done, total, "frames", text),
        limits_of(settings),
        roots=(copy.parent,),
    )
    return await asyncio.to_thread(_measured, copy.parent, answer)


def _measured(folder: Path, answer: dict[str, Any]) -> Measured:
    """The worker's answer, with files named by their bytes."""
    given = [each["keyframe"] for each in answer["shots"]] + [each["file"] for each in answer["renditions"]]
    names = {file: file_sha256(folder / file) for file in given if file is not None}
    shots = (Shot(each["in_frame"], each["out_frame"], names.get(each["keyframe"])) for each in answer["shots"])
    credentials = Credentials.model_validate(answer["credentials"])
    facts = technical_facts(answer["facts"])
    return Measured(
        facts=facts.model_copy(update={"warnings": facts.warnings + warnings(credentials)}),
        credentials=credentials,
        shots=tuple(shots),
        findings=tuple(Finding(each["kind"], each["in_frame"], each["out_frame"]) for each in answer["findings"]),
        hashes=tuple((frame, value) for frame, value in answer["hashes"]),
        made=tuple(Made(each["purpose"], names[each["file"]], each["facts"]) for each in answer["renditions"]),
        files={name: folder / file for file, name in names.items()},
    )


def technical_facts(told: dict[str, Any]) -> TechnicalFacts:
    """Facts as the worker told them, checked; a start timecode that cannot exist is reported and left out."""
    written: str | None = told["start_timecode"]
    checked: dict[str, Any] = {"frames": max(1, told["frames"])}
    if written is not None:
        try:
            start = timecode_to_frames(written, Rate.model_validate(told["rate"]))
            checked |= {"start_frame": start, "drop_frame": ";" in written}
        except Problem as problem:
            warning = f"The start timecode is left out: {problem.message}"
            checked |= {"start_timecode": None, "warnings": [*told.get("warnings", ()), warning]}
    return TechnicalFacts.model_validate(told | checked)


async def probe(path: Path, name: str, settings: Settings) -> TechnicalFacts:
    """The facts of stored media from its headers, without loudness."""
    answer = await media_worker.run(
        "holdback_servers.assets.probing:probe",
        {"path": str(path), "name": name},
        limits=limits_of(settings),
        roots=(path,),
    )
    return technical_facts(answer)


def keep(media: MediaStore, files: dict[str, Path]) -> None:
    """Move files of a workspace into the store under their names."""
    for name, path in files.items():
        media.adopt(path, name)
