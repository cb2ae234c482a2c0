"""Closing assets to all but those who know of a story, and saying how valuable they are. Part of a unit of work."""

from collections.abc import Callable, Generator, Iterable

from holdback_base.database import put_into_story
from holdback_base.problem import Problem
from holdback_trust.identity import StoryName
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from holdback_servers.assets import store
from holdback_servers.assets.indexing import index_asset, leave_story, reindex_asset
from holdback_servers.assets.model import Asset, Value
from holdback_servers.assets.tables import STORIES
from holdback_servers.media_store import MediaStore

FIELDS = frozenset({"story", "tier"})
"""Fields of an asset that say who may know of it and use it. They take more than the right to write."""
_STORY = TypeAdapter[str](StoryName)
MadeOf = Callable[[str], Iterable[str]]
"""The names of all bytes that were made of bytes, as the media store knows them, whatever the library was told."""


def nothing_made(_media: str) -> Iterable[str]:
    """For a library whose bytes nobody works with."""
    return ()


def story_named(value: Value) -> str | None:
    """The story that a value names; None for an empty one, which opens. Raises Problem INVALID_ARGUMENT."""
    if value == "":
        return None
    try:
        return _STORY.validate_python(value)
    except ValidationError as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{str(value)[:80]!r} is not the name of a story.",
            "Write it in small letters, digits and hyphens, such as court-ruling; an empty text opens the asset.",
        ) from error


def set_story(connection: Connection, asset_id: str, value: Value, made_of: MadeOf = nothing_made) -> list[str]:
    """Close an asset to whoever may not know of the story, or with an empty value open it to all.

    What was made of its versions follows it into the story, also what is here without a word of what it was made of;
    opening it opens nothing else.

    Returns:
        The assets that followed.

    Raises:
        Problem: INVALID_ARGUMENT for what is no name of a story; CONFLICT when something that was made of it belongs to
            another closed story.
    """
    story = story_named(value)
    asset = store.find_asset(connection, asset_id)
    followers = (
        [] if story is None else [each for each in _made_of(connection, asset_id, made_of) if each.story != story]
    )
    if any(each.story is not None for each in followers):
        raise Problem(
            "CONFLICT",
            f"Something that was made of {asset_id} belongs to another closed story.",
            "Let somebody who knows both stories decide.",
        )
    for each in (asset, *followers):
        leave_story(connection, each.id)
        put_into_story(connection, STORIES, each.id, story)
        index_asset(connection, each.id)
    return [each.id for each in followers]


def set_tier(connection: Connection, asset_id: str, value: Value, made_of: MadeOf = nothing_made) -> list[str]:
    """Say how valuable an asset is, 1 to 3; what was made of it is at least as valuable.

    Returns:
        The assets that became more valuable with it. Raises Problem INVALID_ARGUMENT for another value.
    """
    if isinstance(value, bool) or value not in (1, 2, 3):
        raise Problem("INVALID_ARGUMENT", f"tier cannot be {str(value)[:80]!r}.", "Give 1, 2 or 3; 3 is the highest.")
    tier = int(str(value))
    followers = [each for each in _made_of(connection, asset_id, made_of) if each.tier < tier]
    for each in (asset_id, *(follower.id for follower in followers)):
        store.set_asset(connection, each, tier=tier)
        reindex_asset(connection, each)
    return [each.id for each in followers]


def _made_of(connection: Connection, asset_id: str, made_of: MadeOf) -> list[Asset]:
    """Every asset that was made, directly or not, of a version of this one."""
    found: dict[str, Asset] = {}
    waiting = [asset_id]
    while waiting:
        for version in store.versions_of(connection, waiting.pop()):
            related = [store.owner_of(connection, made) for made, _ in store.made_from(connection, version.id)]
            known = (store.owner_of_media(connection, each) for each in made_of(version.media))
            for owner in (*related, *(each for each in known if each is not None)):
                if owner.id not in (*found, asset_id):
                    found[owner.id] = owner
                    waiting.append(owner.id)
    return list(found.values())


_OWN_BYTES = ("proxy", "delivery")
"""Other forms of a version that no other version has; a picture of black or a curve of silence may be anybody's."""


def mark_media(connection: Connection, media: MediaStore, asset_ids: Iterable[str]) -> None:
    """Have the bytes of assets belong to their story in the media store too, where all rooms find them by their hash.

    To close bytes this is done before the unit is on disk, to open them afterwards: what happens in between leaves them
    closed.
    """
    for asset, name in _bytes_of(connection, asset_ids):
        media.close(name, asset.story)


def value_media(connection: Connection, media: MediaStore, asset_ids: Iterable[str], *, may_sink: bool = False) -> None:
    """Have the bytes of assets be of their tier in the media store too, whatever was signed of them before.

    To raise it this is done before the unit is on disk; `may_sink` is for afterwards.
    """
    for asset, name in _bytes_of(connection, asset_ids):
        known = media.tier(name)
        if asset.tier > known or (may_sink and asset.tier < known):
            media.value(name, asset.tier)


def _bytes_of(connection: Connection, asset_ids: Iterable[str]) -> Generator[tuple[Asset, str]]:
    for asset_id in asset_ids:
        asset = store.find_asset(connection, asset_id)
        for version in store.versions_of(connection, asset_id):
            others = (each for each in store.renditions_of(connection, version.id) if each.purpose in _OWN_BYTES)
            for name in (version.media, *(each.media for each in others)):
                yield asset, name


def inherited(sources: Iterable[Asset], tier: int, story: str | None) -> tuple[int, str | None]:
    """The tier and the closed story of what is made of assets, itself said to be of a tier and a story.

    Raises:
        Problem: CONFLICT for material of two closed stories: nobody need know of both.
    """
    together = list(sources)
    stories = {each for each in (story, *(asset.story for asset in together)) if each is not None}
    if len(stories) > 1:
        raise Problem(
            "CONFLICT",
            "What it is made of belongs to different closed stories.",
            "Make one cut for each story, or have one of them opened.",
        )
    return max([tier, *(each.tier for each in together)]), next(iter(stories), None)
