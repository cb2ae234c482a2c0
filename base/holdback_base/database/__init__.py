"""What a room keeps things in: the same two methods, `write` and `read`, over SQLite or PostgreSQL."""

from holdback_base.database.ground import Ground, Reader, Unit, Writer
from holdback_base.database.port import Database, load_instant, store_instant
from holdback_base.database.stories import (
    STRANGER,
    News,
    Sight,
    StoryTables,
    closed_by,
    current_sight,
    hidden_stories,
    hides,
    knowing,
    known_stories,
    put_into_stories,
    put_into_story,
    seeing,
    stories_of,
    story_tables,
)

__all__ = [
    "STRANGER",
    "Database",
    "Ground",
    "News",
    "Reader",
    "Sight",
    "StoryTables",
    "Unit",
    "Writer",
    "closed_by",
    "current_sight",
    "hidden_stories",
    "hides",
    "knowing",
    "known_stories",
    "load_instant",
    "put_into_stories",
    "put_into_story",
    "seeing",
    "store_instant",
    "stories_of",
    "story_tables",
]
