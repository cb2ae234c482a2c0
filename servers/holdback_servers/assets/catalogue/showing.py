"""A page of what was found, as callers see it: each hit with why it was found and where in it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from holdback_base.database import Unit
from sqlalchemy import Connection, RowMapping, bindparam, select, text

from holdback_servers.assets import store
from holdback_servers.assets.answers import SearchHit, SearchResult, SegmentHit, segment_view
from holdback_servers.assets.catalogue.columns import Columns, Summaries
from holdback_servers.assets.catalogue.counting import facets
from holdback_servers.assets.catalogue.ranking import Meant, Ranked, hits_of, rank, rank_by_meaning
from holdback_servers.assets.index import SHIFT, field_names, words_like
from holdback_servers.assets.matching import mark, nearest
from holdback_servers.assets.model import FieldValue, Segment, TechnicalFacts, Value
from holdback_servers.assets.search import RANKED, Filters, Query, Term, Why, clean, read_query, snippet
from holdback_servers.assets.tables import assets, segments, versions
from holdback_servers.wire import encode_cursor

_APART = frozenset({"title", "description", "tags"})


@dataclass(frozen=True)
class Page:
    """Which page of which query: `asked` is what a cursor of it must carry."""

    asked: str
    limit: int
    offset: int = 0
    with_facets: bool = False
    meant: Callable[[Connection], Meant] | None = None


def search_page(columns: Columns, typed: str, filters: Filters, page: Page) -> Unit[SearchResult]:
    """One page of hits. Raises Problem INVALID_ARGUMENT for a query that cannot be."""

    def unit(connection: Connection) -> SearchResult:
        query = read_query(typed, field_names(connection))
        summaries = columns.of(connection)
        upto = page.offset + page.limit
        if page.meant is None or not query.terms:
            ranked = rank(connection, summaries, query, filters, upto=upto)
        else:
            meant = page.meant(connection)
            ranked = rank_by_meaning(connection, summaries, query, filters, meant, upto=upto)
        shown = show(connection, query, ranked, ranked.best[page.offset :])
        after, total = page.offset + page.limit, len(ranked.all)
        return SearchResult(
            items=shown,
            next_cursor=encode_cursor({"after": after, "query": page.asked}) if after < total else None,
            total=total,
            facets=facets(connection, summaries, ranked.all) if page.with_facets else None,
            note=_note(connection, summaries, query, ranked),
        )

    return unit


def _note(connection: Connection, summaries: Summaries, query: Query, ranked: Ranked) -> str | None:
    notes = list(query.notes)
    if ranked.best and ranked.missing[ranked.best[0]]:
        notes.append("No asset holds all the words; these hold the most of them.")
    if ranked.sampled:
        notes.append(
            f"A word stands in more than {RANKED} places; the newest of them are ranked. Add words or filters."
        )
    if not len(ranked.all) and (instead := _instead(connection, summaries, query)):
        notes.append(f"Nothing holds these words. Did you mean {', '.join(instead)}?")
    return " ".join(notes) or None


def _instead(connection: Connection, summaries: Summaries, query: Query) -> list[str]:
    """Words of the library that are near to those that nothing holds."""
    found = list[str]()
    for term in query.terms:
        for word in term.words:
            alone = Term(typed=word, words=(word,))
            if len(word) >= 3 and not any(len(part) for _, part in hits_of(connection, summaries, alone, most=1).parts):
                found += nearest(word, words_like(connection, word))
    return list(dict.fromkeys(found))[:5]


def show(connection: Connection, query: Query, ranked: Ranked, numbers: Sequence[int]) -> tuple[SearchHit, ...]:
    """The hits of one page, each with its best segments and where the words stand in them."""
    if not numbers:
        return ()
    rows = _assets(connection, numbers)
    documents = _documents(connection, [d for each in numbers for d in ranked.documents[each]])
    found = _segments(connection, [each for each in documents.values() if each])
    targets = [each for row in rows.values() for each in (row["id"], row["version"])]
    values = store.values_of(connection, [*targets, *found])
    said: dict[str, list[FieldValue]] = {}
    for value in values:
        said.setdefault(value.target, []).append(value)
    hits = list[SearchHit]()
    for number in numbers:
        if (row := rows.get(number)) is None:  # the summaries are newer than this snapshot
            continue
        segment_ids = {
            segment: ranked.likeness.get(each)
            for each in ranked.documents[number]
            if (segment := documents.get(each)) is not None
        }
        hit = _hit(row, [found[each] for each in segment_ids if each in found], said, query, ranked.missing[number])
        hits.append(_with_likeness(hit, ranked.likeness.get(number << SHIFT), segment_ids))
    return tuple(hits)


def _with_likeness(hit: SearchHit, own: int | None, segments: dict[str, int | None]) -> SearchHit:
    """The hit with how near it and its segments are in meaning, in thousandths, as the first reason of each."""
    if own is None and not any(segments.values()):
        return hit
    shown = tuple(each.model_copy(update={"why": (*_near(segments.get(each.id)), *each.why)}) for each in hit.segments)
    return hit.model_copy(update={"why": (*_near(own), *hit.why), "segments": shown})


def _near(likeness: int | None) -> tuple[Why, ...]:
    return () if likeness is None else (Why(field="meaning", snippet=f"alike by {likeness} of 1000"),)


_V = versions.c
_NUMBERS = text("SELECT number, asset_id FROM summaries WHERE number IN :numbers").bindparams(
    bindparam("numbers", expanding=True)
)
_PLACES = text("SELECT id, segment_id FROM documents WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
_ASSETS = (
    select(assets.c.id, assets.c.kind, assets.c.title, assets.c.status, _V.id.label("version"), _V.media, _V.facts)
    .add_columns(_V.element_list)
    .join(versions, _V.id == assets.c.latest_version)
    .where(assets.c.id.in_(bindparam("ids", expanding=True)))
)
_SEGMENTS = select(segments).where(segments.c.id.in_(bindparam("ids", expanding=True)))


def _assets(connection: Connection, numbers: Sequence[int]) -> dict[int, RowMapping]:
    number = {row.asset_id: int(row.number) for row in connection.execute(_NUMBERS, {"numbers": list(numbers)})}
    rows = connection.execute(_ASSETS, {"ids": list(number)}).mappings()
    return {number[row["id"]]: row for row in rows}


def _documents(connection: Connection, documents: list[int]) -> dict[int, str | None]:
    rows = connection.execute(_PLACES, {"ids": documents}) if documents else ()
    return {int(row.id): row.segment_id for row in rows}


def _segments(connection: Connection, ids: Sequence[str]) -> dict[str, Segment]:
    rows = connection.execute(_SEGMENTS, {"ids": ids}).mappings() if ids else ()
    return {row["id"]: Segment.model_validate(dict(row)) for row in rows}


def _hit(
    row: RowMapping,
    found: list[Segment],
    said: dict[str, list[FieldValue]],
    query: Query,
    missing: tuple[str, ...],
) -> SearchHit:
    facts = TechnicalFacts.model_validate(row["facts"])
    own = [*said.get(row["id"], []), *said.get(row["version"], [])]
    return SearchHit(
        asset_id=row["id"],
        title=row["title"],
        kind=row["kind"],
        status=row["status"],
        version_id=row["version"],
        media=row["media"],
        frames=facts.frames,
        rate=facts.rate.text(),
        seconds=round(float(facts.seconds), 3),
        start_timecode=facts.start_timecode,
        why=why(query, [("title", row["title"]), *_told(own), *_made_of(row["element_list"])]),
        segments=tuple(_segment_hit(each, facts, said.get(each.id, []), query) for each in found),
        missing_words=missing or None,
    )


def _segment_hit(segment: Segment, facts: TechnicalFacts, values: list[FieldValue], query: Query) -> SegmentHit:
    fields: dict[str, Value] = {each.field: each.value for each in values if each.field not in _APART}
    view = segment_view(segment, facts, fields)
    told = [("text", segment.text), ("tags", ", ".join(segment.tags))]
    told += [(name, value) for name, value in _told(values) if name not in _APART]
    return SegmentHit(**view.__dict__, why=why(query, [*told, ("kind", segment.kind)]))


def _told(values: list[FieldValue]) -> list[tuple[str, str]]:
    return [
        (each.field, ", ".join(each.value) if isinstance(each.value, tuple) else str(each.value))
        for each in values
        if each.field not in ("title", "status", "kind")
    ]


def _made_of(element_list: Any) -> list[tuple[str, str]]:
    listed = json.loads(element_list) if isinstance(element_list, str) else element_list
    elements = [(str(each["kind"]), str(each["name"]), str(each["ref"])) for each in listed.get("elements", [])]
    return [pair for kind, name, ref in elements for pair in ((kind, name), ("ref", ref))]


_NAMED = {"title": ("title",), "description": ("description", "text"), "tag": ("tags",)}


def why(query: Query, told: Iterable[tuple[str, str]]) -> tuple[Why, ...]:
    """Where the words of a query stand: by field, the text around them."""
    reasons = list[Why]()
    for name, value in told:
        phrases = [
            each.words
            for each in query.terms
            if (name != "kind" and each.field is None) or name in _NAMED.get(each.field or "", (each.field,))
        ]
        marked = mark(clean(value), phrases) if phrases and value else None
        if marked is not None:
            reason = Why(field=name, snippet=snippet(marked))
            reasons += [] if reason in reasons else [reason]
    return tuple(reasons)
