"""What of the library goes into the full-text index. Each function is part of the unit of work that changed it."""

from sqlalchemy import Connection

from holdback_servers.assets import store
from holdback_servers.assets.index import drop_documents, put_document
from holdback_servers.assets.model import FieldValue, Segment, Value, Version
from holdback_servers.assets.search import clean, field_lines

_APART = frozenset({"title", "description", "tags"})
_ALL = 1_000_000


def index_asset(connection: Connection, asset_id: str) -> None:
    """Index an asset with all segments of its latest version, in place of what was indexed of it."""
    drop_documents(connection, asset_id)
    version = store.latest_version(connection, asset_id)
    _put_asset(connection, asset_id, version)
    for segment in store.segments_of(connection, version.id, None, limit=_ALL):
        index_segment(connection, asset_id, segment)


def reindex_asset(connection: Connection, asset_id: str) -> None:
    """Index the asset itself anew; its segments stay as they are."""
    _put_asset(connection, asset_id, store.latest_version(connection, asset_id))


def index_segment(connection: Connection, asset_id: str, segment: Segment) -> None:
    """Index one segment of a latest version; one that says nothing is left out."""
    values = [each for each in store.values_of(connection, [segment.id]) if each.field not in _APART]
    put_document(
        connection,
        asset_id,
        segment.id,
        tags=tuple(clean(tag) for tag in segment.tags),
        words=clean(segment.text),
        fields=_lines(values),
    )


def _put_asset(connection: Connection, asset_id: str, version: Version) -> None:
    asset = store.find_asset(connection, asset_id)
    values = store.values_of(connection, [asset_id, version.id])
    own = {each.field: each.value for each in values if each.target == asset_id}
    tags = own.get("tags", ())
    put_document(
        connection,
        asset_id,
        None,
        title=clean(asset.title),
        tags=tuple(clean(tag) for tag in tags) if isinstance(tags, tuple) else (clean(str(tags)),),
        words=clean(plain(own.get("description", ""))),
        fields="\n".join(part for part in (_lines(values), _elements(version)) if part),
    )


def _lines(values: list[FieldValue]) -> str:
    return field_lines([(each.field, plain(each.value)) for each in values if each.field not in _APART])


def _elements(version: Version) -> str:
    return field_lines([(each.kind, f"{each.name} ({each.ref})") for each in version.element_list.elements])


def plain(value: Value) -> str:
    """A value as words."""
    return ", ".join(value) if isinstance(value, tuple) else str(value)
