"""What the cutting room keeps: timelines, never changed, and what was rendered from them. Part of one unit of work."""

from collections.abc import Sequence
from typing import Any

from holdback_base.database import closed_by, hides, put_into_stories, store_instant, story_tables
from holdback_base.problem import Problem
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    literal_column,
    select,
)

from holdback_servers.editing.model import Timeline
from holdback_servers.services import room_tables, stories_of_cuts

METADATA = MetaData(info={"version": 4})
TABLES = room_tables(METADATA)
_OF_JOBS = ("(r.request->>'timeline')", "(r.request->>'media')", "(r.request->>'name')", "(r.request->'cut'->>'media')")
STORIES = story_tables(
    METADATA,
    {
        "timelines": closed_by("r.id"),
        "renders": closed_by("r.timeline"),
        "jobs": " OR ".join(closed_by(each) for each in _OF_JOBS),
    },
)
"""Which timelines belong to a closed story, and which bytes, by their names."""

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
timeline_sources = Table(
    "timeline_sources",
    METADATA,
    Column("media", String, primary_key=True),
    Column("timeline", String, primary_key=True),
    sqlite_with_rowid=False,
)
"""Which timelines bytes were given to as a source."""

_place = literal_column("timelines.rowid", Integer)
"""SQLite's own number of a row: timelines are only ever added, so it is the order in which they were kept."""


def save(c: Connection, timeline: Timeline) -> None:
    """Keep a new timeline; one that was cut from material of a closed story belongs to it.

    Raises Problem CONFLICT for material of two closed stories: whoever may know of one need not know of the other.
    """
    stories = stories_of_cuts(c, STORIES, timeline.sources)
    if len(stories) > 1:
        raise Problem(
            "CONFLICT",
            "The sources of this cut belong to different closed stories.",
            "Make one cut for each story, or have one of them opened.",
        )
    put_into_stories(c, STORIES, timeline.id, stories)
    if timeline.sources:
        rows = [{"media": each.media, "timeline": timeline.id} for each in timeline.sources]
        c.execute(insert(timeline_sources), rows)
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


def follow(c: Connection, media: str) -> None:
    """Have the timelines that bytes are a source of belong to the closed stories that their sources belong to now."""
    cut_from = select(timelines.c.body).join(timeline_sources, timeline_sources.c.timeline == timelines.c.id)
    for body in c.execute(cut_from.where(timeline_sources.c.media == media)).scalars().all():
        timeline = Timeline.model_validate(body)
        put_into_stories(c, STORIES, timeline.id, stories_of_cuts(c, STORIES, timeline.sources))


def find(c: Connection, timeline_id: str) -> Timeline:
    """The timeline of this id. Raises Problem NOT_FOUND."""
    body = c.execute(select(timelines.c.body).where(timelines.c.id == timeline_id)).scalar_one_or_none()
    if body is None or hides(c, STORIES, timeline_id):
        raise Problem(
            "NOT_FOUND",
            f"There is no timeline {timeline_id[:60]!r}.",
            "Use an id, tl_..., that create_timeline or revise_timeline answered with.",
        )
    return Timeline.model_validate(body)


def changes_so_far(c: Connection, timeline: Timeline) -> list[str]:
    """How a timeline was made from the first of its family, in an editor's words, oldest first."""
    changes = list(timeline.changes)
    while timeline.parent is not None:
        timeline = find(c, timeline.parent)
        changes = [*timeline.changes, *changes]
    return changes


def next_revision(c: Connection, root: str) -> int:
    """The number of the next revision in a family."""
    query = select(func.max(timelines.c.revision)).where(timelines.c.root == root)
    return int(c.execute(query).scalar_one() or 0) + 1


def listed(
    c: Connection, *, root: str | None = None, title: str | None = None, before: int = 0, limit: int = 50
) -> list[tuple[int, Timeline]]:
    """Timelines with their places, newest first: of each family its newest revision, or every revision of the family of
    `root`.

    Args:
        title: words that the title holds, in any case.
        before: only those kept before this place; 0 for all.
    """
    query = select(_place, timelines.c.body).order_by(_place.desc()).limit(limit)
    if root is not None:
        query = query.where(timelines.c.root == root)
    else:
        newer = timelines.alias()
        later = select(newer.c.id).where(newer.c.root == timelines.c.root, newer.c.revision > timelines.c.revision)
        query = query.where(~later.exists())
    if title is not None:
        query = query.where(timelines.c.body["title"].as_string().icontains(title, autoescape=True))
    if before:
        query = query.where(_place < before)
    return [(place, Timeline.model_validate(body)) for place, body in c.execute(query)]


def renders_of(c: Connection, names: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """What was rendered from these timelines: profile and media, in the order of profiles."""
    query = select(renders.c.timeline, renders.c.profile, renders.c.media).where(renders.c.timeline.in_(names))
    found: dict[str, list[tuple[str, str]]] = {}
    for timeline, profile, media in c.execute(query.order_by(renders.c.profile)):
        found.setdefault(timeline, []).append((profile, media))
    return found


def remember_render(c: Connection, timeline_id: str, profile: str, facts: dict[str, Any], at: str) -> None:
    """Keep what was rendered, in place of an earlier file of the same timeline and profile."""
    c.execute(delete(renders).where(renders.c.timeline == timeline_id, renders.c.profile == profile))
    row = {"timeline": timeline_id, "profile": profile, "media": facts["media"], "facts": facts, "at": at}
    c.execute(insert(renders).values(**row))


def find_render(c: Connection, timeline_id: str, profile: str) -> dict[str, Any] | None:
    """What was rendered from a timeline with a profile, if anything."""
    query = select(renders.c.facts).where(renders.c.timeline == timeline_id, renders.c.profile == profile)
    return c.execute(query).scalar_one_or_none()


def find_rendered(c: Connection, media: str) -> Timeline | None:
    """The timeline that a file was rendered from here, if it was."""
    query = select(renders.c.timeline).where(renders.c.media == media).limit(1)
    timeline = c.execute(query).scalar_one_or_none()
    return find(c, timeline) if timeline else None
