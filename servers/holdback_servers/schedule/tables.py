"""The tables of the schedule's store."""

from sqlalchemy import JSON, Column, Index, Integer, MetaData, String, Table

from holdback_servers.services import room_tables

METADATA = MetaData()
TABLES = room_tables(METADATA)

channels = Table(
    "channels",
    METADATA,
    Column("name", String, primary_key=True),
    Column("platform", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("changed_at", String, nullable=False),
    Column("changed_by", String, nullable=False),
)
publications = Table(
    "publications",
    METADATA,
    Column("id", String, primary_key=True),
    Column("channel", String, nullable=False),
    Column("title", String, nullable=False),
    Column("state", String, nullable=False),
    Column("start_at", String, nullable=False),
    Column("until_at", String, nullable=False),
    Column("expires_at", String),
    Column("hold", String, unique=True),
    Column("body", JSON, nullable=False),
    Index("publications_by_channel", "channel", "start_at"),
    Index("publications_by_start", "start_at", "id"),
)
history = Table(
    "history",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("publication", String, nullable=False, index=True),
    Column("at", String, nullable=False),
    Column("state", String, nullable=False),
    Column("by", String, nullable=False),
    Column("on_behalf_of", String, nullable=False),
    Column("why", String, nullable=False),
)
