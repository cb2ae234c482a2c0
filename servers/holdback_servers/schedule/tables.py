"""The tables of the schedule's store."""

from holdback_base.database import closed_by, story_tables
from sqlalchemy import JSON, Boolean, Column, Index, Integer, MetaData, String, Table

from holdback_servers.services import room_tables

METADATA = MetaData(info={"version": 4})
TABLES = room_tables(METADATA)
STORIES = story_tables(
    METADATA,
    {"publications": closed_by("r.id"), "jobs": closed_by("r.id")}
    | dict.fromkeys(("papers", "run_orders", "showings", "history", "as_run"), closed_by("r.publication")),
)
"""Which publications and bytes belong to a closed story, and which jobs plan some."""

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
    Column("sponsor", String, nullable=False),
    Column("follows", String, index=True),
    Column("priority", Integer, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("media", String),
    Column("clearance", String),
    Column("body", JSON, nullable=False),
    Index("publications_by_channel", "channel", "start_at"),
    Index(  # all that the rules of a channel ask of what is on its books
        "publications_on_the_books",
        "channel",
        "until_at",
        "start_at",
        "state",
        "expires_at",
        "id",
        "title",
        "sponsor",
        "priority",
        "locked",
        "follows",
    ),
    Index("publications_by_start", "start_at", "id"),
    Index("publications_by_clearance", "clearance"),
    Index("publications_by_media", "media"),
)
papers = Table(
    # The signed statements that a publication stands on, as they came, and when the approval was relied on first.
    "papers",
    METADATA,
    Column("publication", String, primary_key=True),
    Column("clearance", String, nullable=False),
    Column("approval", String, nullable=False),
    Column("approved_at", String, nullable=False),
)
run_orders = Table(
    # The transmissions of a publication whose runs are to stand reserved or used, and how far the keeper of runs knows.
    # `wanted` follows the publication; `intended` is what a change under way has asked for; `secured` is what the
    # keeper was last heard to hold; `next_at` is the first reserved instant.
    "run_orders",
    METADATA,
    Column("publication", String, primary_key=True),
    Column("clearance", String),
    Column("wanted", JSON, nullable=False),
    Column("intended", JSON(none_as_null=True)),
    Column("secured", JSON(none_as_null=True)),
    Column("done", Boolean, nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("try_at", String, nullable=False),
    Column("next_at", String, index=True),
    Column("changed_at", String, nullable=False),
)
showings = Table(
    # What a channel's publisher has been told of a publication, and when the clock must look at it again.
    "showings",
    METADATA,
    Column("publication", String, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("shown", JSON, nullable=False),
    Column("sending", JSON),
    Column("lease_until", String),
    Column("attempts", Integer, nullable=False),
    Column("seen_at", String, index=True),
    Column("next_at", String, index=True),
    Column("failure", String),
    Column("receipts", JSON, nullable=False),
)
as_run = Table(
    "as_run",
    METADATA,
    Column("id", String, primary_key=True),
    Column("channel", String, nullable=False),
    Column("start_at", String, nullable=False),
    Column("until_at", String, nullable=False),
    Column("publication", String, index=True),
    Column("body", JSON, nullable=False),
    Index("as_run_by_channel", "channel", "start_at"),
)
as_run_files = Table(
    # The hours that each as-run file covered: only in them something that is not on record did not air.
    "as_run_files",
    METADATA,
    Column("channel", String, primary_key=True),
    Column("start_at", String, primary_key=True),
    Column("until_at", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("at", String, nullable=False),
    Column("by", String, nullable=False),
)
calendar_feeds = Table(
    # Which of the addresses given to a person for calendars still answer: those of this generation.
    "calendar_feeds",
    METADATA,
    Column("person", String, primary_key=True),
    Column("generation", Integer, nullable=False),
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
