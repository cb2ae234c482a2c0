"""How a file comes from a library root onto the shelf."""

import asyncio
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdback_base.database import Unit
from holdback_base.elements import ElementList
from holdback_base.ids import NewId
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant
from sqlalchemy import Connection

from holdback_servers.assets import ingest, store
from holdback_servers.assets.closing import mark_media, value_media
from holdback_servers.assets.credentials import stated
from holdback_servers.assets.model import Asset, Rendition, Segment, SegmentKind, Value, Version
from holdback_servers.assets.papers import (
    IngestRequest,
    Registered,
    declared_list,
    describe_shots,
    first_values,
    one_element,
)
from holdback_servers.assets.shelf import NewVersion, answer_about, put_on_shelf
from holdback_servers.jobs import Report
from holdback_servers.services import Services

INGEST = "ingest"
"""The kind of ingest jobs."""

_FOUND: dict[ingest.FindingKind, str] = {
    "black": "Black picture",
    "freeze": "The picture stands still",
    "silence": "Silence",
    "flashing": "Flashes more than three times a second",
}


@dataclass(frozen=True)
class _Copied:
    """A file that has been copied and measured."""

    title: str
    media: str
    measured: ingest.Measured


class Ingest:
    """The handler of ingest jobs: copy, hash, measure, keep, write. What fails on the way leaves nothing behind."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Run one ingest; the answer is a `Registered`. Raises Problem for bad input."""
        services, given = self._services, IngestRequest.model_validate(request)
        place = await asyncio.to_thread(ingest.find_in_library, given.path, services.settings)
        with services.media.workspace() as work:
            copy = work / "media"
            media = await ingest.take_copy(place, copy, report)
            known = await services.database.read(lambda c: _known(c, media, given))
            if known is not None:
                if not services.media.keeps(media):  # they were lost: here they are again
                    await asyncio.to_thread(ingest.keep, services.media, {media: copy})
                return known.model_dump(mode="json")
            measured = await ingest.measure(copy, place.name, services.settings, report, proxy=given.proxy)
            copied = _Copied(given.title or place.stem, media, measured)
            papers = _ingest_papers(given, copied, services.new_id, services.clock())
            files = {media: copy} | measured.files

            def shelve(connection: Connection) -> Registered:
                if (already := _known(connection, media, given)) is not None:
                    return already
                answer = put_on_shelf(connection, papers)
                if papers.asset.story is not None:
                    mark_media(connection, services.media, [papers.asset.id])
                value_media(connection, services.media, [papers.asset.id])
                return answer

            answer = await self._keep(files, shelve)
            return answer.model_dump(mode="json")

    async def _keep(self, files: dict[str, Path], unit: Unit[Registered]) -> Registered:
        """Move the files into the store and write the papers; both happen or, whatever comes between, neither."""
        media, database = self._services.media, self._services.database
        fresh = [name for name in files if not media.keeps(name)]
        moving = asyncio.ensure_future(asyncio.to_thread(ingest.keep, media, files))

        def write(connection: Connection) -> Registered:
            if any(not media.keeps(name) for name in files):
                raise Problem("UNAVAILABLE", "Files of it were given up by another ingest.", "Ingest it again.")
            return unit(connection)

        def give_up(connection: Connection) -> None:
            # A write that was cancelled while it ran is on disk all the same; this one is queued behind it. Pictures
            # of black and of silence may be those of another ingest too, which was written meanwhile.
            for name in fresh:
                if not store.refers_to(connection, name):
                    media.discard(name)

        try:
            await asyncio.shield(moving)
            return await database.write(write)
        except BaseException:
            await asyncio.wait([moving])
            await database.write(give_up)
            raise


def _known(connection: Connection, media: str, given: IngestRequest) -> Registered | None:
    """The answer for bytes that are in the library already.

    Raises:
        Problem: CONFLICT when other elements, or another ref, are declared for the same bytes.
    """
    version = store.version_of_media(connection, media)
    if version is None:
        return None
    if not _agrees(given, version):
        raise Problem(
            "CONFLICT",
            f"These bytes are {version.id} already, with another element list.",
            "The same bytes cannot be made of two things; leave elements and ref out to get what is known.",
            asset_id=version.asset_id,
            version_id=version.id,
        )
    return answer_about(connection, version, already=True)


def _agrees(given: IngestRequest, version: Version) -> bool:
    """Whether what is declared, if anything, is what the version is known to be made of."""
    if given.elements:
        numbers = itertools.count()
        declared = declared_list(given.elements, version.facts, lambda _: str(next(numbers)))
        return _essence(declared) == _essence(version.element_list)
    return given.ref is None or {given.ref} == {each.ref for each in version.element_list.elements}


def _essence(elements: ElementList) -> list[str]:
    """What a list says, whatever the ids of its elements."""
    return sorted(each.model_dump_json(exclude={"id"}) for each in elements.elements)


def _ingest_papers(given: IngestRequest, copied: _Copied, new_id: NewId, now: Instant) -> NewVersion:
    facts, title = copied.measured.facts, copied.title
    asset = Asset(id=new_id("ast"), kind=given.kind, title=title, at=now, story=given.story, tier=given.tier)
    version_id = new_id("ver")
    declared = given.elements or (one_element(given.kind, title, given.ref),)
    shots, found = _detected(copied.measured, version_id, new_id)
    segments = describe_shots(shots, given.segments, facts, version_id, new_id)
    version = Version(
        id=version_id,
        asset_id=asset.id,
        number=1,
        media=copied.media,
        facts=facts,
        element_list=declared_list(declared, facts, new_id),
        elements_from="supplier",
        by=given.by,
        at=now,
    )
    words: dict[str, Value | None] = {"title": title, "description": given.description, "tags": given.tags}
    words |= {"story": given.story, "tier": given.tier if given.tier > 1 else None}
    values = first_values(asset.id, words, method="manual", by=given.by, at=now, new_id=new_id)
    for segment, entry in segments:
        if entry is not None:
            said = {**entry.fields, "description": entry.description, "tags": entry.tags}
            values += first_values(segment.id, said, method="imported", by=given.by, at=now, new_id=new_id)
    told = stated(copied.measured.credentials)
    values += first_values(version_id, told, method="imported", by=given.by, at=now, new_id=new_id)
    renditions = (
        Rendition(
            id=new_id("ren"), version_id=version_id, purpose=made.purpose, media=made.media, facts=made.facts, at=now
        )
        for made in copied.measured.made
    )
    return NewVersion(
        asset=asset,
        version=version,
        segments=(*(segment for segment, _ in segments), *found),
        values=tuple(values),
        renditions=tuple(renditions),
        pictures=copied.measured.hashes,
    )


def _detected(measured: ingest.Measured, version_id: str, new_id: NewId) -> tuple[list[Segment], list[Segment]]:
    """The shots, and what else was found, as segments; each names the detector that found it."""

    def segment(kind: SegmentKind, span: ingest.Shot | ingest.Finding, text: str, keyframe: str | None) -> Segment:
        detector = "shots" if kind == "shot" else kind
        return Segment(
            id=new_id("seg"),
            version_id=version_id,
            kind=kind,
            in_frame=span.in_frame,
            out_frame=span.out_frame,
            method="auto",
            text=text,
            keyframe=keyframe,
            ai_config=f"urn:holdback:detector:{detector}:1",
        )

    shots = [segment("shot", each, "", each.keyframe) for each in measured.shots]
    return shots, [segment(each.kind, each, _FOUND[each.kind], None) for each in measured.findings]
