"""Publishes into a folder: whoever watches it finds what is on show now, whole, and what was taken down.

    <root>/<channel>/<publication>/
        current.json      what stands: revision, key, territories, and the folder of its package, absent when it is down
        r000001/          one package: metadata.json, territories.json, media.mp4, captions.de.vtt
        r000002.down.json what is left of a take-down

A package is written beside its place and renamed into it, and `current.json` is replaced as a whole, so a watcher never
sees half of one. Of what is no longer on show no media stays. Two processes may write at once.
"""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import re
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from holdback_base.problem import Problem

from holdback_servers.media_store import copy_hashed
from holdback_servers.schedule.ports import Package

log = logging.getLogger(__name__)

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_CURRENT = "current.json"
_REVISION = re.compile(r"r(\d{6,})(?:\.down\.json)?\Z")


class FolderPublisher:
    """Writes packages below a folder, which is made when it is not there."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def deliver(self, package: Package) -> str:
        """Put the package into its folder, or take it away; the receipt names the place.

        Raises:
            Problem: UNAVAILABLE when the folder cannot be written or bytes are not as the manifest says; CONFLICT for a
                revision that is older than what stands.
        """
        for name in (package.channel, package.publication.id, *package.files):
            if not _PLAIN.fullmatch(name):
                raise Problem("CONFLICT", f"{name!r} cannot be the name of a file.", "Give it a plain id.")
        place = self._root / package.channel / package.publication.id
        try:
            return await asyncio.to_thread(_deliver, place, package)
        except OSError as error:
            raise Problem(
                "UNAVAILABLE",
                f"{error.filename or place} cannot be written: {error.strerror or error}.",
                "Make room there or give this user the right to write; it is tried again.",
            ) from error


def _deliver(place: Path, package: Package) -> str:
    place.mkdir(parents=True, exist_ok=True)
    with _alone(place):
        stands = _standing(place)
        revision = stands.get("revision", 0)
        if revision > package.revision:
            raise Problem(
                "CONFLICT",
                f"Revision {package.revision} of {package.publication.id} comes after revision {revision}.",
                "Nothing is left to do; what stands is newer.",
            )
        _sweep(place, stands)
        if stands.get("key") != package.key:
            kept = _put(place, package, stands) if package.territories else _take_down(place, package)
            _replace(place / _CURRENT, kept)
            _sweep(place, kept)
        return f"{place}: revision {package.revision}, {', '.join(package.territories) or 'taken down'}"


def _put(place: Path, package: Package, stands: Mapping[str, Any]) -> dict[str, Any]:
    name = f"r{package.revision:06}"
    draft = place / f".{name}.part"
    draft.mkdir()
    before = place / stands["folder"] if "folder" in stands else None
    try:
        for listed in package.manifest["files"]:
            _bring(package.files[listed["name"]], draft / listed["name"], listed, before)
        _write(draft / "territories.json", {"territories": package.manifest["territories"]})
        _write(draft / "metadata.json", package.manifest)
        _flush(draft)
        draft.rename(place / name)
    except (OSError, Problem):
        shutil.rmtree(draft, ignore_errors=True)  # bytes that nobody approved do not lie where others watch
        raise
    return _facts(package) | {"folder": name}


def _bring(source: Path, target: Path, listed: Mapping[str, Any], before: Path | None) -> None:
    """A file of the package; the same bytes of the revision before are linked, all others copied and checked."""
    if before is not None and (old := before / listed["name"]).is_file() and _same(before, listed):
        target.hardlink_to(old)
        return
    if copy_hashed(source, target) != listed["sha256"]:
        raise Problem(
            "UNAVAILABLE",
            f"The bytes of {listed['sha256']} in the media store are not those of that name.",
            "Restore the file from a copy, or ingest or render it again; it is tried again.",
            media=listed["sha256"],
        )
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _same(before: Path, listed: Mapping[str, Any]) -> bool:
    known = _read(before / "metadata.json") or {}
    return any(dict(listed) == each for each in known.get("files", ()))


def _take_down(place: Path, package: Package) -> dict[str, Any]:
    _replace(place / f"r{package.revision:06}.down.json", package.manifest)
    return _facts(package)


def _facts(package: Package) -> dict[str, Any]:
    return {
        "publication": package.publication.id,
        "revision": package.revision,
        "key": package.key,
        "territories": list(package.territories),
    }


def _standing(place: Path) -> dict[str, Any]:
    """What stands, by `current.json`; by the names beside it where that was spoiled: no take-down waits for a cure."""
    known = _read(place / _CURRENT)
    if known is not None and isinstance(known.get("revision", 0), int):
        return known
    log.warning("%s was spoiled; it is written anew.", place / _CURRENT)
    found = (_REVISION.match(each.name) for each in place.iterdir())
    return {"revision": max((int(each[1]) for each in found if each), default=0)}


def _read(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file, empty where there is no file; None for anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _sweep(place: Path, stands: Mapping[str, Any]) -> None:
    """Remove what does not stand: packages of before, and halves that a killed process left."""
    for each in place.iterdir():
        if each.is_dir() and each.name != stands.get("folder"):
            shutil.rmtree(each)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, content: Mapping[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.part")
    _write(draft, content)
    draft.replace(path)
    _flush(path.parent)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(place: Path) -> Generator[None]:
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)
