"""The index beside the library's tables: words of each asset and of each segment of its latest version.

A document's id holds its asset's number and its place in the asset (0 is the asset itself), so that a hit names its
asset without a look at any table. On SQLite the words lie in FTS5, on PostgreSQL in a tsvector; both are given the same
words (`matching`), and both only say where a phrase stands: ranking is ours, and the same.
"""
# ruff: noqa: S608 - every fragment of SQL is this file's own; what callers give is bound

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from holdback_base.database import hidden_stories
from sqlalchemy import Connection, text

from holdback_servers.assets.matching import MOST_LETTERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHIFT = 20
"""Bits of a document's id that count its place in the asset."""
Part = Literal["title", "tags", "words", "keys"]
OF, WHOLE, NEXT = "\ue000", "\ue001", "\ue002"
"""In `keys`: a word of a field is `field OF word`; a whole value is `field WHOLE its WHOLE words`. Between texts that
have nothing to do with one another stands NEXT, so that no phrase reaches from one into the other."""

_WEIGHT: dict[str, str] = {"title": "A", "tags": "B", "words": "C", "keys": "D"}
_TABLES = (
    """CREATE TABLE summaries (
        number {big} PRIMARY KEY, asset_id TEXT NOT NULL UNIQUE, change {big} NOT NULL, story TEXT NOT NULL,
        kind TEXT NOT NULL, status TEXT NOT NULL, rate TEXT NOT NULL, frames_a_second {real} NOT NULL,
        seconds {real} NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, at {real} NOT NULL)""",
    "CREATE INDEX summaries_changed ON summaries (change)",
    """CREATE TABLE documents (
        id {big} PRIMARY KEY, segment_id TEXT UNIQUE, title TEXT NOT NULL, tags TEXT NOT NULL, words TEXT NOT NULL,
        keys TEXT NOT NULL{vector})""",
    """CREATE TABLE tags (
        asset BIGINT NOT NULL, document BIGINT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (asset, document, tag))""",
    "CREATE INDEX tags_of ON tags (document)",
    """CREATE TABLE numbers (
        field TEXT NOT NULL, document BIGINT NOT NULL, value {real} NOT NULL, PRIMARY KEY (field, document))""",
    "CREATE INDEX numbers_in_order ON numbers (field, value, document)",
    "CREATE INDEX numbers_of ON numbers (document)",
    "CREATE TABLE meanings (document {big} PRIMARY KEY, seq {big} NOT NULL, vector {bytes} NOT NULL)",
    "CREATE INDEX meanings_in_order ON meanings (seq)",
    "CREATE TABLE vocabulary (word TEXT NOT NULL, story TEXT NOT NULL, PRIMARY KEY (word, story))",
    "CREATE TABLE field_names (name TEXT NOT NULL, story TEXT NOT NULL, PRIMARY KEY (name, story))",
)
_ON_SQLITE = (
    """CREATE VIRTUAL TABLE found USING fts5(
        title, tags, words, keys, content='documents', content_rowid='id', columnsize=0,
        tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'")""",
    """CREATE TRIGGER documents_added AFTER INSERT ON documents BEGIN
        INSERT INTO found (rowid, title, tags, words, keys)
        VALUES (new.id, new.title, new.tags, new.words, new.keys); END""",
    """CREATE TRIGGER documents_removed AFTER DELETE ON documents BEGIN
        INSERT INTO found (found, rowid, title, tags, words, keys)
        VALUES ('delete', old.id, old.title, old.tags, old.words, old.keys); END""",
)
_ON_POSTGRESQL = ("CREATE INDEX documents_found ON documents USING gin (vector)",)


@dataclass(frozen=True)
class Document:
    """The words of an asset or a segment: in its title, tags, and other text; keys are words of named fields."""

    id: int
    segment_id: str | None
    title: Sequence[str] = ()
    tags: Sequence[str] = ()
    words: Sequence[str] = ()
    keys: Sequence[str] = ()
    tag_values: Sequence[str] = ()
    numbers: Sequence[tuple[str, float]] = ()


