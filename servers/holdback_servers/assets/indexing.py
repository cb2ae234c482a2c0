"""What of the library goes into the index. Each function is part of the unit of work that changed it."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

from holdback_servers.assets import store
from holdback_servers.assets.index import (
    NEXT,
    OF,
    SHIFT,
    WHOLE,
    Document,
    drop_documents,
    forget_words,
    place_of,
    put_documents,
)
from holdback_servers.assets.matching import phrase
from holdback_servers.assets.model import FieldValue, Segment, Value, Version
from holdback_servers.assets.search import date_of, number_of

_APART = frozenset({"title", "description", "tags"})
_ALL = 1_000_000
_AT_ONCE = 500


def index_asset(connection: Connection, asset_id: str) -> None:
    """Index an asset with all segments of its latest version, in place of what was indexed of it."""
    version = store.latest_version(connection, asset_id)
    number, story = _summarise(connection, asset_id, version)
    drop_documents(connection, number)
    segments = store.segments_of(connection, version.id, None, limit=_ALL)
    said: dict[str, list[FieldValue]] = {}
    for begin in range(0, len(segments), _AT_ONCE):
        for value in store.values_of(connection, [each.id for each in segments[begin : begin + _AT_ONCE]]):
            said.setdefault(value.target, []).append(value)
    first = (number << SHIFT) + 1
    documents = [_of_segment(first + n, each, said.get(each.id, [])) for n, each in enumerate(segments)]
    put_documents(connection, [_of_asset(connection, number, asset_id, version), *documents], story)


def reindex_asset(connection: Connection, asset_id: str) -> None:
    """Index the asset itself anew; its segments stay as they are."""
    version = store.latest_version(connection, asset_id)
    number, story = _summarise(connection, asset_id, version)
    put_documents(connection, [_of_asset(connection, number, asset_id, version)], story)


def index_segment(connection: Connection, asset_id: str, segment: Segment) -> None:
    """Index one segment of a latest version."""
    query = text("SELECT number, story FROM summaries WHERE asset_id = :asset")
    number, story = connection.execute(query, {"asset": asset_id}).one()
    values = store.values_of(connection, [segment.id])
    put_documents(connection, [_of_segment(place_of(connection, number, segment.id), segment, values)], story)


def leave_story(connection: Connection, asset_id: str) -> None:
    """Take out of what is suggested what only this asset holds of the story that it is about to leave; to be indexed
    anew afterwards."""
    query = text("SELECT number, story FROM summaries WHERE asset_id = :asset")
    number, story = connection.execute(query, {"asset": asset_id}).one()
    forget_words(connection, number, story)


def _summarise(connection: Connection, asset_id: str, version: Version) -> tuple[int, str]:
    """Bring up to date what filters go by; the asset's number in the index, and its story or ''."""
    asset, video = store.find_asset(connection, asset_id), version.facts.video
    facts: dict[str, object] = {
        "asset": asset_id,
        "story": asset.story or "",
        "kind": asset.kind,
        "status": asset.status,
        "rate": version.facts.rate.text(),
        "frames_a_second": float(version.facts.rate.fraction),
        "seconds": float(version.facts.seconds),
        "width": 0 if video is None else video.width,
        "height": 0 if video is None else video.height,
        "at": asset.at.timestamp(),
    }
    known = connection.execute(
        text("SELECT number FROM summaries WHERE asset_id = :asset"), {"asset": asset_id}
    ).scalar_one_or_none()
    if known is None:
        query = (
            "INSERT INTO summaries (number, asset_id, change, story, kind, status, rate, frames_a_second, seconds,"
            " width, height, at) SELECT COALESCE(MAX(number), 0) + 1, :asset, COALESCE(MAX(change), 0) + 1, :story,"
            " :kind, :status, :rate, :frames_a_second, :seconds, :width, :height, :at FROM summaries RETURNING number"
        )
    else:
        query = (
            "UPDATE summaries SET change = (SELECT MAX(change) + 1 FROM summaries), story = :story, kind = :kind,"
            " status = :status, rate = :rate, frames_a_second = :frames_a_second, seconds = :seconds, width = :width,"
            " height = :height, at = :at WHERE asset_id = :asset RETURNING number"
        )
    return int(connection.execute(text(query), facts).scalar_one()), asset.story or ""


def _of_segment(place: int, segment: Segment, values: Sequence[FieldValue]) -> Document:
    told = [(each.field, plain(each.value)) for each in values if each.field not in _APART]
    return Document(
        id=place,
        segment_id=segment.id,
        tags=_words(segment.tags),
        words=_words([segment.text, *(value for _, value in told)]),
        keys=[*_keys(told), *_tag_keys(segment.tags), *_key("kind", segment.kind)],
        tag_values=_tag_values(segment.tags),
        numbers=_numbers(told),
    )


def _of_asset(connection: Connection, number: int, asset_id: str, version: Version) -> Document:
    asset = store.find_asset(connection, asset_id)
    values = store.values_of(connection, [asset_id, version.id])
    own = {each.field: each.value for each in values if each.target == asset_id}
    tags = own.get("tags", ())
    tags = tags if isinstance(tags, tuple) else (str(tags),)
    told = [(each.field, plain(each.value)) for each in values if each.field not in _APART]
    made_of = [pair for each in version.element_list.elements for pair in ((each.kind, each.name), ("ref", each.ref))]
    return Document(
        id=number << SHIFT,
        segment_id=None,
        title=phrase(asset.title),
        tags=_words(tags),
        words=_words([plain(own.get("description", "")), *(value for _, value in (*told, *made_of))]),
        keys=[*_keys([*told, *made_of]), *_tag_keys(tags)],
        tag_values=_tag_values(tags),
        numbers=_numbers(told),
    )


def _words(texts: Iterable[str]) -> list[str]:
    return [word for each in texts if (words := phrase(each)) for word in (*words, NEXT)]


def _keys(told: Iterable[tuple[str, str]]) -> list[str]:
    return [key for field, value in told for key in (*_key(field, value), NEXT)]


def _key(field: str, value: str) -> list[str]:
    return [f"{field}{OF}{word}" for word in phrase(value)]


def _tag_keys(tags: Iterable[str]) -> list[str]:
    return [key for tag in tags for key in (*_key("tag", tag), whole_tag(tag), NEXT) if phrase(tag)]


def whole_tag(tag: str) -> str:
    """The key of a tag as a whole."""
    return f"tag{WHOLE}{WHOLE.join(phrase(tag))}"


def _tag_values(tags: Iterable[str]) -> list[str]:
    return sorted({tag.casefold() for tag in tags if tag})


def _numbers(told: Iterable[tuple[str, str]]) -> list[tuple[str, float]]:
    """What of the values can be compared: numbers, and under `field@` dates; of several the last."""
    found: dict[str, float] = {}
    for field, value in told:
        if (number := number_of(value)) is not None:
            found[field] = number
        elif (moment := date_of(value)) is not None:
            found[f"{field}@"] = moment
    return sorted(found.items())


def plain(value: Value) -> str:
    """A value as words."""
    return ", ".join(value) if isinstance(value, tuple) else str(value)
