"""Works, collections, holds, configurations, batches and watched folders: the same on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.elements import Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets import configurations, history, store, tables
from holdback_servers.assets.ai_config import BUILT_IN
from holdback_servers.assets.batches import items
from holdback_servers.assets.batches.folders import FoundFile
from holdback_servers.assets.batches.orders import FileOrder, work_for
from holdback_servers.assets.batches.planning import Planned
from holdback_servers.assets.edits import Editor, NewValue, Review, record_values, remove_asset, review_value
from holdback_servers.assets.holdings import collections, holds, works
from holdback_servers.assets.holdings.collections import Collection
from holdback_servers.assets.holdings.holds import LegalHold
from holdback_servers.assets.indexing import index_asset
from holdback_servers.assets.model import Asset, Identifier, Lineage, TechnicalFacts, Version
from holdback_servers.assets.papers import IngestRequest
from holdback_servers.assets.watching import files
from sqlalchemy import Connection

pytestmark = pytest.mark.processes
START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def version(number: int, lineage: Lineage | None, new_id: Any) -> Version:
    element = Element(id="e", kind="programme", ref="film:m", name="M", spans=(Span(in_frame=0, out_frame=10),))
    facts = TechnicalFacts(container="mov", size_bytes=1, frames=10, rate=Rate(num=25))
    return Version(
        id=new_id("ver"),
        asset_id=new_id("ast"),
        number=1,
        media=f"sha256:{number:064x}",
        facts=facts,
        element_list=ElementList(rate=facts.rate, frames=10, elements=(element,)),
        elements_from="supplier",
        lineage=lineage,
        by="person:sam",
        at=START,
    )


def story(c: Connection) -> list[Any]:
    """A little of everything; what the store answers."""
    ticks, chance = count(), count()
    new_id = id_maker(lambda: START + timedelta(seconds=next(ticks)), lambda n: next(chance).to_bytes(n, "big"))
    editor = Editor("person:sam", START, new_id)
    by: dict[str, Any] = {"by": "person:sam", "now": START}
    told: list[Any] = []
    source = version(1, None, new_id)
    made = version(2, Lineage(relation="derivation", of_versions=(source.id, source.id)), new_id)
    for each in (source, made):
        store.add_asset(c, Asset(id=each.asset_id, kind="clip", title="Méadow 100%", at=START))
        store.add_version(c, each)
        index_asset(c, each.asset_id)
    told += [store.made_from(c, source.id)]
    for config in BUILT_IN:
        configurations.record_config(c, config, **by)
    told += [[each.config.id for each in configurations.list_configs(c, None, "", 3)]]
    guess = {"method": "auto", "confidence": 5, "ai_config": BUILT_IN[0].id}
    for value in ("one", "two"):
        new = NewValue.model_validate({"field": "genre", "value": value, **guess})
        (last,) = record_values(c, source.asset_id, [new], editor)
    review_value(c, last.id, Review("rejected"), editor)
    told += [[(each.field, each.value) for each in store.values_of(c, [source.asset_id])]]
    told += [configurations.count_made(c, BUILT_IN[0].id)]
    order = FileOrder(
        ingest=IngestRequest(path="a", by="x"), work="Élan_", identifiers=(Identifier(scope="house", value="4_2%"),)
    )
    told += [work_for(c, order, editor), work_for(c, order.model_copy(update={"work": "ÉLAN_"}), editor)]
    told += [[each.title for each in works.list_works(c, words, "", 5)] for words in ("élan_", "_2%", "%%", "x")]
    kept = Collection(id=new_id("col"), title="Summer", by="person:sam", at=START)
    collections.add_collection(c, kept)
    collections.join(c, kept.id, [source.asset_id, made.asset_id], **by)
    collections.leave(c, kept.id, [made.asset_id], **by)
    told += [collections.count_members(c, kept.id), collections.collections_of(c, source.asset_id)]
    hold = LegalHold(id=new_id("hold"), asset_id=source.asset_id, reason="court", by="person:sam", at=START)
    holds.place_hold(c, hold)
    told += [holds.count_open(c, source.asset_id), holds.release_hold(c, hold.id, "over", **by)]
    remove_asset(c, source.asset_id, "why", editor, None)
    items.add_files(c, "job_1", [Planned(f"{n}.mov", order, None) for n in range(3)])
    items.fail(c, "job_1", 1, {"code": "NOT_MEDIA"})
    told += [items.counts(c, "job_1"), items.list_files(c, "job_1", ("failed",), after=0, limit=5)]
    big = FoundFile(Path("/x/a.mov"), "a.mov", 9 << 40, 1_790_000_000_123_456_789)
    still = timedelta(seconds=5)
    for seconds in (0, 5):
        now = START + timedelta(seconds=seconds)
        told += [files.news(c, "desk", [big], "", now=now, still=still)]
        files.keep(c, "desk", [big], "", now=now, still=still)
    told += [files.claim(c, "desk", big, "job_2", START), files.claim(c, "desk", big, "job_3", START)]
    told += [files.list_watched(c, (), ("", ""), 5), files.counts(c)]
    files.settle(c, tables.TABLES.jobs, START)
    told += [history.entries(c, source.asset_id, history.BEGINNING, 50)[0], history.etag(c, source.asset_id)]
    return told


def test_the_same_is_told_on_sqlite_and_on_postgresql(postgresql: str, tmp_path: Path) -> None:
    stores = [
        Database(tmp_path / "assets.sqlite", tables.METADATA),
        Database(postgresql, tables.METADATA, name="organising"),
    ]
    try:
        one, other = (each.submit(story).result() for each in stores)
    finally:
        for each in stores:
            each.close()
    assert one == other
