"""The full-text index beside the library's tables: one document for each asset and each segment of its latest version.

An FTS5 table over the plain table `documents`, kept in step by triggers, so that no writer can forget it.
"""

from typing import Any

from sqlalchemy import Connection, text

_DDL = (
    """CREATE TABLE documents (
        id INTEGER PRIMARY KEY, asset_id TEXT NOT NULL, segment_id TEXT UNIQUE,
        title TEXT NOT NULL, tags TEXT NOT NULL, text TEXT NOT NULL, fields TEXT NOT NULL)""",
    "CREATE INDEX documents_of ON documents (asset_id)",
    """CREATE TABLE tags (
        asset_id TEXT NOT NULL, target TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (asset_id, target, tag)
        ) WITHOUT ROWID""",
    "CREATE INDEX tags_by_name ON tags (tag, asset_id)",
    """CREATE VIRTUAL TABLE words USING fts5(
        title, tags, text, fields, content='documents', content_rowid='id',
        tokenize="unicode61 remove_diacritics 2")""",
    """CREATE TRIGGER documents_added AFTER INSERT ON documents BEGIN
        INSERT INTO words (rowid, title, tags, text, fields)
        VALUES (new.id, new.title, new.tags, new.text, new.fields); END""",
    """CREATE TRIGGER documents_removed AFTER DELETE ON documents BEGIN
        INSERT INTO words (words, rowid, title, tags, text, fields)
        VALUES ('delete', old.id, old.title, old.tags, old.text, old.fields); END""",
)


def index_ddl(_metadata: object, connection: Connection, **_: Any) -> None:
    """Make the index, after the room's tables have been made."""
    for statement in _DDL:
        connection.exec_driver_sql(statement)


def drop_documents(connection: Connection, asset_id: str) -> None:
    """Take an asset and its segments out of the index."""
    for table in ("documents", "tags"):
        connection.execute(text(f"DELETE FROM {table} WHERE asset_id = :asset_id"), {"asset_id": asset_id})  # noqa: S608 - names are ours


def put_document(
    connection: Connection,
    asset_id: str,
    segment_id: str | None,
    *,
    title: str = "",
    tags: tuple[str, ...] = (),
    words: str = "",
    fields: str = "",
) -> None:
    """Index an asset (no segment) or one of its segments, in place of what was indexed of it before."""
    target = segment_id or asset_id
    which = {"asset_id": asset_id, "segment_id": segment_id, "target": target}
    connection.execute(text("DELETE FROM documents WHERE asset_id = :asset_id AND segment_id IS :segment_id"), which)
    connection.execute(text("DELETE FROM tags WHERE asset_id = :asset_id AND target = :target"), which)
    connection.execute(
        text(
            "INSERT INTO documents (asset_id, segment_id, title, tags, text, fields)"
            " VALUES (:asset_id, :segment_id, :title, :tags, :words, :fields)"
        ),
        which | {"title": title, "tags": ", ".join(tags), "words": words, "fields": fields},
    )
    for tag in {each.casefold() for each in tags}:
        connection.execute(
            text("INSERT INTO tags (asset_id, target, tag) VALUES (:asset_id, :target, :tag)"), which | {"tag": tag}
        )