def index_ddl(_metadata: object, connection: Connection, **_: Any) -> None:
    """Make the index, after the room's tables have been made."""
    on_sqlite = connection.dialect.name == "sqlite"
    types = {"big": "INTEGER", "real": "REAL", "bytes": "BLOB", "vector": ""}
    if not on_sqlite:
        types = {"big": "BIGINT", "real": "DOUBLE PRECISION", "bytes": "BYTEA", "vector": ", vector tsvector NOT NULL"}
    for statement in (*(each.format(**types) for each in _TABLES), *(_ON_SQLITE if on_sqlite else _ON_POSTGRESQL)):
        connection.exec_driver_sql(statement)


def drop_documents(connection: Connection, number: int, *, segments: bool = True) -> None:
    """Take an asset out of the index, or only what is said of the asset itself."""
    first = number << SHIFT
    bound = {"first": first, "last": first + ((1 << SHIFT) - 1 if segments else 0)}
    _drop(connection, "BETWEEN :first AND :last", bound)


def _drop(connection: Connection, which: str, bound: dict[str, int]) -> None:
    connection.execute(text(f"DELETE FROM documents WHERE id {which}"), bound)
    for table in ("tags", "numbers", "meanings"):
        connection.execute(text(f"DELETE FROM {table} WHERE document {which}"), bound)


def place_of(connection: Connection, number: int, segment_id: str) -> int:
    """The document of a segment: the one it has, or the asset's next."""
    query = text("SELECT id FROM documents WHERE segment_id = :segment")
    known = connection.execute(query, {"segment": segment_id}).scalar_one_or_none()
    if known is not None:
        return int(known)
    last = text("SELECT MAX(id) FROM documents WHERE id BETWEEN :first AND :last")
    bound = {"first": number << SHIFT, "last": ((number + 1) << SHIFT) - 1}
    return int(connection.execute(last, bound).scalar_one() or number << SHIFT) + 1


def put_documents(connection: Connection, documents: Sequence[Document], story: str) -> None:
    """Index assets and segments of a story ('' is none), each in place of what was indexed of it before."""
    if not documents:
        return
    for each in documents:
        _drop(connection, "= :document", {"document": each.id})
    vector = "" if connection.dialect.name == "sqlite" else ", vector"
    value = "" if connection.dialect.name == "sqlite" else ", CAST(:vector AS tsvector)"
    connection.execute(
        text(
            f"INSERT INTO documents (id, segment_id, title, tags, words, keys{vector})"
            f" VALUES (:id, :segment_id, :title, :tags, :words, :keys{value})"
        ),
        [_row(each, with_vector=bool(vector)) for each in documents],
    )
    _insert(
        connection,
        "tags",
        [{"asset": d.id >> SHIFT, "document": d.id, "tag": tag} for d in documents for tag in d.tag_values],
    )
    numbers = [{"field": f, "document": d.id, "value": v} for d in documents for f, v in d.numbers]
    _insert(connection, "numbers", numbers)
    words = {word for each in documents for word in (*each.title, *each.tags, *each.words)}
    _insert(connection, "vocabulary", [{"word": word, "story": story} for word in sorted(words) if len(word) >= 3])
    fields = {key.partition(OF)[0] for each in documents for key in each.keys if OF in key}
    fields |= {field for each in documents for field, _ in each.numbers}
    _insert(connection, "field_names", [{"name": name, "story": story} for name in sorted(fields)])


def _row(document: Document, *, with_vector: bool) -> dict[str, Any]:
    parts = {part: " ".join(getattr(document, part)) for part in _WEIGHT}
    row = parts | {"id": document.id, "segment_id": document.segment_id}
    return row | ({"vector": _vector(document)} if with_vector else {})


