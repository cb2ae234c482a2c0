"""What matches a query, best first. The store says where words stand; all that follows is the same on every store.

An asset counts by how many of the words it holds; then by where: a title before tags and named fields before any other
text, a rare word before a frequent one; then by in how many places; then the newest first.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from holdback_servers.assets.catalogue.columns import Summaries
from holdback_servers.assets.index import OF, SHIFT, Part, in_range, places
from holdback_servers.assets.indexing import whole_tag
from holdback_servers.assets.meaning import ALIKE, Meanings
from holdback_servers.assets.search import RANKED, WEIGHTS, Choice, Filters, Query, Range, Term

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ANYWHERE: tuple[Part, ...] = ("title", "tags", "words")
_PARTS: dict[str, Part] = {"title": "title", "description": "words"}
_SHOWN = 5


@dataclass(frozen=True)
class Hits:
    """Where a term stands: by part, documents in rising order; `more` when there are more than are ranked."""

    parts: "tuple[tuple[Part, NDArray[np.int64]], ...]"
    more: bool = False


@dataclass(frozen=True)
class Ranked:
    """The numbers of the assets that match, the best first as far as was asked; `all` in no order."""

    best: tuple[int, ...]
    all: "NDArray[np.int64]"
    missing: dict[int, tuple[str, ...]]
    documents: dict[int, tuple[int, ...]]
    sampled: bool
    likeness: dict[int, int] = field(default_factory=dict[int, int])


@dataclass(frozen=True)
class Meant:
    """What is asked for by its meaning: the vector of what was typed, those of the library, and whether words count.

    Where they do, assets that hold all the words come before all others.
    """

    asked: "NDArray[np.float32]"
    meanings: Meanings
    words_too: bool


def hits_of(connection: Connection, summaries: Summaries, term: Term, *, most: int | None = RANKED) -> Hits:
    """Where a term stands in what is shown; at most so many places, those in titles first, then the newest."""
    if term.field is None:
        asked: list[tuple[Part, tuple[str, ...]]] = [(part, term.words) for part in _ANYWHERE]
    elif term.field in _PARTS:
        asked = [(_PARTS[term.field], term.words)]
    else:
        asked = [("keys", tuple(f"{term.field}{OF}{word}" for word in term.words))]
    found: list[tuple[Part, NDArray[np.int64]]] = []
    left = most
    for part, words in asked:
        here = places(connection, words, part, most=None if left is None else left + 1, shown=summaries.shown)
        if left is not None and len(here) > left:
            return Hits((*found, (part, here[1:])), more=True)
        found.append((part, here))
        left = None if left is None else left - len(here)
    return Hits(tuple(found))


def rank(connection: Connection, summaries: Summaries, query: Query, filters: Filters, *, upto: int) -> Ranked:
    """Assets that pass every filter and hold the most of the terms, the best `upto` of them in order."""
    import numpy as np

    passing = _passing(connection, summaries, query, filters)
    terms = [hits_of(connection, summaries, term) for term in query.terms]
    size = len(passing)
    matched, score, spots = np.zeros(size, np.int16), np.zeros(size), np.zeros(size, np.int32)
    holds: list[NDArray[np.bool_]] = []
    for hits in terms:
        best = np.zeros(size)
        for part, documents in sorted(hits.parts, key=lambda each: WEIGHTS[each[0]]):
            assets = _assets(documents, size)
            best[assets] = WEIGHTS[part]
            spots += np.bincount(assets, minlength=size).astype(np.int32)
        holds.append(best > 0)
        held = int(np.count_nonzero(best))
        matched += holds[-1]
        score += best * np.log1p(np.count_nonzero(summaries.known) / max(held, 1))
    wanted = passing if not terms else passing & (matched == max(int((matched * passing).max(initial=0)), 1))
    found = np.flatnonzero(wanted)
    best_of = _first(found, np.round(score[found], 6), spots[found], upto)
    missing = {
        int(asset): tuple(t.typed for t, held in zip(query.terms, holds, strict=True) if not held[asset])
        for asset in best_of
    }
    shown = {int(asset): _documents(terms, int(asset)) for asset in best_of}
    return Ranked(tuple(shown), found, missing, shown, any(each.more for each in terms))


def rank_by_meaning(
    connection: Connection, summaries: Summaries, query: Query, filters: Filters, meant: Meant, *, upto: int
) -> Ranked:
    """Assets that pass every filter and say something like what is meant, the nearest first."""
    import numpy as np

    passing = _passing(connection, summaries, query, filters)
    apart = np.round(meant.meanings.vectors @ meant.asked * 1000).astype(np.int64)
    near = apart >= ALIKE
    documents, alike = meant.meanings.documents[near], apart[near]
    assets = documents >> SHIFT
    inside = assets < len(passing)
    documents, alike, assets = documents[inside], alike[inside], assets[inside]
    best = np.zeros(len(passing), dtype=np.int64)
    np.maximum.at(best, assets, alike)
    words = rank(connection, summaries, query, filters, upto=upto) if meant.words_too else None
    if words is not None and not any(words.missing.values()):
        best[words.all] += 1000
    found = np.flatnonzero(passing & (best > 0))
    best_of = _first(found, best[found].astype(np.float64), np.zeros(len(found), dtype=np.int32), upto)
    shown: dict[int, tuple[int, ...]] = {}
    likeness: dict[int, int] = {}
    for asset in best_of.tolist():
        own = np.flatnonzero(assets == asset)
        nearest = own[np.argsort(-alike[own], kind="stable")][:_SHOWN]
        likeness |= {int(documents[each]): int(alike[each]) for each in nearest}
        by_words = words.documents.get(asset, ()) if words is not None else ()
        shown[asset] = tuple(dict.fromkeys((*by_words, *documents[nearest].tolist())))[: _SHOWN + 1]
    missing: dict[int, tuple[str, ...]] = dict.fromkeys(shown, ())
    return Ranked(tuple(shown), found, missing, shown, words is not None and words.sampled, likeness)


def _assets(documents: "NDArray[np.int64]", size: int) -> "NDArray[np.int64]":
    """The numbers of the documents' assets; one that is newer than the summaries is nobody yet."""
    assets = documents >> SHIFT
    return assets[assets < size]


