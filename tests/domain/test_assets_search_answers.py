"""What is found in a small library, in which order and why: on SQLite, and the same on a real PostgreSQL."""

import hashlib
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.elements import Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets import catalogue, reading, store, tables
from holdback_servers.assets.answers import SearchResult
from holdback_servers.assets.catalogue import Columns, Page, search_page
from holdback_servers.assets.indexing import reindex_asset
from holdback_servers.assets.likeness import Pictures
from holdback_servers.assets.model import Asset, FieldValue, Segment, TechnicalFacts, Version, VideoFacts
from holdback_servers.assets.search import Filters
from holdback_servers.assets.shelf import NewVersion, put_on_shelf
from sqlalchemy import Connection

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
SHOWN = Filters(statuses=("ready", "restricted", "archived"))
LIBRARY: list[dict[str, Any]] = [
    {"title": "Big Buck Bunny", "kind": "master", "ref": "film:big-buck-bunny", "director": "Sacha Goedegebure",
     "tags": ("animation", "dark meadow"), "segments": ["A rabbit sniffs a flower", "A butterfly crosses the meadow",
                                                        "The rabbit follows the butterfly"]},
    {"title": "Butterfly study", "kind": "clip", "director": "Ton Roosendaal", "take": 3, "recorded": "2026-03-14",
     "segments": ["Wings, very near"], "rate": Rate(num=30000, den=1001), "width": 3840},
    {"title": "Zürich bei Nacht", "kind": "clip", "take": 7, "recorded": "2026-04-01",
     "description": "The meadow above the lake", "tags": ("night",), "segments": ["Straßenbahn", "Ein Café am See"]},
    {"title": "蝴蝶飞过草地", "kind": "clip", "description": "东京 tower", "segments": ["蝴蝶"]},
    {"title": "Dark matter", "kind": "clip", "tags": ("dark", "meadow"), "status": "archived", "take": 12,
     "segments": ["A lecture on the butterfly effect"]},
    {"title": "Taken from us", "kind": "clip", "status": "taken_down", "segments": ["A butterfly"]},
    {"title": "Robert'); DROP TABLE assets;--", "kind": "clip", "description": 'title:"NEAR" OR * AND ^', "take": -2},
]  # fmt: skip
QUERIES = {
    "butterfly": ["ast_1", "ast_0", "ast_4"],
    "butterfly meadow": ["ast_0", "ast_4"],
    '"dark meadow"': ["ast_0"],
    '"the butterfly"': ["ast_4", "ast_0"],
    "title:butterfly": ["ast_1"],
    "description:meadow": ["ast_2", "ast_0"],
    "tag:meadow": ["ast_4", "ast_0"],
    "meadow -butterfly": ["ast_2"],
    "butterfly -director:roosendaal": ["ast_0", "ast_4"],
    'director:"sacha goedegebure"': ["ast_0"],
    "goedegebure": ["ast_0"],
    "ref:film:big-buck-bunny": ["ast_0"],
    "film:big-buck-bunny": ["ast_0"],
    "take:3..7": ["ast_2", "ast_1"],
    "take:>3": ["ast_4", "ast_2"],
    "take:<0": ["ast_6"],
    "-take:>3 take:>=-5": ["ast_6", "ast_1"],
    "recorded:2026-03-01..2026-03-14": ["ast_1"],
    "recorded:>2026-03-14": ["ast_2"],
    "date:2026-11-20": ["ast_0"],
    "date:>2026-11-23": ["ast_6", "ast_4"],
    "rate:29.97": ["ast_1"],
    "rate:<25": ["ast_6", "ast_4", "ast_3", "ast_2", "ast_0"],
    "width:>=3840": ["ast_1"],
    "duration:<1:01 kind:clip": ["ast_1"],
    "status:taken_down": ["ast_5"],
    "kind:master": ["ast_0"],
    "zurich": ["ast_2"],
    "CAFÉ": ["ast_2"],
    "strassenbahn": ["ast_2"],
    "蝴蝶": ["ast_3"],
    "草地": ["ast_3"],
    "东京": ["ast_3"],
    "DROP TABLE assets": ["ast_6"],
    '"title near or"': ["ast_6"],
    "rabbit lecture": ["ast_0", "ast_4"],
}
"""What is typed, and the assets that are found, best first."""


