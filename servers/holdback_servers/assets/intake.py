"""How things come into the library: a file from a library root, or a new cut with its papers."""

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
from holdback_trust.statements import SignedCut, read_cut
from sqlalchemy import Connection

from holdback_servers.assets import ingest, store
from holdback_servers.assets.indexing import index_asset
from holdback_servers.assets.model import (
    Asset,
    AssetKind,
    FieldValue,
    Lineage,
    Segment,
    TechnicalFacts,
    Version,
    missing_refs,
)
from holdback_servers.assets.papers import (
    IngestRequest,
    Registered,
    RegisterRequest,
    declared_list,
    describe_shots,
    first_values,
    one_element,
    registered,
)
from holdback_servers.jobs import Report
from holdback_servers.services import Services

INGEST = "ingest"
"""The kind of ingest jobs."""


@dataclass(frozen=True)
class _Papers:
    """Everything about a new version, put together before anything is written."""

    asset: Asset
    version: Version
    segments: tuple[Segment, ...] = ()
    values: tuple[FieldValue, ...] = ()


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
                return known.model_dump(mode="json")
            measured = await ingest.measure(copy, place.name, services.settings, report)
            copied = _Copied(given.title or place.stem, media, measured)
            papers = _ingest_papers(given, copied, services.new_id, services.clock())
            files = {media: copy} | measured.keyframes
            answer = await self._keep(files, lambda c: _known(c, media, given) or _write(c, papers))
            return answer.model_dump(mode="json")

    async def _keep(self, files: dict[str, Path], unit: Unit[Registered]) -> Registered:
        services = self._services
        fresh = await asyncio.to_thread(ingest.keep, services.media, files)
        try:
            return await services.database.write(unit)
        except BaseException:
            for name in fresh:
                services.media.discard(name)
            raise


def _known(connection: Connection, media: str, given: IngestRequest) -> Registered | None:
    """The answer for bytes that are in the library already.

    Raises:
        Problem: CONFLICT when other elements are declared for the same bytes.
    """
    version = store.version_of_media(connection, media)
    if version is None:
        return None
    if given.elements:
        numbers = itertools.count()
        declared = declared_list(given.elements, version.facts, lambda _: str(next(numbers)))
        if _essence(declared) != _essence(version.element_list):
            raise Problem(
                "CONFLICT",
                f"These bytes are {version.id} already, with another element list.",
                "The same bytes cannot be made of two things; leave elements out to get what is known.",
                asset_id=version.asset_id,
                version_id=version.id,
            )
    return _answer(connection, version, already=True)


def _essence(elements: ElementList) -> list[str]:
    """What a list says, whatever the ids of its elements."""
    return sorted(each.model_dump_json(exclude={"id"}) for each in elements.elements)


def _answer(connection: Connection, version: Version, *, already: bool = False) -> Registered:
    asset = store.find_asset(connection, version.asset_id)
    counts = store.segment_counts(connection, version.id)
    return registered(version, asset.title, asset.kind, counts, already=already)


def _ingest_papers(given: IngestRequest, copied: _Copied, new_id: NewId, now: Instant) -> _Papers:
    facts, title = copied.measured.facts, copied.title
    asset = Asset(id=new_id("ast"), kind=given.kind, title=title, at=now)
    version_id = new_id("ver")
    declared = given.elements or (one_element(given.kind, title, given.ref),)
    shots = [
        Segment(
            id=new_id("seg"),
            version_id=version_id,
            kind="shot",
            in_frame=shot.in_frame,
            out_frame=shot.out_frame,
            method="auto",
            keyframe=shot.keyframe,
        )
        for shot in copied.measured.shots
    ]
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
    words = {"title": title, "description": given.description, "tags": given.tags}
    values = first_values(asset.id, words, method="manual", by=given.by, at=now, new_id=new_id)
    for segment, entry in segments:
        if entry is not None:
            said = {**entry.fields, "description": entry.description, "tags": entry.tags}
            values += first_values(segment.id, said, method="imported", by=given.by, at=now, new_id=new_id)
    return _Papers(asset, version, tuple(segment for segment, _ in segments), tuple(values))


def _write(connection: Connection, papers: _Papers) -> Registered:
    if papers.version.number == 1:
        store.add_asset(connection, papers.asset)
    store.add_version(connection, papers.version)
    store.add_segments(connection, papers.segments)
    for value in papers.values:
        store.add_value(connection, value)
    index_asset(connection, papers.asset.id)
    return _answer(connection, papers.version)


# --- a new cut -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CutPapers:
    """A cut that has been verified and probed, ready to be written."""

    request: RegisterRequest
    media: str
    facts: TechnicalFacts
    signed: SignedCut | None


