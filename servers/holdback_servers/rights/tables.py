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
    Column("withdrawn_at", String),
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
history = Table(
    "history",
    METADATA,
    Column("right", String, ForeignKey("rights.id"), primary_key=True),
    Column("until", String, primary_key=True),
    Column("body", String, nullable=False),
    Column("replaced_by", String, nullable=False),
)
"""Rights as they were until they were changed or withdrawn, and by whom."""
events = Table(
    "events",
    METADATA,
    Column("ref", String, primary_key=True),
    Column("event", String, primary_key=True),
    Column("body", String, nullable=False),
    Column("changed_at", String, nullable=False),
    Column("changed_by", String, nullable=False),
)
"""Events that windows hang on, as far as they are known."""
runs = Table(
    "runs",
    METADATA,
    Column("right", String, ForeignKey("rights.id"), primary_key=True),
    Column("publication", String, primary_key=True),
    Column("at", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("changed_at", String, nullable=False),
    Column("changed_by", String, nullable=False),
)
"""Transmissions against rights with a run limit; `counted` is 0 for a rerun that the right does not count."""
clearances = Table(
    "clearances",
    METADATA,
    Column("id", String, primary_key=True),
    Column("media", String, nullable=False, index=True),
    Column("statement", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("issued_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("stale_at", String),
    Column("stale_reason", String),
    Column("revoked_at", String),
    Column("revoked_by", String),
    Column("reason", String),
)
clearance_refs = Table(
    "clearance_refs",
    METADATA,
    Column("ref", String, primary_key=True),
    Column("clearance", String, ForeignKey("clearances.id"), primary_key=True),
)
"""Which references a clearance was decided on: those to look at again when a right changes."""
