"""What there is, counted: over the whole library, and of what was found."""
# ruff: noqa: S608 - every fragment of SQL is this file's own; what callers give is bound

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, bindparam, text

from holdback_servers.assets.answers import CountedValue
from holdback_servers.assets.catalogue.columns import COUNTED, Summaries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COUNTED = 50
_FACETS = 12
_TAGS_OF = 500
"""Assets whose tags are counted as a facet."""
_FREE = frozenset({"title", "description", "tags"})
"""Fields of free text, whose values are not worth counting one by one; tags are counted apart."""

_TAGS = text("SELECT tag, COUNT(DISTINCT asset) AS n FROM tags WHERE asset IN :assets GROUP BY tag").bindparams(
    bindparam("assets", expanding=True)
)


@dataclass(frozen=True)
class Counted:
    """A value and how many assets, segments or targets have it."""

    value: str
    count: int


def count_by(connection: Connection, what: str) -> list[Counted]:
    """Values with their counts, the most frequent first, at most fifty: `kinds`, `statuses`, `rates`, `segment_kinds`
    (of latest versions), `tags`."""
    latest = "JOIN assets a ON a.latest_version = "
    queries = {
        "kinds": "SELECT kind AS value, COUNT(*) AS n FROM assets GROUP BY kind",
        "statuses": "SELECT status AS value, COUNT(*) AS n FROM assets GROUP BY status",
        "rates": f"SELECT v.rate AS value, COUNT(*) AS n FROM versions v {latest} v.id GROUP BY v.rate",
        "segment_kinds": f"SELECT s.kind AS value, COUNT(*) AS n FROM segments s {latest} s.version_id GROUP BY s.kind",
        "tags": "SELECT tag AS value, COUNT(DISTINCT asset) AS n FROM tags GROUP BY tag",
    }
    found = [Counted(str(row.value), int(row.n)) for row in connection.execute(text(queries[what]))]
    return sorted(found, key=lambda each: (-each.count, each.value))[:_COUNTED]


def count_fields(connection: Connection) -> list[tuple[str, str, int, list[Counted]]]:
    """Each metadata field: its name, what has it (`ast`, `ver`, `seg`), how many do, and its most frequent values.

    Of free text only the number is told.
    """
    query = text(
        """WITH current AS (SELECT field, substr(target, 1, 3) AS kind, CAST(value AS TEXT) AS value FROM field_values
                            WHERE seq IN (SELECT MAX(seq) FROM field_values
                                          WHERE review IS NULL OR review <> 'rejected' GROUP BY target, field)),
        counted AS (SELECT field, kind, value, COUNT(*) AS n FROM current GROUP BY field, kind, value),
        placed AS (SELECT field, kind, value, n, SUM(n) OVER (PARTITION BY field, kind) AS total,
                   ROW_NUMBER() OVER (PARTITION BY field, kind ORDER BY n DESC, value) AS place FROM counted)
        SELECT field, kind, total, value, n FROM placed WHERE place <= 8"""
    )
    fields: dict[tuple[str, str], tuple[int, list[Counted]]] = {}
    for row in connection.execute(query):
        known = fields.setdefault((row.field, row.kind), (int(row.total), []))
        if row.field not in _FREE:
            known[1].append(Counted(_shown(json.loads(row.value)), int(row.n)))
    return [
        (field, kind, total, sorted(values, key=lambda each: (-each.count, each.value)))
        for (field, kind), (total, values) in sorted(fields.items())
    ]


def _shown(value: Any) -> str:
    return (", ".join(cast(list[str], value)) if isinstance(value, list) else str(value))[:80]


def facets(
    connection: Connection, summaries: Summaries, found: "NDArray[np.int64]"
) -> dict[str, tuple[CountedValue, ...]]:
    """How many of the found assets have each kind, status and rate, each year, and (of the 500 newest) each tag."""
    import numpy as np

    counted: dict[str, tuple[CountedValue, ...]] = {}
    for name in COUNTED:
        codes = summaries.words[name]
        counts = np.bincount(codes[found], minlength=len(summaries.names[name])).tolist()
        counted[name] = _most(Counter(dict(zip(summaries.names[name], counts, strict=False))))
    years = summaries.measures["at"][found].astype("datetime64[s]").astype("datetime64[Y]")
    counted["year"] = _most(_years(years))
    counted["tag"] = _most(_tags(connection, np.sort(found)[::-1][:_TAGS_OF].tolist()))
    return {name: values for name, values in counted.items() if values}


def _years(years: "NDArray[Any]") -> Counter[str]:
    import numpy as np

    values, counts = np.unique(years, return_counts=True)
    return Counter({str(value): int(n) for value, n in zip(values, counts, strict=True)})


def _tags(connection: Connection, assets: list[int]) -> Counter[str]:
    """Tags of these assets and their segments, each counted once an asset."""
    return Counter({str(row.tag): int(row.n) for row in connection.execute(_TAGS, {"assets": assets})})


def _most(counts: Counter[str]) -> tuple[CountedValue, ...]:
    ordered = sorted(((n, value) for value, n in counts.items() if n), key=lambda each: (-each[0], each[1]))
    return tuple(CountedValue(value=value, count=n) for n, value in ordered[:_FACETS])
