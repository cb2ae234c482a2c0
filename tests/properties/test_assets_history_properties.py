"""Whatever is done to an asset in whatever order: its etag tells of it, its history keeps it, a hold keeps it."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from holdback_base.database import Database
from holdback_base.elements import Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets import history, store, tables
from holdback_servers.assets.edits import Editor, NewValue, record_values, remove_asset, restore_asset
from holdback_servers.assets.holdings import collections
from holdback_servers.assets.holdings.collections import Collection
from holdback_servers.assets.holdings.holds import LegalHold, place_hold, release_hold
from holdback_servers.assets.indexing import index_asset
from holdback_servers.assets.model import Asset, TechnicalFacts, Version
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

START = datetime(2026, 11, 22, tzinfo=UTC)
OPERATIONS = ("title", "archive", "ready", "remove", "restore", "hold", "release", "collect", "take_out", "grade")


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    opened = Database(None, tables.METADATA)
    yield opened
    opened.close()


class World:
    """One asset in a shared store, and what should be true of it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        ticks = count()
        self.clock = lambda: START + timedelta(seconds=next(ticks))
        self.new_id = id_maker()
        self.held: list[str] = []
        at = self.clock()
        self.asset = Asset(id=self.new_id("ast"), kind="clip", title="Meadow", at=at)
        facts = TechnicalFacts(container="mov", size_bytes=1, frames=10, rate=Rate(num=25))
        element = Element(id="e", kind="programme", ref="film:m", name="M", spans=(Span(in_frame=0, out_frame=10),))
        self.version = Version(
            id=self.new_id("ver"),
            asset_id=self.asset.id,
            number=1,
            media="sha256:" + hashlib.sha256(self.asset.id.encode()).hexdigest(),
            facts=facts,
            element_list=ElementList(rate=facts.rate, frames=10, elements=(element,)),
            elements_from="supplier",
            by="person:sam",
            at=at,
        )
        store.add_asset(connection, self.asset)
        store.add_version(connection, self.version)
        index_asset(connection, self.asset.id)
        self.kept_in = Collection(id=self.new_id("col"), title="C", by="person:sam", at=at)
        collections.add_collection(connection, self.kept_in)

    def do(self, operation: str) -> str:
        """Do it as a unit of work would; the code of the problem that undid it, if any."""
        try:
            with self.connection.begin_nested():
                self._do(operation)
        except Problem as problem:
            return problem.code
        return ""

    def _do(self, operation: str) -> None:
        c, asset = self.connection, self.asset.id
        editor = Editor("person:sam", self.clock(), self.new_id)
        match operation:
            case "title":
                record_values(c, asset, [NewValue(field="title", value="Other")], editor)
            case "archive" | "ready":
                status = "archived" if operation == "archive" else "ready"
                record_values(c, asset, [NewValue(field="status", value=status)], editor)
            case "grade":
                record_values(c, self.version.id, [NewValue(field="grade", value="final")], editor)
            case "remove":
                remove_asset(c, asset, "why", editor, None)
            case "restore":
                restore_asset(c, asset, "why", editor, None)
            case "hold":
                hold = LegalHold(id=self.new_id("hold"), asset_id=asset, reason="x", by=editor.by, at=editor.now)
                place_hold(c, hold)
                self.held.append(hold.id)
            case "release":
                release_hold(c, self.held.pop() if self.held else "hold_none", "why", by=editor.by, now=editor.now)
            case "collect":
                collections.join(c, self.kept_in.id, [asset], by=editor.by, now=editor.now)
            case _:
                collections.leave(c, self.kept_in.id, [asset], by=editor.by, now=editor.now)

    def seen(self) -> tuple[str, int, str]:
        """The etag, how long the history is, and the status."""
        entries, place = history.entries(self.connection, self.asset.id, history.BEGINNING, 1000)
        assert place is None
        etag = history.etag(self.connection, self.asset.id)
        return etag, len(entries), store.find_asset(self.connection, self.asset.id).status


@given(operations=st.lists(st.sampled_from(OPERATIONS), max_size=14))
def test_the_etag_changes_exactly_when_the_history_grows_and_a_hold_keeps_the_asset(
    database: Database, operations: list[str]
) -> None:
    def check(connection: Connection) -> None:
        world = World(connection)
        told = {world.seen()[0]}
        for operation in operations:
            etag, length, status = world.seen()
            held = bool(world.held)
            refused = world.do(operation)
            after, longer, now = world.seen()
            assert (after != etag) == (longer > length)
            assert not refused or (after, now) == (etag, status), operation
            assert after == etag or after not in told
            told.add(after)
            if held and operation in ("remove", "archive") and status != "removed":
                assert refused == "LEGAL_HOLD"
            if operation == "remove":
                assert (now == "removed") == (not held or status == "removed")
            if operation == "restore" and status == "removed":
                assert now != "removed"

    database.submit(check).result()


@given(operations=st.lists(st.sampled_from(OPERATIONS), max_size=12), limit=st.integers(1, 5))
def test_a_history_read_in_pages_is_the_history(database: Database, operations: list[str], limit: int) -> None:
    def check(connection: Connection) -> None:
        world = World(connection)
        for operation in operations:
            world.do(operation)
        whole, _ = history.entries(connection, world.asset.id, history.BEGINNING, 1000)
        found: list[history.Happening] = []
        place: history.Place | None = history.BEGINNING
        while place is not None:
            page, place = history.entries(connection, world.asset.id, place, limit)
            found += page
        assert found == whole

    database.submit(check).result()
