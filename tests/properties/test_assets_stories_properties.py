"""Whatever a library holds: a stranger's answers equal those of a library without the closed assets."""

import asyncio
import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.elements import Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets import server, store, tables
from holdback_servers.assets.closing import set_story
from holdback_servers.assets.holdings import collections, works
from holdback_servers.assets.holdings.collections import Collection
from holdback_servers.assets.holdings.holds import LegalHold, place_hold
from holdback_servers.assets.model import Asset, FieldValue, Identifier, Lineage, Segment, TechnicalFacts, Version, Work
from holdback_servers.assets.shelf import NewVersion, put_on_shelf
from holdback_servers.services import open_services
from holdback_servers.serving import Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
OWN = KeyPair.generate()
WORDS = ("butterfly", "meadow", "verdict", "judge", "rabbit")
FRAMES = 48
Told = dict[str, Any]
_EXAMPLES = settings().max_examples // 8
"""Each is two whole libraries and a hundred questions to either."""


@dataclass(frozen=True)
class Thing:
    """An asset of the library: its words, what it was made of by place, where it belongs, and its story, if closed."""

    title: tuple[str, ...]
    said: str
    field: str
    of: int | None
    work: int | None
    kept_in: int | None
    held: bool
    story: str | None
    closed_later: bool
    pictures: int


def _things(*stories: str | None) -> st.SearchStrategy[Thing]:
    return st.builds(
        Thing,
        title=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(tuple),
        said=st.sampled_from((*WORDS, "strictlysecret")),
        field=st.sampled_from(("director", "source", "docket")),
        of=st.none() | st.integers(0, 3),
        work=st.none() | st.integers(0, 1),
        kept_in=st.none() | st.integers(0, 1),
        held=st.booleans(),
        story=st.sampled_from(stories),
        closed_later=st.booleans(),
        pictures=st.sampled_from((1, 2, 1 << 40)),
    )


def _id(kind: str, number: int) -> str:
    return f"{kind}_{number:026d}"


def _consistent(given_things: list[Thing]) -> list[Thing]:
    """What is made of a closed asset is closed with it."""
    made: list[Thing] = []
    for place, each in enumerate(given_things):
        of = each.of if each.of is not None and each.of < place else None
        story = made[of].story if of is not None and made[of].story else each.story
        made.append(replace(each, of=of, story=story))
    return made


def _with(listed: list[Thing], closed: Thing, place: int) -> list[Thing]:
    return _consistent([*listed[:place], closed, *listed[place:]])


libraries = st.builds(
    _with,
    st.lists(_things(None, None, "court-ruling", "merger"), min_size=1, max_size=3),
    _things("court-ruling", "merger"),
    st.integers(0, 3),
)
"""Up to four assets, one of them closed at least."""


def _shelve(connection: Connection, number: int, thing: Thing) -> None:
    asset_id, version_id = _id("ast", number), _id("ver", number)
    at = NOW + timedelta(days=number)
    facts = TechnicalFacts(container="mov", size_bytes=1, frames=FRAMES, rate=Rate(num=24))
    element = Element(id="e", kind="programme", ref=f"film:{thing.said}", name=thing.said,
                      spans=(Span(in_frame=0, out_frame=FRAMES),))  # fmt: skip
    lineage = None if thing.of is None else Lineage(relation="derivation", of_versions=(_id("ver", thing.of),))
    version = Version(id=version_id, asset_id=asset_id, number=1, facts=facts, elements_from="supplier",
                      media=_media(number), by="person:sam", at=at, lineage=lineage,
                      element_list=ElementList(rate=Rate(num=24), frames=FRAMES, elements=(element,)))  # fmt: skip
    segment = Segment(id=_id("seg", number), version_id=version_id, kind="shot", in_frame=0, out_frame=FRAMES,
                      method="auto", text=thing.said, tags=(thing.said,), ai_config="urn:example:tagger:1")  # fmt: skip
    value = FieldValue(id=_id("evt", number), target=asset_id, field=thing.field, value=f"{thing.said} {number}",
                       method="manual", by="person:sam", at=at)  # fmt: skip
    story = None if thing.closed_later else thing.story
    asset = Asset(id=asset_id, kind="clip", title=" ".join(thing.title), at=at, story=story,
                  work_id=None if thing.work is None else _id("wrk", thing.work))  # fmt: skip
    put_on_shelf(connection, NewVersion(asset, version, (segment,), (value,)))
    store.add_pictures(connection, version_id, [(frame, thing.pictures + frame) for frame in range(0, FRAMES, 6)])
    if thing.kept_in is not None:
        collections.join(connection, _id("col", thing.kept_in), [asset_id], by="person:sam", now=at)
    if thing.held:
        hold = LegalHold(id=_id("hold", number), asset_id=asset_id, reason="kept", by="person:sam", at=at)
        place_hold(connection, hold)


