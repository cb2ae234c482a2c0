"""Questions to the library as a whole: what is there, and what matches some words."""
# ruff: noqa: S608 - every fragment of SQL is this file's own; what callers give is bound

import json
from dataclasses import dataclass

from holdback_base.database import Unit
from sqlalchemy import Connection, TextClause, bindparam, text

from holdback_servers.assets.search import (
    CLOSES,
    COLUMNS,
    OPENS,
    RANKED,
    WEIGHTS,
    Filters,
    Why,
    explain,
    match_expression,
)

_SEGMENTS_SHOWN = 5
_COUNTED = 50
_FREE = frozenset({"title", "description", "tags"})
"""Fields of free text, whose values are not worth counting one by one; tags are counted apart."""


@dataclass(frozen=True)
class Hit:
    """An asset that matches: which words it lacks, why it was found, and its best segments, each with why."""

    asset_id: str
    missing: tuple[str, ...]
    why: tuple[Why, ...]
    segments: tuple[tuple[str, tuple[Why, ...]], ...]


@dataclass(frozen=True)
class Found:
    """One page of hits; `sampled` when a word has more hits than are ranked."""

    hits: tuple[Hit, ...]
    total: int
    sampled: bool


@dataclass(frozen=True)
class Counted:
    """A value and how many assets, segments or targets have it."""

    value: str
    count: int


def search(terms: list[str], filters: Filters, *, limit: int, offset: int) -> Unit[Found]:
    """Assets that match most of the terms (all of them, where any asset does) and pass the filters, best first.

    A term may stand in the asset or in any segment of its latest version. Without terms: all that pass, newest first.
    """

    def unit(connection: Connection) -> Found:
        if not terms:
            return _browse(connection, filters, limit, offset)
        rows = connection.execute(
            text(_ranked(len(terms), filters)), _bind(terms, filters) | {"limit": limit, "offset": offset}
        ).all()
        sampled = any(_is_over(connection, term) for term in terms)
        if not rows:
            return Found((), 0, sampled)
        shown = _shown_documents(connection, terms, [row.asset_id for row in rows])
        reasons = _reasons(connection, terms, [document for each in shown.values() for document, _ in each])
        hits = tuple(_hit(row.asset_id, row.matched, terms, shown[row.asset_id], reasons) for row in rows)
        return Found(hits, rows[0].total, sampled)

    return unit


def _browse(connection: Connection, filters: Filters, limit: int, offset: int) -> Found:
    query = text(
        f"SELECT a.id, COUNT(*) OVER () AS total FROM assets a JOIN versions v ON v.id = a.latest_version"
        f" WHERE {_passes(filters)} ORDER BY a.id DESC LIMIT :limit OFFSET :offset"
    )
    rows = connection.execute(query, _bind([], filters) | {"limit": limit, "offset": offset}).all()
    return Found(tuple(Hit(row.id, (), (), ()) for row in rows), rows[0].total if rows else 0, False)


def _hits(terms: int) -> str:
    """Each term's documents with their rank; a sum of bm25 over terms is the bm25 of all of them."""
    weights = ", ".join(str(weight) for weight in WEIGHTS)
    one = "SELECT * FROM (SELECT {n} AS term, rowid AS doc, bm25(words, " + weights + ") AS score FROM words"
    one += " WHERE words MATCH :term{n} LIMIT " + str(RANKED) + ")"
    return "hits AS (" + " UNION ALL ".join(one.format(n=n) for n in range(terms)) + ")"


def _ranked(terms: int, filters: Filters) -> str:
    return f"""WITH {_hits(terms)},
    best AS (SELECT d.asset_id, h.term, MIN(h.score) AS score FROM hits h JOIN documents d ON d.id = h.doc
             GROUP BY d.asset_id, h.term),
    ranked AS (SELECT b.asset_id, COUNT(*) AS terms, SUM(b.score) AS score, GROUP_CONCAT(b.term) AS matched
               FROM best b JOIN assets a ON a.id = b.asset_id JOIN versions v ON v.id = a.latest_version
               WHERE {_passes(filters)} GROUP BY b.asset_id)
    SELECT asset_id, matched, COUNT(*) OVER () AS total FROM ranked
    WHERE terms = (SELECT MAX(terms) FROM ranked)
    ORDER BY score, asset_id LIMIT :limit OFFSET :offset"""


def _passes(filters: Filters) -> str:
    tests = ["1"]
    if filters.kinds:
        tests.append("a.kind IN (SELECT value FROM json_each(:kinds))")
    if filters.statuses:
        tests.append("a.status IN (SELECT value FROM json_each(:statuses))")
    tests += [
        f"EXISTS (SELECT 1 FROM tags t WHERE t.asset_id = a.id AND t.tag = :tag{n})" for n in range(len(filters.tags))
    ]
    if filters.rate is not None:
        tests.append("v.rate = :rate")
    if filters.min_seconds is not None:
        tests.append("v.seconds >= :min_seconds")
    if filters.max_seconds is not None:
        tests.append("v.seconds < :max_seconds")
    return " AND ".join(tests)


