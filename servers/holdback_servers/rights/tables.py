"""The tables of the rights room's store."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, MetaData, String, Table

from holdback_servers.services import room_tables

METADATA = MetaData()
TABLES = room_tables(METADATA)

contracts = Table(
    "contracts",
    METADATA,
    Column("id", String, primary_key=True),
    Column("external_key", String, unique=True),
    Column("status", String, nullable=False),
    Column("fingerprint", String, nullable=False, index=True),
    Column("body", JSON, nullable=False),
    Column("changed_at", String, nullable=False),
    Column("changed_by", String, nullable=False),
)
rights = Table(
    "rights",
    METADATA,
    Column("id", String, primary_key=True),
    Column("external_key", String, unique=True),
    Column("contract", String, ForeignKey("contracts.id"), nullable=False),
    Column("ref", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("start_at", String),
    Column("end_at", String),
    Column("fingerprint", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("changed_at", String, nullable=False),
    Column("changed_by", String, nullable=False),
    Index("rights_by_ref", "ref", "kind", "start_at", "end_at"),
    Index("rights_by_contract", "contract", "fingerprint"),
)
refs = Table(
    "refs",
    METADATA,
    Column("ref", String, primary_key=True),
    Column("version", Integer, nullable=False),
)
"""Grows with each change to a right of the reference or to its contract, so that what was read can be kept."""
clearances = Table(
    "clearances",
    METADATA,
    Column("id", String, primary_key=True),
    Column("media", String, nullable=False, index=True),
    Column("statement", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("issued_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("revoked_at", String),
    Column("revoked_by", String),
    Column("reason", String),
)
