"""What the cutting room keeps: timelines, never changed, and what was rendered from them. Part of one unit of work."""

from typing import Any

from holdback_base.database import store_instant
from holdback_base.problem import Problem
from sqlalchemy import JSON, Column, Connection, Index, Integer, MetaData, String, Table, func, insert, select

from holdback_servers.editing.model import Timeline
from holdback_servers.services import room_tables

METADATA = MetaData(info={"version": 2})
TABLES = room_tables(METADATA)

timelines = Table(
    "timelines",
    METADATA,
    Column("id", String, primary_key=True),
    Column("root", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("parent", String),
    Column("body", JSON, nullable=False),
    Column("made_at", String, nullable=False),
    Column("made_by", String, nullable=False),
    Index("timelines_by_family", "root", "revision", unique=True),
)
renders = Table(
    "renders",
    METADATA,
    Column("timeline", String, primary_key=True),
    Column("profile", String, primary_key=True),
    Column("media", String, nullable=False, index=True),
    Column("facts", JSON, nullable=False),
    Column("at", String, nullable=False),
)


def save(c: Connection, timeline: Timeline) -> None:
    """Keep a new timeline."""
    c.execute(
        insert(timelines).values(
            id=timeline.id,
            root=timeline.root,
            revision=timeline.revision,
            parent=timeline.parent,
            body=timeline.model_dump(mode="json", exclude_none=True),
            made_at=store_instant(timeline.made),
            made_by=timeline.by,
        )
    )


def find(c: Connection, timeline_id: str) -> Timeline:
    """The timeline of this id. Raises Problem NOT_FOUND."""
    body = c.execute(select(timelines.c.body).where(timelines.c.id == timeline_id)).scalar_one_or_none()
    if body is None:
        raise Problem(
            "NOT_FOUND",
            f"There is no timeline {timeline_id[:60]!r}.",
            "Use an id, tl_..., that create_timeline or revise_timeline answered with.",
        )
    return Timeline.model_validate(body)


def next_revision(c: Connection, root: str) -> int:
    """The number of the next revision in a family."""
    query = select(func.max(timelines.c.revision)).where(timelines.c.root == root)
    return int(c.execute(query).scalar_one() or 0) + 1


def remember_render(c: Connection, timeline_id: str, profile: str, facts: dict[str, Any], at: str) -> None:
    """Keep what was rendered; the same timeline and profile rendered again is the same file, and kept once."""
    if find_render(c, timeline_id, profile) is None:
        row = {"timeline": timeline_id, "profile": profile, "media": facts["media"], "facts": facts, "at": at}
        c.execute(insert(renders).values(**row))


def find_render(c: Connection, timeline_id: str, profile: str) -> dict[str, Any] | None:
    """What was rendered from a timeline with a profile, if anything."""
    query = select(renders.c.facts).where(renders.c.timeline == timeline_id, renders.c.profile == profile)
    return c.execute(query).scalar_one_or_none()