def _bind(terms: list[str], filters: Filters) -> dict[str, object]:
    bound: dict[str, object] = {f"term{n}": match_expression(term) for n, term in enumerate(terms)}
    bound |= {f"tag{n}": tag.casefold() for n, tag in enumerate(filters.tags)}
    given = {
        "kinds": json.dumps(filters.kinds) if filters.kinds else None,
        "statuses": json.dumps(filters.statuses) if filters.statuses else None,
        "rate": filters.rate.text() if filters.rate else None,
        "min_seconds": filters.min_seconds,
        "max_seconds": filters.max_seconds,
    }
    return bound | {name: value for name, value in given.items() if value is not None}


def _is_over(connection: Connection, term: str) -> bool:
    query = text("SELECT COUNT(*) FROM (SELECT 1 FROM words WHERE words MATCH :term LIMIT :most)")
    return connection.execute(query, {"term": match_expression(term), "most": RANKED + 1}).scalar_one() > RANKED


Shown = list[tuple[int, str | None]]


def _shown_documents(connection: Connection, terms: list[str], asset_ids: list[str]) -> dict[str, Shown]:
    """For each asset its own document and its best segments: those with most of the words, then by rank."""
    query = f"""WITH {_hits(len(terms))},
    matched AS (SELECT d.id, d.asset_id, d.segment_id, ROW_NUMBER() OVER (
                    PARTITION BY d.asset_id, d.segment_id IS NULL ORDER BY COUNT(*) DESC, SUM(h.score), d.id) AS place
                FROM hits h JOIN documents d ON d.id = h.doc
                WHERE d.asset_id IN (SELECT value FROM json_each(:assets)) GROUP BY d.id)
    SELECT id, asset_id, segment_id FROM matched WHERE place <= {_SEGMENTS_SHOWN} ORDER BY place"""
    shown: dict[str, Shown] = {asset_id: [] for asset_id in asset_ids}
    for row in connection.execute(text(query), _bind(terms, Filters()) | {"assets": json.dumps(asset_ids)}):
        shown[row.asset_id].append((row.id, row.segment_id))
    return shown


def _reasons(connection: Connection, terms: list[str], documents: list[int]) -> dict[int, tuple[Why, ...]]:
    marks = ", ".join(f"highlight(words, {place}, :opens, :closes)" for place in range(len(COLUMNS)))
    query: TextClause = text(
        f"SELECT rowid, {marks} FROM words WHERE words MATCH :any AND rowid IN :documents"
    ).bindparams(bindparam("documents", expanding=True))
    any_term = " OR ".join(match_expression(term) for term in terms)
    bound = {"any": any_term, "documents": documents, "opens": OPENS, "closes": CLOSES}
    return {
        row[0]: tuple(why for column, marked in zip(COLUMNS, row[1:], strict=True) for why in explain(column, marked))
        for row in connection.execute(query, bound)
    }


def _hit(asset_id: str, matched: str, terms: list[str], shown: Shown, reasons: dict[int, tuple[Why, ...]]) -> Hit:
    have = {int(each) for each in matched.split(",")}
    own = tuple(why for document, segment in shown if segment is None for why in reasons.get(document, ()))
    segments = tuple((segment, reasons.get(document, ())) for document, segment in shown if segment is not None)
    return Hit(asset_id, tuple(term for n, term in enumerate(terms) if n not in have), own, segments)


def count_by(connection: Connection, what: str) -> list[Counted]:
    """Values with their counts, the most frequent first, at most fifty: `kinds`, `statuses`, `rates`, `segment_kinds`
    (of latest versions), `tags`."""
    latest = "JOIN assets a ON a.latest_version = "
    queries = {
        "kinds": "SELECT kind AS value, COUNT(*) AS n FROM assets",
        "statuses": "SELECT status AS value, COUNT(*) AS n FROM assets",
        "rates": f"SELECT rate AS value, COUNT(*) AS n FROM versions v {latest} v.id",
        "segment_kinds": f"SELECT s.kind AS value, COUNT(*) AS n FROM segments s {latest} s.version_id",
        "tags": "SELECT tag AS value, COUNT(DISTINCT asset_id) AS n FROM tags",
    }
    query = text(f"{queries[what]} GROUP BY value ORDER BY n DESC, value LIMIT {_COUNTED}")
    return [Counted(str(row.value), row.n) for row in connection.execute(query)]


def count_fields(connection: Connection) -> list[tuple[str, str, int, list[Counted]]]:
    """Each metadata field: its name, what kind of thing has it, how many current values, and the most frequent ones.

    Of free text only the number is told.
    """
    query = text(
        """WITH current AS (SELECT field, substr(target, 1, instr(target, '_') - 1) AS kind, value FROM field_values
                            WHERE seq IN (SELECT MAX(seq) FROM field_values GROUP BY target, field)),
        counted AS (SELECT field, kind, json_extract(value, '$') AS value, COUNT(*) AS n FROM current GROUP BY 1, 2, 3),
        placed AS (SELECT *, SUM(n) OVER (PARTITION BY field, kind) AS total,
                   ROW_NUMBER() OVER (PARTITION BY field, kind ORDER BY n DESC, value) AS place FROM counted)
        SELECT field, kind, total, value, n FROM placed WHERE place <= 8 ORDER BY field, kind, place"""
    )
    fields: dict[tuple[str, str], tuple[int, list[Counted]]] = {}
    for row in connection.execute(query):
        known = fields.setdefault((row.field, row.kind), (row.total, []))
        if row.field not in _FREE:
            known[1].append(Counted(str(row.value)[:80], row.n))
    return [(field, kind, total, values) for (field, kind), (total, values) in fields.items()]