def _vector(document: Document) -> str:
    """A tsvector as text: each word with its places; phrases do not reach from one part into the next."""
    places: dict[str, list[str]] = {}
    at = 0
    for part, weight in _WEIGHT.items():
        for word in getattr(document, part):
            at += 1
            places.setdefault(word[: 2 * MOST_LETTERS], []).append(f"{min(at, 16_383)}{weight}")
        at += 2
    return " ".join(f"'{word}':{','.join(where[:255])}" for word, where in places.items())


def _insert(connection: Connection, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        names = ", ".join(rows[0])
        marks = ", ".join(f":{name}" for name in rows[0])
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"), rows)


def places(
    connection: Connection,
    words: Sequence[str],
    part: Part,
    *,
    most: int | None = None,
    shown: "NDArray[np.bool_] | None" = None,
) -> "NDArray[np.int64]":
    """The documents in whose part the words stand side by side, in rising order: at most so many, the newest ones.

    Args:
        shown: which assets count, by number; else all do.
    """
    if shown is not None:
        return _shown_places(connection, words, part, most, shown)
    found = _places(connection, words, part, None if most is None else most + 1, "ASC")
    if most is None or len(found) <= most:
        return found
    return _places(connection, words, part, most, "DESC")[::-1]


def _shown_places(
    connection: Connection, words: Sequence[str], part: Part, most: int | None, shown: "NDArray[np.bool_]"
) -> "NDArray[np.int64]":
    """The same of those that are shown: so many more are asked for as are left out."""
    asked = None if most is None else 2 * most + 1
    found = _places(connection, words, part, asked, "ASC")
    if most is None or asked is None or len(found) < asked:  # they are all: to read them backwards costs far more
        kept = _kept(found, shown)
        return kept if most is None else kept[-most:]
    while True:
        found = _places(connection, words, part, asked, "DESC")
        kept = _kept(found, shown)
        if len(kept) >= most or len(found) < asked:
            return kept[:most][::-1]
        asked *= 4


def _kept(documents: "NDArray[np.int64]", shown: "NDArray[np.bool_]") -> "NDArray[np.int64]":
    numbers = documents >> SHIFT
    numbers[numbers >= len(shown)] = 0  # nobody: it is newer than what is known of the assets
    return documents[shown[numbers]]


def _places(
    connection: Connection, words: Sequence[str], part: Part, most: int | None, order: Literal["ASC", "DESC"]
) -> "NDArray[np.int64]":
    limit = "" if most is None else " LIMIT :most"
    if connection.dialect.name == "sqlite":
        which = f"SELECT rowid AS id FROM found WHERE found MATCH :asked ORDER BY rowid {order}"
        query = f"SELECT group_concat(id) FROM ({which}{limit})"
        asked = f'{{{part}}} : "{" ".join(words)}"'
    else:
        which = f"SELECT id FROM documents WHERE vector @@ CAST(:asked AS tsquery) ORDER BY id {order}"
        query = f"SELECT string_agg(CAST(id AS TEXT), ',') FROM ({which}{limit}) AS found"
        asked = " <-> ".join(f"'{word}':{_WEIGHT[part]}" for word in words)
    bound: dict[str, object] = {"asked": asked, "most": most} if most is not None else {"asked": asked}
    return _numbers(connection.execute(text(query), bound).scalar_one())


def in_range(connection: Connection, field: str, tests: str, bound: dict[str, object]) -> "NDArray[np.int64]":
    """The documents whose number or date in a field passes the tests (SQL of the caller's own, over `value`)."""
    on_sqlite = connection.dialect.name == "sqlite"
    joined = "group_concat(document)" if on_sqlite else "string_agg(CAST(document AS TEXT), ',')"
    query = text(f"SELECT {joined} FROM numbers WHERE field = :field AND {tests}")
    return _numbers(connection.execute(query, bound | {"field": field}).scalar_one())


def _numbers(joined: str | None) -> "NDArray[np.int64]":
    import numpy as np

    return np.fromstring(joined or "", dtype=np.int64, sep=",")


def field_names(connection: Connection) -> frozenset[str]:
    """The metadata fields of which something is indexed."""
    left_out, bound = _but_hidden(connection)
    query = text(f"SELECT name FROM field_names WHERE {left_out}")
    return frozenset(str(each) for each in connection.execute(query, bound).scalars())


def words_like(connection: Connection, word: str) -> Iterable[str]:
    """Indexed words that begin as a word does."""
    left_out, bound = _but_hidden(connection)
    collated = "word" if connection.dialect.name == "sqlite" else 'word COLLATE "C"'
    query = text(
        f"SELECT DISTINCT word FROM vocabulary WHERE {collated} >= :low AND {collated} < :high AND {left_out}"
        " LIMIT 100000"
    )
    bound |= {"low": word[0], "high": chr(ord(word[0]) + 1)}
    return [str(each) for each in connection.execute(query, bound).scalars()]


def _but_hidden(connection: Connection) -> tuple[str, dict[str, str]]:
    """SQL that leaves out what stands only in stories that whoever asks may not know of."""
    hidden = sorted(hidden_stories(connection))
    marks = ", ".join(f":hidden_{place}" for place in range(len(hidden)))
    return (f"story NOT IN ({marks})" if hidden else "TRUE"), {f"hidden_{n}": name for n, name in enumerate(hidden)}


def forget_words(connection: Connection, number: int, story: str) -> None:
    """Take out of what is suggested to those who know a story ('' is everybody) the words and the names of fields that
    nothing of it holds but this asset, which is about to leave it."""
    bound = {"first": number << SHIFT, "last": ((number + 1) << SHIFT) - 1}
    query = "SELECT title, tags, words, keys AS named FROM documents WHERE id BETWEEN :first AND :last"
    rows = connection.execute(text(query), bound).all()
    words = {word for row in rows for part in (row.title, row.tags, row.words) for word in part.split()}
    fields = {key.partition(OF)[0] for row in rows for key in row.named.split() if OF in key}
    numbers = "SELECT DISTINCT field FROM numbers WHERE document BETWEEN :first AND :last"
    fields |= {str(each) for each in connection.execute(text(numbers), bound).scalars()}
    for table, column, alone in (
        ("vocabulary", "word", [each for each in sorted(words) if not _held(connection, each, number, story)]),
        ("field_names", "name", [each for each in sorted(fields) if not _named(connection, each, number, story)]),
    ):
        gone = [{"gone": each, "story": story} for each in alone]
        if gone:
            connection.execute(text(f"DELETE FROM {table} WHERE {column} = :gone AND story = :story"), gone)


_OTHERS = "s.number <> :number AND s.story = :story LIMIT 1"


def _held(connection: Connection, word: str, number: int, story: str) -> bool:
    on_sqlite = connection.dialect.name == "sqlite"
    asked = f'{{title tags words}} : "{word}"' if on_sqlite else f"'{word}':ABC"
    return _elsewhere(connection, asked, number, story)


def _named(connection: Connection, field: str, number: int, story: str) -> bool:
    asked = f'{{keys}} : "{field}{OF}" *' if connection.dialect.name == "sqlite" else f"'{field}{OF}':*D"
    query = f"SELECT 1 FROM numbers n JOIN summaries s ON s.number = (n.document >> {SHIFT}) WHERE n.field = :field"
    bound = {"field": field, "number": number, "story": story}
    counted = connection.execute(text(f"{query} AND {_OTHERS}"), bound).first()
    return counted is not None or _elsewhere(connection, asked, number, story)


def _elsewhere(connection: Connection, asked: str, number: int, story: str) -> bool:
    """Whether another asset of the story has a document that matches."""
    if connection.dialect.name == "sqlite":
        query = f"FROM found, summaries s WHERE found MATCH :asked AND s.number = (found.rowid >> {SHIFT})"
    else:
        query = (
            f"FROM documents d, summaries s WHERE d.vector @@ CAST(:asked AS tsquery) AND s.number = (d.id >> {SHIFT})"
        )
    bound = {"asked": asked, "number": number, "story": story}
    return connection.execute(text(f"SELECT 1 {query} AND {_OTHERS}"), bound).first() is not None
