"""The tools that only look: what there is, what matches, one asset, its segments."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

from holdback_base.canonical import canonical_sha256
from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_trust.statements import sign_cut
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets import meaning, store
from holdback_servers.assets.answers import AssetView, Curves, LibraryDescription, SearchResult, SegmentList
from holdback_servers.assets.catalogue import Columns, Meant, Page, search_page
from holdback_servers.assets.model import AssetKind, SegmentKind, Status, Version
from holdback_servers.assets.reading import asset_view, curves_of, describe, segment_page, span_of
from holdback_servers.assets.search import Filters, parse_rate
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import decode_cursor

ISSUER = "mcp:assets"
"""Who signs the library's cut statements."""
_SHOWN: tuple[Status, ...] = ("ready", "restricted", "archived")


def offer_finding(door: Door) -> None:
    """Offer `describe_library` and `search_assets`."""
    columns, reader, kept = Columns(), meaning.Reader(), meaning.Kept()

    @door.tool(title="Describe the library", scope="assets:read")
    async def describe_library(call: Call) -> LibraryDescription:
        """What can be asked for: kinds, statuses, tags, rates and metadata fields, with how often each value occurs.

        Ask this before searching, to search with words the library uses.
        """
        return await call.services.database.read(describe)

    @door.tool(title="Search assets", scope="assets:read")
    async def search_assets(
        call: Call,
        *,
        query: Annotated[
            str,
            Field(
                max_length=500,
                description='Words, "phrases", -not, field:value, field:low..high, field:>=low; empty lists all',
            ),
        ] = "",
        kinds: Annotated[tuple[AssetKind, ...], Field(description="Any of these kinds")] = (),
        statuses: Annotated[tuple[Status, ...], Field(description="By default ready, restricted, archived")] = (),
        tags: Annotated[tuple[str, ...], Field(max_length=16, description="All of these, on it or a segment")] = (),
        rate: Annotated[str | None, Field(description="Frames a second: 24, 25, 24000/1001")] = None,
        min_seconds: Annotated[float | None, Field(ge=0, description="At least so long")] = None,
        max_seconds: Annotated[float | None, Field(gt=0, description="Shorter than this")] = None,
        mode: Annotated[
            Literal["words", "meaning", "both"],
            Field(description="By words, by what the words mean (English), or by both: exact hits first"),
        ] = "words",
        facets: Annotated[
            bool, Field(description="Also count kinds, statuses, rates, years, tags of all hits")
        ] = False,
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> SearchResult:
        """Find assets by words in titles, tags, descriptions, shot logs, transcripts and metadata, and by filters.

        A field is title, tag, description, ref, kind, status, rate, duration, width, height, date or any metadata
        field that describe_library names: director:goedegebure, duration:<1:30, take:>=3, date:2026-11-01..2026-11-20
        (both ends included). Each hit says why it was found and which segments (shots, markers, log entries) match,
        with frames, timecodes and a keyframe to look at. Where no asset holds all words, those with the most are given
        and say what is missing. Latest versions only; newest first without words.
        """
        filters = Filters(
            kinds=kinds,
            statuses=statuses or _SHOWN,
            tags=tags,
            rate=None if rate is None else parse_rate(rate),
            min_seconds=min_seconds,
            max_seconds=max_seconds,
        )
        asked = canonical_sha256([query, mode, filters.model_dump_json()])[7:23]
        place = decode_cursor(cursor)
        if place and place.get("query") != asked:
            raise Problem(
                "INVALID_ARGUMENT",
                "The cursor belongs to another search.",
                "Repeat the same words and filters with it.",
            )
        page = Page(asked, limit, _whole(place.get("after", 0)), with_facets=facets)
        if mode == "words":
            return await call.services.database.read(search_page(columns, query, filters, page))
        vector = await _prepared(call, reader, query)

        def meant(connection: Connection) -> Meant:
            return Meant(vector, kept.of(connection), words_too=mode == "both")

        found = await call.services.database.read(search_page(columns, query, filters, replace(page, meant=meant)))
        left = await call.services.database.read(lambda c: len(meaning.unread(c, most=1)))
        note = "Not all texts have been read for their meaning yet; ask again." if left else None
        return found.model_copy(update={"note": " ".join(filter(None, (found.note, note))) or None})


async def _prepared(call: Call, reader: meaning.Reader, query: str) -> Any:
    """The vector of what was typed; first some of the texts that have none yet are read, the newest ones."""
    meaning.check_installed()
    database = call.services.database
    waiting = await database.read(meaning.unread)

    def read() -> list[tuple[int, Any]]:
        return [(document, reader.read(words)) for document, words in waiting]

    fresh = await asyncio.to_thread(read)
    if fresh:
        await database.write(lambda c: meaning.keep(c, fresh))
    return await asyncio.to_thread(reader.read, query)


def offer_looking(door: Door) -> None:
    """Offer `get_asset`, `list_segments` and `get_curves`."""
    services = door.services

    @door.tool(title="Get an asset", scope="assets:read")
    async def get_asset(
        call: Call,
        asset_id: Annotated[str, Field(description="The asset's id, ast_...")],
        include_statements: Annotated[
            bool, Field(description="Also give each version's signed cut statement (long), for editing and rights")
        ] = False,
        include_history: Annotated[bool, Field(description="Also give values that were superseded")] = False,
    ) -> AssetView:
        """All about one asset: metadata with provenance, and its versions, newest first.

        Each version has its technical facts, lineage, media by sha256, and the elements it is made of with their
        frames.
        """
        now = services.clock()

        def sign(facts: CutFacts) -> str:
            return sign_cut(services.keys, ISSUER, facts, now)

        unit = asset_view(asset_id, history=include_history, sign=sign if include_statements else None)
        return await services.database.read(unit)

    @door.tool(title="List segments", scope="assets:read")
    async def list_segments(
        call: Call,
        *,
        asset_id: Annotated[str | None, Field(description="Segments of this asset's latest version")] = None,
        version_id: Annotated[str | None, Field(description="Segments of this version")] = None,
        kind: Annotated[SegmentKind | None, Field(description="Only of this kind")] = None,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> SegmentList:
        """Shots, log entries, markers and other spans of one version, in order of time.

        Frames are half-open and count from 0 at the version's rate; timecodes count from its start timecode.
        """
        place = decode_cursor(cursor)
        after = (_whole(place["at"]), str(place["id"])) if {"at", "id"} <= place.keys() else None
        version = await services.database.read(_version_meant(asset_id, version_id))
        return await services.database.read(segment_page(version.id, kind, after=after, limit=limit))

    @door.tool(title="Get curves", scope="assets:read")
    async def get_curves(
        call: Call,
        *,
        asset_id: Annotated[str | None, Field(description="Of this asset's latest version")] = None,
        version_id: Annotated[str | None, Field(description="Of this version")] = None,
        in_frame: Annotated[int, Field(ge=0, description="From this frame on")] = 0,
        out_frame: Annotated[
            int | None, Field(description="Up to before this frame; by default the end, or ten minutes on")
        ] = None,
    ) -> Curves:
        """How loud it is, how much moves, and where something begins to sound, about ten values a second.

        Evidence for choosing what to show and where to cut: on an onset, where it is loud, where much happens. Segments
        tell of shots, black, silence and words.
        """
        version = await services.database.read(_version_meant(asset_id, version_id))
        span = span_of(version, in_frame, out_frame, int(_LONGEST_CURVE * version.facts.rate.fraction))
        renditions = await services.database.read(lambda c: store.renditions_of(c, version.id))
        return await asyncio.to_thread(curves_of, version, span, renditions, services.media)


_LONGEST_CURVE = 600
"""Seconds."""


def _version_meant(asset_id: str | None, version_id: str | None) -> Callable[[Connection], Version]:
    """A version by its own id, or the latest of an asset. Raises Problem INVALID_ARGUMENT unless one is given."""
    if (asset_id is None) == (version_id is None):
        raise Problem("INVALID_ARGUMENT", "Give either asset_id or version_id.", "One of them is enough.")
    if version_id is not None:
        return lambda c: store.find_version(c, version_id)
    return lambda c: store.latest_version(c, asset_id or "")


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Problem("INVALID_ARGUMENT", "The cursor was not made by this list.", "Leave it out to begin again.")
    return value