def fill(connection: Connection) -> None:
    """Put the library on its shelf."""
    new_id = id_maker(lambda: NOW)
    for number, told in enumerate(LIBRARY):
        at = NOW + timedelta(days=number)
        rate = told.get("rate", Rate(num=24))
        video = VideoFacts(codec="h264", pixel_format="yuv420p", bit_depth=8, width=told.get("width", 640), height=360,
                           display_aspect="16:9", rate=rate)  # fmt: skip
        frames = 1800
        facts = TechnicalFacts(container="mov", size_bytes=1, frames=frames, rate=rate, video=video,
                               start_timecode="10:00:00:00", start_frame=864_000)  # fmt: skip
        element = Element(id=f"e{number}", kind="programme", ref=told.get("ref", f"x:{number}"), name="All of it",
                          spans=(Span(in_frame=0, out_frame=frames),))  # fmt: skip
        asset_id, version_id = f"ast_{number}", f"ver_{number}"
        asset = Asset(id=asset_id, kind=told["kind"], title=told["title"], status=told.get("status", "ready"), at=at)
        version = Version(id=version_id, asset_id=asset_id, number=1, facts=facts, elements_from="supplier",
                          media=f"sha256:{hashlib.sha256(asset_id.encode()).hexdigest()}", by="person:sam", at=at,
                          element_list=ElementList(rate=rate, frames=frames, elements=(element,)))  # fmt: skip
        segments = tuple(
            Segment(id=f"seg_{number}_{n}", version_id=version_id, kind="shot", in_frame=n * 48, out_frame=n * 48 + 48,
                    method="auto", text=text)
            for n, text in enumerate(told.get("segments", ()))
        )  # fmt: skip
        values = tuple(
            FieldValue(id=new_id("evt"), target=asset_id, field=field, value=told[field], method="manual",
                       by="person:sam", at=at)
            for field in ("director", "take", "recorded", "description", "tags")
            if field in told
        )  # fmt: skip
        put_on_shelf(connection, NewVersion(asset, version, segments, values))
        store.add_pictures(connection, version_id, [(0, number - 3), (6, -(1 << 63))])


@pytest.fixture(scope="module")
def library() -> Generator[Database]:
    database = Database(None, tables.METADATA)
    database.submit(fill).result()
    yield database
    database.close()


def _ask(database: Database, typed: str, *, limit: int = 50, facets: bool = False, **filters: Any) -> SearchResult:
    page = Page("", limit, with_facets=facets)
    return database.read_now(search_page(Columns(), typed, SHOWN.model_copy(update=filters), page))


@pytest.mark.parametrize("typed", QUERIES)
def test_a_question_finds_these_assets_in_this_order(library: Database, typed: str) -> None:
    found = _ask(library, typed)
    assert [each.asset_id for each in found.items] == QUERIES[typed]
    assert found.total == len(QUERIES[typed])


def test_each_hit_says_why_and_where_with_timecodes(library: Database) -> None:
    hit = _ask(library, "butterfly meadow").items[0]
    assert [(why.field, why.snippet) for why in hit.why] == [("tags", "animation, dark [meadow]")]
    assert [(each.in_timecode, each.out_timecode) for each in hit.segments] == [
        ("10:00:02:00", "10:00:04:00"),
        ("10:00:04:00", "10:00:06:00"),
    ]
    assert [why.snippet for why in hit.segments[0].why] == ["A [butterfly] crosses the [meadow]"]


