"""What the library keeps, as tables of its store."""

from holdback_base.database import story_tables
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    event,
)

from holdback_servers.assets.index import index_ddl
from holdback_servers.assets.veils import VEILS
from holdback_servers.services import room_tables

METADATA = MetaData(info={"version": 4})
TABLES = room_tables(METADATA)


STORIES = story_tables(METADATA, VEILS)
"""Which assets belong to a closed story."""

assets = Table(
    "assets",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False, index=True),
    Column("title", String, nullable=False),
    Column("status", String, nullable=False, index=True),
    Column("at", String, nullable=False),
    Column("latest_version", String),
    Column("work_id", String, ForeignKey("works.id"), index=True),
    Column("tier", Integer, nullable=False, default=1),
)
versions = Table(
    "versions",
    METADATA,
    Column("id", String, primary_key=True),
    Column("asset_id", String, ForeignKey("assets.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("media", String, nullable=False, unique=True),
    Column("facts", JSON, nullable=False),
    Column("element_list", JSON, nullable=False),
    Column("elements_from", String, nullable=False),
    Column("lineage", JSON(none_as_null=True)),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("rate", String, nullable=False),
    UniqueConstraint("asset_id", "number"),
)
version_relations = Table(
    "version_relations",
    METADATA,
    Column("version_id", String, ForeignKey("versions.id"), primary_key=True),
    Column("of_version", String, ForeignKey("versions.id"), primary_key=True, index=True),
    Column("relation", String, nullable=False),
)
"""The lineage of versions once more, so that it can be read from its sources too."""
segments = Table(
    "segments",
    METADATA,
    Column("id", String, primary_key=True),
    Column("version_id", String, ForeignKey("versions.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("in_frame", Integer, nullable=False),
    Column("out_frame", Integer, nullable=False),
    Column("method", String, nullable=False),
    Column("text", String, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("keyframe", String),
    Column("ai_config", String),
    Column("confidence", Integer),
    Index("segments_in_order", "version_id", "in_frame", "id"),
)
field_values = Table(
    "field_values",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("target", String, nullable=False),
    Column("field", String, nullable=False),
    Column("value", JSON, nullable=False),
    Column("method", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
    Column("confidence", Integer),
    Column("ai_config", String),
    Column("supersedes", String),
    Column("reviewed_by", String),
    Column("review", String),
    Column("intended_use", String),
    Index("field_values_of", "target", "field", "seq"),
    Index("field_values_made_by", "ai_config"),
)
works = Table(
    "works",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("title", String, nullable=False),
    Column("folded", String, nullable=False, index=True),
    Column("identifiers", JSON, nullable=False),
    Column("story", String),
    Column("at", String, nullable=False),
)
work_identifiers = Table(
    "work_identifiers",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("value", String, primary_key=True),
    Column("work_id", String, ForeignKey("works.id"), nullable=False, index=True),
)
"""Which work an identifier names: one only."""
renditions = Table(
    "renditions",
    METADATA,
    Column("id", String, primary_key=True),
    Column("version_id", String, ForeignKey("versions.id"), nullable=False, index=True),
    Column("purpose", String, nullable=False),
    Column("media", String, nullable=False, index=True),
    Column("facts", JSON, nullable=False),
    Column("at", String, nullable=False),
    UniqueConstraint("version_id", "purpose", "media"),
)
collections = Table(
    "collections",
    METADATA,
    Column("id", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("folded", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
    Column("removed_at", String),
)
collection_members = Table(
    "collection_members",
    METADATA,
    Column("collection_id", String, ForeignKey("collections.id"), primary_key=True),
    Column("asset_id", String, ForeignKey("assets.id"), primary_key=True, index=True),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
)
legal_holds = Table(
    "legal_holds",
    METADATA,
    Column("id", String, primary_key=True),
    Column("asset_id", String, ForeignKey("assets.id"), nullable=False, index=True),
    Column("reason", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
    Column("released_by", String),
    Column("released_at", String),
    Column("release_reason", String),
)
ai_configs = Table(
    "ai_configs",
    METADATA,
    Column("id", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("body", JSON, nullable=False),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
)
happenings = Table(
    "happenings",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("target", String, nullable=False),
    Column("what", String, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("by", String, nullable=False),
    Column("at", String, nullable=False),
    Index("happenings_of", "target", "seq"),
)
"""The history of everything that is no metadata value: what was done to what, by whom and when; never changed."""
batch_files = Table(
    "batch_files",
    METADATA,
    Column("job_id", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("path", String, nullable=False),
    Column("request", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("asset_id", String),
    Column("version_id", String),
    Column("already", Integer),
    Column("problem", JSON(none_as_null=True)),
    Index("batch_files_by_state", "job_id", "state", "number"),
)
"""The files of an ingest of many, each with its own state and what came of it."""
watched_files = Table(
    "watched_files",
    METADATA,
    Column("watch", String, primary_key=True),
    Column("path", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("sheet", String, nullable=False),
    Column("still_since", String, nullable=False),
    Column("state", String, nullable=False),
    Column("job_id", String, index=True),
    Column("asset_id", String),
    Column("version_id", String),
    Column("problem", JSON(none_as_null=True)),
    Column("at", String, nullable=False),
    Index("watched_files_by_state", "watch", "state", "path"),
)
"""What lies in watched folders, as it was last seen, and what came of it."""
pictures_seen = Table(
    "pictures_seen",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("version_id", String, ForeignKey("versions.id"), nullable=False),
    Column("frame", Integer, nullable=False),
    Column("hash", BigInteger, nullable=False),
    UniqueConstraint("version_id", "frame"),
)
"""Perceptual hashes of pictures of a version, 64 bits each as a signed integer."""
event.listen(METADATA, "after_create", index_ddl)