def _media(number: int) -> str:
    return f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"


def _fill(connection: Connection, listed: list[Thing], *, without_closed: bool) -> None:
    there = [(n, each) for n, each in enumerate(listed) if not (without_closed and each.story)]
    for number in range(2):  # what holds closed things alone is not there without them
        if not without_closed or _is_told("work", number, listed):
            identifier = Identifier(scope="house", value=f"H{number}")
            work = Work(id=_id("wrk", number), title=f"Work {number}", identifiers=(identifier,), at=NOW)
            works.save_work(connection, work, by="person:sam", now=NOW)
        if not without_closed or _is_told("kept_in", number, listed):
            kept = Collection(id=_id("col", number), title=f"Kept {number}", by="person:sam", at=NOW)
            collections.add_collection(connection, kept)
    for number, each in there:
        _shelve(connection, number, each)
    for number, each in there:
        if each.story and each.closed_later:
            set_story(connection, _id("ast", number), each.story)


def _is_told(holder: str, number: int, listed: list[Thing]) -> bool:
    inside = [each for each in listed if getattr(each, holder) == number]
    return not inside or any(each.story is None for each in inside)


def _questions(count: int) -> list[tuple[str, Told]]:
    asked: list[tuple[str, Told]] = [("describe_library", {}), ("list_works", {}), ("list_collections", {})]
    asked += [("list_holds", {"include_released": True}), ("list_watched", {}), ("list_ai_configs", {})]
    typed = (
        *WORDS,
        "strictlysecret",
        "verdct",
        "stricttlysecret",
        "docket:verdict",
        "source:judge",
        "meadow judge",
        "",
    )
    asked += [("search_assets", {"query": each, "facets": True, "limit": 3}) for each in typed]
    asked += [("search_assets", {"query": "", "tags": ["verdict"]}), ("search_assets", {"query": "film:judge"})]
    for number in range(count):
        asset, version, segment = _id("ast", number), _id("ver", number), _id("seg", number)
        asked += [
            ("get_asset", {"asset_id": asset, "include_history": True}),
            ("list_segments", {"version_id": version}),
        ]
        asked += [("list_segments", {"asset_id": asset}), ("get_curves", {"asset_id": asset})]
        asked += [(tool, {"version_id": version}) for tool in ("find_similar", "find_duplicates", "find_usage")]
        asked += [("find_usage", {"segment_id": segment}), ("find_similar", {"asset_id": asset, "within": 24})]
        asked += [("get_history", {"target": each}) for each in (asset, version, segment)]
        asked += [("list_holds", {"asset_id": asset}), ("get_credentials", {"media": _media(number)})]
        asked += [("export_catalogue", {"format": "omc", "asset_ids": [asset]})]
    for number in range(2):
        work, kept = _id("wrk", number), _id("col", number)
        asked += [("get_work", {"work_id": work}), ("get_collection", {"collection_id": kept})]
        asked += [("get_history", {"target": work}), ("get_history", {"target": kept})]
        asked += [("export_catalogue", {"format": "omc", "work_id": work})]
        asked += [("export_catalogue", {"format": "omc", "collection_id": kept})]
    return asked


@cache
def _empty() -> Path:
    """A library with nothing in it, made once: that takes longer than all the rest."""
    path = Path(tempfile.mkdtemp()) / "empty.sqlite"
    Database(path, tables.METADATA).close()
    return path


