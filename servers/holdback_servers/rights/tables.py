"""The tables of the rights room's store.

What decides is in columns of its own (`rows`), bodies are JSON text that is read only for words. Windows are integer
microseconds, as in `windows`.
"""

from holdback_base.database import closed_by, story_tables
from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, MetaData, String, Table

from holdback_servers.services import room_tables

METADATA = MetaData(info={"version": 5})
TABLES = room_tables(METADATA)
STORIES = story_tables(METADATA, {"clearances": closed_by("r.id"), "clearance_refs": closed_by("r.clearance")})
"""Which clearances are of cuts of a closed story, and which bytes, by their names."""

contracts = Table(
    "contracts",
    METADATA,
    Column("id", String, primary_key=True),
    Column("external_key", String, unique=True),
    Column("status", String, nullable=False),
    Column("hash", String, nullable=False, index=True),
    Column("body", String, nullable=False),
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
    Column("status", String, nullable=False),
    Column("opens", Integer, nullable=False),
    Column("closes", Integer, nullable=False),
    Column("facts", String, nullable=False),
    Column("clause", String, nullable=False),
    Column("hash", String, nullable=False),
    Column("body", String, nullable=False),
    Column("withdrawn_at", String),
    Column("changed_at", String, nullable=False),
    Column("changed_by", String, nullable=False),
    Index(
        "rights_by_ref", "ref", "closes", "opens", "kind", "status", "facts", "clause", "contract", "id", "withdrawn_at"
    ),
    Index("rights_by_contract", "contract", "id"),
    Index("rights_by_end", "kind", "closes"),
)
"""`status` is the contract's. So `rights_by_ref` holds all that decides, and the clause: the rights of a reference are
side by side there, and a decision reads nothing else."""
refs = Table(
    "refs",
    METADATA,
    Column("ref", String, primary_key=True),
    Column("version", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""A version is another after each change to a right of the reference or to its contract, so that what was read can be
kept until then."""
reach = Table(
    "reach",
    METADATA,
    Column("place", String, primary_key=True),
    Column("medium", String, primary_key=True),
    Column("span", Integer, primary_key=True),
    Column("ref", String, primary_key=True),
    Column("opens", Integer, nullable=False),
    Column("closes", Integer, nullable=False),
    Column("grants", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Where to look for grants (see `reach`): places and media as they were recorded, spans of time, whole days."""
history = Table(
    "history",
    METADATA,
    Column("right", String, ForeignKey("rights.id"), primary_key=True),
    Column("until", String, primary_key=True),
    Column("body", String, nullable=False),
    Column("replaced_by", String, nullable=False),
    sqlite_with_rowid=False,
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
    Column("opens_until", String, nullable=False),
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
clearance_cuts = Table(
    "clearance_cuts",
    METADATA,
    Column("media", String, primary_key=True),
    Column("clearance", String, ForeignKey("clearances.id"), primary_key=True),
)
"""Which clearances bytes are a delivery of."""
publications = Table(
    "publications",
    METADATA,
    Column("id", String, primary_key=True),
    Column("clearance", String, nullable=False),
)
"""Which clearance a publication goes out under, as whoever reserved its runs last said."""