async def examine_cut(services: Services, request: RegisterRequest) -> CutPapers:
    """Verify the statement, find the bytes and probe them.

    Raises:
        Problem: STATEMENT_INVALID; MEDIA_OFFLINE; INVALID_ARGUMENT when media and elements are neither proven nor
            declared, or both; CONFLICT when the statement tells of other frames than the media has.
    """
    if (request.cut_statement is None) == (request.media is None):
        raise Problem(
            "INVALID_ARGUMENT",
            "A new cut needs either cut_statement or media.",
            "Pass the cut statement of render_timeline; media with elements is for cuts made elsewhere.",
        )
    if request.cut_statement is not None and (request.elements or request.notices):
        raise Problem("INVALID_ARGUMENT", "Elements come from the cut statement.", "Leave elements and notices out.")
    signed = None if request.cut_statement is None else read_cut(request.cut_statement, services.ring, services.clock())
    media = signed.media if signed is not None else request.media or ""
    facts = await ingest.probe(services.media.path(media), media[:19], services.settings)
    if signed is not None:
        facts = _agreeing(facts, signed.element_list)
    return CutPapers(request, media, facts, signed)


def _agreeing(facts: TechnicalFacts, proven: ElementList) -> TechnicalFacts:
    """Facts that count as the statement does; a container's count may be off by one where it tells a duration."""
    if abs(facts.seconds - proven.rate.seconds(proven.frames)) * proven.rate.fraction > 1:
        raise Problem(
            "CONFLICT",
            f"The statement tells of {proven.frames} frames at {proven.rate.text()}; the media has {facts.frames} at"
            f" {facts.rate.text()}.",
            "Pass the statement that belongs to these bytes.",
        )
    return facts.model_copy(update={"frames": proven.frames, "rate": proven.rate})


def write_cut(connection: Connection, cut: CutPapers, new_id: NewId, now: Instant) -> Registered:
    """Write a verified cut as the first version of a new asset or the next of a known one.

    Raises:
        Problem: NOT_FOUND for an unknown asset or source version; CONFLICT when the bytes are known, or when a
            declared list leaves out what the sources are made of.
    """
    request = cut.request
    same = _same_cut(connection, cut)
    if same is not None:
        return _answer(connection, same, already=True)
    sources = [store.find_version(connection, each) for each in _sources(request.lineage)]
    if cut.signed is None:
        lacking = missing_refs([each.ref for each in request.elements], [each.element_list for each in sources])
        if lacking:
            raise Problem(
                "CONFLICT",
                f"The sources hold {', '.join(lacking)}, which the declared elements leave out.",
                "Declare them, or prove by a cut statement of the editing server that they are gone.",
            )
    known = None if request.asset_id is None else store.find_asset(connection, request.asset_id)
    title = request.title or (known.title if known else None) or (cut.signed.title if cut.signed else "")
    asset = known or _new_asset(title, request.kind, new_id, now)
    number = 1 if known is None else store.latest_version(connection, known.id).number + 1
    version = Version(
        id=new_id("ver"),
        asset_id=asset.id,
        number=number,
        media=cut.media,
        facts=cut.facts,
        element_list=cut.signed.element_list if cut.signed else _declared(cut, new_id),
        elements_from="supplier" if cut.signed is None else cut.signed.issuer,
        lineage=request.lineage,
        by=request.by,
        at=now,
    )
    words = {"title": title} if known is None else {}
    values = first_values(asset.id, words, method="manual", by=request.by, at=now, new_id=new_id)
    return _write(connection, _Papers(asset, version, (), tuple(values)))


def _same_cut(connection: Connection, cut: CutPapers) -> Version | None:
    """The version that is this very cut already; None too where the bytes are known as something else."""
    version = store.version_of_media(connection, cut.media)
    if version is None or cut.signed is None or cut.request.asset_id not in (None, version.asset_id):
        return None
    return version if version.element_list.sha256() == cut.signed.element_list.sha256() else None


def _sources(lineage: Lineage | None) -> tuple[str, ...]:
    return () if lineage is None else lineage.of_versions


def _new_asset(title: str, kind: AssetKind, new_id: NewId, now: Instant) -> Asset:
    if not title:
        raise Problem("INVALID_ARGUMENT", "A new asset needs a title.", "Give title, or asset_id for a known asset.")
    return Asset(id=new_id("ast"), kind=kind, title=title, at=now)


def _declared(cut: CutPapers, new_id: NewId) -> ElementList:
    if not cut.request.elements:
        raise Problem(
            "INVALID_ARGUMENT",
            "A cut without a statement needs its elements.",
            "Declare programme, music, talent, clips and logos, each with its frames.",
        )
    return declared_list(cut.request.elements, cut.facts, new_id, notices=cut.request.notices)