def _first(
    found: "NDArray[np.int64]", score: "NDArray[np.float64]", spots: "NDArray[np.int32]", upto: int
) -> "NDArray[np.int64]":
    import numpy as np

    if len(found) > 4 * upto > 0:
        least = np.partition(score, len(score) - upto)[len(score) - upto]
        keep = score >= least
        found, score, spots = found[keep], score[keep], spots[keep]
    return found[np.lexsort((-found, -spots, -score))][:upto]


def _documents(terms: list[Hits], asset: int) -> tuple[int, ...]:
    """The documents of an asset that hold terms: itself first, then the segments with the most of them."""
    import numpy as np

    low, high = asset << SHIFT, (asset + 1) << SHIFT
    counts: dict[int, float] = {}
    for hits in terms:
        weights: dict[int, float] = {}
        for part, documents in hits.parts:
            begin, end = np.searchsorted(documents, [low, high])
            for each in documents[begin:end].tolist():
                weights[each] = max(weights.get(each, 0.0), WEIGHTS[part])
        for each, weight in weights.items():
            counts[each] = counts.get(each, 0.0) + 100 + weight
    own = (low,) if low in counts else ()
    segments = sorted((each for each in counts if each != low), key=lambda each: (-counts[each], each))
    return (*own, *segments[:_SHOWN])


def _passing(connection: Connection, summaries: Summaries, query: Query, filters: Filters) -> "NDArray[np.bool_]":
    import numpy as np

    passing = summaries.known.copy()
    for column, values in (("kind", filters.kinds), ("status", _statuses(query, filters))):
        if values:
            passing &= summaries.any_of(column, tuple(values))
    if filters.rate is not None:
        passing &= summaries.any_of("rate", (filters.rate.text(),))
    if filters.min_seconds is not None:
        passing &= summaries.measures["seconds"] >= filters.min_seconds
    if filters.max_seconds is not None:
        passing &= summaries.measures["seconds"] < filters.max_seconds
    for tag in filters.tags:
        passing &= _mask(places(connection, (whole_tag(tag),), "keys"), len(passing))
    for test in query.conditions:
        passing &= _holding(connection, summaries, test)
    for test in query.not_conditions:
        passing &= ~_holding(connection, summaries, test)
    for term in query.without:
        for _, documents in hits_of(connection, summaries, term, most=None).parts:
            passing &= ~_mask(documents, len(passing))
    return np.asarray(passing)


def _statuses(query: Query, filters: Filters) -> tuple[str, ...]:
    """A status that the query names takes the place of those that are shown without asking."""
    named = any(isinstance(each, Choice) and each.field == "status" for each in query.conditions)
    return () if named else filters.statuses


def _holding(connection: Connection, summaries: Summaries, test: Range | Choice) -> "NDArray[np.bool_]":
    if isinstance(test, Choice) or Summaries.measured(test.field):
        return summaries.passing(test)
    tests, bound = ["value = value"], dict[str, object]()
    if test.low is not None:
        tests.append(f"value {'>=' if test.low_counts else '>'} :low")
        bound["low"] = test.low
    if test.high is not None:
        tests.append(f"value {'<=' if test.high_counts else '<'} :high")
        bound["high"] = test.high
    name = f"{test.field}@" if test.dates else test.field
    return _mask(in_range(connection, name, " AND ".join(tests), bound), len(summaries.known))


def _mask(documents: "NDArray[np.int64]", size: int) -> "NDArray[np.bool_]":
    import numpy as np

    mask = np.zeros(size, dtype=np.bool_)
    mask[_assets(documents, size)] = True
    return mask