def _open(
    home: Path, listed: list[Thing], stories: frozenset[str], *, without_closed: bool, postgresql: str = ""
) -> Door:
    home.mkdir()
    if postgresql:
        database = Database(postgresql, tables.METADATA, name=f"{home.parent.name}_{home.name}")
    else:
        shutil.copyfile(_empty(), home / "assets.sqlite")
        database = Database(home / "assets.sqlite", tables.METADATA)
    services = open_services(
        database,
        tables.TABLES,
        settings=Settings(home=home),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=OWN,
        ring=KeyRing({"mcp:assets": [OWN.public_jwk]}),
        audit=AuditLog(home / "audit", OWN, lambda: NOW),
    )
    database.submit(lambda c: _fill(c, listed, without_closed=without_closed)).result()
    caller = local_caller("person:sam", False, "mcp:assets").model_copy(update={"stories": stories})
    return server.build(services, local=caller, watching=False)


async def _ask(door: Door, questions: list[tuple[str, Told]]) -> list[Any]:
    return [_plain((await door.enter(tool, asked, None)).structured_content) for tool, asked in questions]


async def _read(door: Door, count: int) -> list[str]:
    answers: list[str] = []
    for number in range(count):
        for uri in (
            f"asset://{_id('ast', number)}",
            f"keyframe://{_id('seg', number)}",
            f"media://{_media(number)[7:]}",
        ):
            try:
                found = list(await door.mcp.read_resource(uri))
                answers.append(json.dumps(_plain(json.loads(found[0].content))))
            except Exception as refused:
                answers.append(str(refused))
    return answers


def _plain(answer: Any) -> Any:
    """An answer without the numbers of entries that etags and cursors carry; whether there is a next page stays."""
    if isinstance(answer, dict):
        return {k: ("..." if k in ("etag", "next_cursor") and v else _plain(v)) for k, v in answer.items()}  # pyright: ignore[reportUnknownVariableType] - JSON
    return [_plain(each) for each in answer] if isinstance(answer, list) else answer  # pyright: ignore[reportUnknownVariableType] - JSON


@settings(max_examples=_EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(listed=libraries)
def test_a_strangers_answers_equal_those_of_a_library_without_the_closed_assets(
    tmp_path_factory: pytest.TempPathFactory, listed: list[Thing]
) -> None:
    _compare(tmp_path_factory.mktemp("houses"), listed)


_COURT = Thing(("verdict", "judge"), "strictlysecret", "docket", None, 0, 0, True, "court-ruling", False, 1)
_FIXED = _consistent(
    [
        Thing(("butterfly", "meadow"), "judge", "director", None, 0, 0, False, None, False, 1),
        _COURT,
        replace(_COURT, of=1, work=1, kept_in=1, held=False, closed_later=True),
        Thing(("rabbit",), "judge", "source", 0, None, None, True, None, False, 1 << 40),
    ]
)


@pytest.mark.processes
def test_a_strangers_answers_are_the_same_where_the_library_is_on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgresql: str
) -> None:
    _compare(tmp_path_factory.mktemp("houses"), _FIXED, postgresql)


def _compare(home: Path, listed: list[Thing], postgresql: str = "") -> None:
    """What a stranger is answered by a library and by one without its closed assets."""
    questions = _questions(len(listed))
    whole = _open(home / "whole", listed, frozenset(), without_closed=False, postgresql=postgresql)
    without = _open(home / "without", listed, frozenset(), without_closed=True, postgresql=postgresql)
    try:
        seen, expected = asyncio.run(_ask(whole, questions)), asyncio.run(_ask(without, questions))
        for question, one, other in zip(questions, seen, expected, strict=True):
            assert one == other, question
        assert asyncio.run(_read(whole, len(listed))) == asyncio.run(_read(without, len(listed)))
    finally:
        whole.services.database.close()
        without.services.database.close()


@settings(max_examples=_EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(listed=libraries)
def test_who_knows_every_story_is_answered_as_if_nothing_were_closed(
    tmp_path_factory: pytest.TempPathFactory, listed: list[Thing]
) -> None:
    home = tmp_path_factory.mktemp("houses")
    door = _open(home / "whole", listed, frozenset({"court-ruling", "merger"}), without_closed=False)
    try:
        for number in range(len(listed)):
            (told,) = asyncio.run(_ask(door, [("get_asset", {"asset_id": _id("ast", number)})]))
            assert told["id"] == _id("ast", number)
        (found,) = asyncio.run(_ask(door, [("search_assets", {"query": ""})]))
        assert found["total"] == len(listed)
    finally:
        door.services.database.close()
