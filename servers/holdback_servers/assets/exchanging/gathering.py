"""What goes into an exported catalogue, out of what the library keeps."""

from collections.abc import Sequence

from holdback_base.database import Unit
from holdback_base.problem import Problem
from sqlalchemy import Connection

from holdback_servers.assets import closing, configurations, store
from holdback_servers.assets.holdings import collections, works
from holdback_servers.assets.interchange.catalogue import Catalogue, Shelf

_MOST, _MOST_SEGMENTS = 500, 20_000


def gather(asset_ids: Sequence[str], collection_id: str | None, work_id: str | None) -> Unit[Catalogue]:
    """A unit that reads these assets, and those of a collection and of a work.

    Raises:
        Problem: NOT_FOUND; TOO_LARGE for more than 500 assets.
    """

    def unit(connection: Connection) -> Catalogue:
        named = list(asset_ids)
        if collection_id is not None:
            collections.find_collection(connection, collection_id)
            named += [each.id for each in collections.members(connection, collection_id, "", _MOST + 1)]
        if work_id is not None:
            works.find_work(connection, work_id)
            named += [each.id for each in works.assets_of_work(connection, work_id, _MOST + 1)]
        named = list(dict.fromkeys(named))
        if len(named) > _MOST:
            raise Problem("TOO_LARGE", f"More than {_MOST} assets are asked for.", "Export them in parts.")
        shelves = tuple(_shelf(connection, each) for each in named)
        of_works = dict.fromkeys(each.asset.work_id for each in shelves if each.asset.work_id is not None)
        used = {value.ai_config for each in shelves for value in each.values if value.ai_config}
        used |= {segment.ai_config for each in shelves for segment in each.segments if segment.ai_config}
        found = (configurations.find_config(connection, urn) for urn in sorted(used))
        return Catalogue(
            works=tuple(works.find_work(connection, each) for each in of_works),
            shelves=shelves,
            configs=tuple(each.config for each in found if each is not None),
        )

    return unit


def _shelf(connection: Connection, asset_id: str) -> Shelf:
    asset = store.find_asset(connection, asset_id)
    versions = store.versions_of(connection, asset_id)
    segments = [
        segment
        for version in versions
        for segment in store.segments_of(connection, version.id, None, limit=_MOST_SEGMENTS)
    ]
    return Shelf(
        asset=asset,
        versions=tuple(versions),
        values=tuple(
            each
            for each in store.values_of(connection, [asset_id, *(each.id for each in versions)])
            if each.field not in closing.FIELDS
        ),
        segments=tuple(segments),
    )