def test_what_holds_the_most_words_is_given_and_says_what_it_lacks(library: Database) -> None:
    found = _ask(library, "rabbit lecture")
    assert [each.missing_words for each in found.items] == [("lecture",), ("rabbit",)]
    assert "No asset holds all the words" in (found.note or "")


def test_the_nearest_words_are_offered_where_nothing_is_found(library: Database) -> None:
    found = _ask(library, "buterfly")
    assert found.items == ()
    assert "Did you mean butterfly?" in (found.note or "")


def test_facets_count_every_hit_and_not_only_those_of_the_page(library: Database) -> None:
    facets = _ask(library, "butterfly", limit=1, facets=True).facets or {}
    assert {name: {each.value: each.count for each in values} for name, values in facets.items()} == {
        "kind": {"clip": 2, "master": 1},
        "status": {"ready": 2, "archived": 1},
        "rate": {"24": 2, "30000/1001": 1},
        "year": {"2026": 3},
        "tag": {"animation": 1, "dark": 1, "dark meadow": 1, "meadow": 1},
    }


def test_the_tags_of_the_filter_are_whole_tags(library: Database) -> None:
    assert [each.asset_id for each in _ask(library, "", tags=("Meadow",)).items] == ["ast_4"]
    assert [each.asset_id for each in _ask(library, "", tags=("dark meadow",)).items] == ["ast_0"]


def test_what_changes_is_found_as_it_is_now_by_whoever_asked_before() -> None:
    database, columns = Database(None, tables.METADATA), Columns()
    database.submit(fill).result()

    def ask(typed: str) -> list[str]:
        return [e.asset_id for e in database.read_now(search_page(columns, typed, SHOWN, Page("", 50))).items]

    def take(number: int, asset_id: str) -> None:
        value = FieldValue(id="evt_x", target=asset_id, field="take", value=number, method="manual", by="x", at=NOW)
        database.submit(lambda c: (store.add_value(c, value), reindex_asset(c, asset_id))).result()

    def change(asset_id: str, **facts: str) -> None:
        database.submit(lambda c: (store.set_asset(c, asset_id, **facts), reindex_asset(c, asset_id))).result()

    assert ask("take:>3") == ["ast_4", "ast_2"]
    take(30, "ast_1")
    change("ast_1", title="Moth study")
    assert ask("take:>3") == ["ast_4", "ast_2", "ast_1"]
    assert ask("title:butterfly") == []
    assert ask("moth") == ["ast_1"]
    change("ast_2", status="taken_down")
    assert ask("take:>3") == ["ast_4", "ast_1"]
    assert "ast_2" not in ask("")
    database.close()


def test_pages_follow_one_another_without_a_gap(library: Database) -> None:
    whole = [each.asset_id for each in _ask(library, "").items]
    pages = [
        library.read_now(search_page(Columns(), "", SHOWN, Page("", 2, offset))).items
        for offset in range(0, len(whole), 2)
    ]
    assert [each.asset_id for page in pages for each in page] == whole


@pytest.mark.processes
def test_postgresql_answers_every_question_as_sqlite_does(library: Database, postgresql: str) -> None:
    other = Database(postgresql, tables.METADATA, name="assets")
    try:
        other.submit(fill).result()
        for typed in (*QUERIES, "", "buterfly", "nothing at all"):
            assert _ask(other, typed, facets=True) == _ask(library, typed, facets=True), typed
        for what in ("kinds", "statuses", "rates", "segment_kinds", "tags"):
            counted = [each.read_now(lambda c, w=what: catalogue.count_by(c, w)) for each in (library, other)]
            assert counted[0] == counted[1] != []
        described = [each.read_now(reading.describe) for each in (library, other)]
        assert described[0] == described[1]
        seen = [each.read_now(Pictures().of) for each in (library, other)]
        assert seen[0].hashes.tolist() == seen[1].hashes.tolist() != []
        versions = [each.read_now(lambda c: store.latest_version(c, "ast_3")) for each in (library, other)]
        assert versions[0] == versions[1]
    finally:
        other.close()
