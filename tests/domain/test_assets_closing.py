"""Closing an asset: what was made of it follows, nothing of it is suggested, its bytes are closed in all rooms."""

import hashlib
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from holdback_base.database import STRANGER, Database, knowing, seeing
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets import store, tables
from holdback_servers.assets.closing import inherited, mark_media, set_story, set_tier
from holdback_servers.assets.edits import Editor, NewValue, record_values
from holdback_servers.assets.index import field_names, words_like
from holdback_servers.assets.model import Asset, FieldValue, Lineage, TechnicalFacts, Version
from holdback_servers.assets.reading import cut_facts
from holdback_servers.assets.shelf import NewVersion, put_on_shelf
from holdback_servers.media_store import MediaStore
from holdback_servers.services import sight_of
from holdback_trust.enforcing import Enforcement
from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.task_policy import mint, policy_sha256
from sqlalchemy import Connection

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
T = TypeVar("T")


def _id(kind: str, number: int) -> str:
    return f"{kind}_{number:026d}"


def _media(number: int) -> str:
    return f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"


def _shelve(connection: Connection, number: int, title: str, field: str, of: int | None = None) -> None:
    facts = TechnicalFacts(container="mov", size_bytes=1, frames=24, rate=Rate(num=24))
    whole = Element(id="e", kind="programme", ref="film:m", name="M", spans=(Span(in_frame=0, out_frame=24),))
    version = Version(
        id=_id("ver", number),
        asset_id=_id("ast", number),
        number=1,
        media=_media(number),
        facts=facts,
        element_list=ElementList(rate=facts.rate, frames=24, elements=(whole,)),
        elements_from="supplier",
        lineage=None if of is None else Lineage(relation="derivation", of_versions=(_id("ver", of),)),
        by="person:sam",
        at=NOW,
    )
    value = FieldValue(id=_id("evt", number), target=_id("ast", number), field=field, value="x", method="manual",
                       by="person:sam", at=NOW)  # fmt: skip
    asset = Asset(id=_id("ast", number), kind="clip", title=title, at=NOW)
    put_on_shelf(connection, NewVersion(asset, version, (), (value,)))


@pytest.fixture
def library() -> Generator[Database]:
    """A verdict, a cut of it, a cut of that; and a meadow that has nothing to do with them."""
    database = Database(None, tables.METADATA)

    def fill(connection: Connection) -> None:
        _shelve(connection, 1, "The verdict", "docket")
        _shelve(connection, 2, "A cut of the verdict", "docket", of=1)
        _shelve(connection, 3, "A shorter cut", "editor", of=2)
        _shelve(connection, 4, "Meadow", "editor")

    database.submit(fill).result()
    yield database
    database.close()


def _as_stranger(database: Database, unit: Callable[[Connection], T]) -> T:
    with seeing(STRANGER):
        return database.read_now(unit)


def _assets(connection: Connection) -> list[int]:
    there = connection.execute(tables.assets.select().order_by(tables.assets.c.id)).mappings()
    return [int(row["id"][4:]) for row in there]


def test_what_was_made_of_a_closed_asset_is_closed_with_it(library: Database) -> None:
    followers = library.submit(lambda c: set_story(c, _id("ast", 1), "court-ruling")).result()
    assert followers == [_id("ast", 2), _id("ast", 3)]
    assert _as_stranger(library, _assets) == [4]
    assert library.read_now(_assets) == [1, 2, 3, 4]


def test_a_render_without_a_word_of_its_source_is_closed_with_it_and_as_valuable(
    library: Database, tmp_path: Path
) -> None:
    media = MediaStore(tmp_path)
    media.note_made(_media(9), [_media(1)])  # never in the library
    media.note_made(_media(4), [_media(9)])
    editor = Editor("person:sam", NOW, id_maker(lambda: NOW), may_close=True, made_of=media.made_of)
    for field, value in (("story", "court-ruling"), ("tier", 3)):
        change = [NewValue(field=field, value=value)]
        recorded = library.submit(lambda c, each=change: record_values(c, _id("ast", 1), each, editor)).result()
        assert {each.target for each in recorded} == {_id("ast", n) for n in (1, 2, 3, 4)}
    assert _as_stranger(library, _assets) == []
    assert library.read_now(lambda c: store.find_asset(c, _id("ast", 4)).tier) == 3


def test_opening_an_asset_opens_nothing_that_was_made_of_it(library: Database) -> None:
    library.submit(lambda c: set_story(c, _id("ast", 1), "court-ruling")).result()
    library.submit(lambda c: set_story(c, _id("ast", 1), "")).result()
    assert _as_stranger(library, _assets) == [1, 4]


def test_an_asset_is_not_closed_over_what_belongs_to_another_story(library: Database) -> None:
    library.submit(lambda c: set_story(c, _id("ast", 3), "merger")).result()
    with pytest.raises(Problem, match="another closed story"):
        library.submit(lambda c: set_story(c, _id("ast", 1), "court-ruling")).result()
    assert _as_stranger(library, _assets) == [1, 2, 4]


@pytest.mark.parametrize("value", ["Court Ruling", "-", ("court-ruling",), 3])
def test_a_story_has_a_name_that_can_be_one(library: Database, value: str | int | tuple[str, ...]) -> None:
    with pytest.raises(Problem, match="not the name of a story"):
        library.submit(lambda c: set_story(c, _id("ast", 1), value)).result()


def test_what_was_made_of_valuable_material_is_as_valuable_and_its_statement_says_so(library: Database) -> None:
    library.submit(lambda c: set_tier(c, _id("ast", 2), 2)).result()
    library.submit(lambda c: set_tier(c, _id("ast", 1), 3)).result()
    tiers = [library.read_now(lambda c, n=n: store.find_asset(c, _id("ast", n)).tier) for n in (1, 2, 3, 4)]
    assert tiers == [3, 3, 3, 1]

    def signed(connection: Connection) -> CutFacts:
        return cut_facts(store.find_asset(connection, _id("ast", 3)), store.find_version(connection, _id("ver", 3)))

    assert library.read_now(signed).tier == 3


@pytest.mark.parametrize("value", [0, 4, True, "2"])
def test_a_tier_is_one_of_three(library: Database, value: int | str) -> None:
    with pytest.raises(Problem, match="tier cannot be"):
        library.submit(lambda c: set_tier(c, _id("ast", 1), value)).result()


def test_material_of_two_closed_stories_is_not_put_together() -> None:
    assets = [Asset(id=_id("ast", n), kind="clip", title="A", at=NOW, story=each, tier=n)
              for n, each in enumerate(("merger", None), 1)]  # fmt: skip
    assert inherited(assets, 1, None) == (2, "merger")
    with pytest.raises(Problem, match="different closed stories"):
        inherited(assets, 1, "court-ruling")


def test_words_and_fields_of_a_closed_asset_are_suggested_to_nobody_who_may_not_know_of_it(library: Database) -> None:
    def suggested(connection: Connection) -> tuple[bool, bool, bool]:
        words = set(words_like(connection, "v"))
        return "verdict" in words, "meadow" in set(words_like(connection, "m")), "docket" in field_names(connection)

    assert _as_stranger(library, suggested) == (True, True, True)
    library.submit(lambda c: set_story(c, _id("ast", 1), "court-ruling")).result()
    assert _as_stranger(library, suggested) == (False, True, False)
    with seeing(knowing(frozenset({"court-ruling"}))):
        assert library.read_now(suggested) == (True, True, True)
    library.submit(lambda c: set_story(c, _id("ast", 1), "")).result()
    assert _as_stranger(library, suggested) == (True, True, True)


def test_a_story_is_set_by_nobody_who_may_only_write(library: Database) -> None:
    editor = Editor("person:sam", NOW, lambda kind: _id(kind, 99))
    for field, value in (("story", "merger"), ("tier", 3)):
        change = [NewValue(field=field, value=value)]
        written = library.submit(lambda c, change=change: record_values(c, _id("ast", 1), change, editor))
        with pytest.raises(Problem, match="takes the scope assets:declare"):
            written.result()


def test_bytes_of_a_closed_asset_are_offline_in_every_room_for_who_may_not_know_of_it(
    library: Database, tmp_path: Path
) -> None:
    media = MediaStore(tmp_path)
    assert media.put(b"1") == _media(1)
    library.submit(
        lambda c: (set_story(c, _id("ast", 1), "court-ruling"), mark_media(c, media, [_id("ast", 1)]))
    ).result()
    with seeing(STRANGER):
        assert not media.has(_media(1))
        with pytest.raises(Problem, match="not in the media store"):
            media.path(_media(1))
    with seeing(knowing(frozenset({"court-ruling"}))):
        assert media.path(_media(1)).read_bytes() == b"1"
    library.submit(lambda c: set_story(c, _id("ast", 1), "")).result()
    library.read_now(lambda c: mark_media(c, media, [_id("ast", 1)]))
    with seeing(STRANGER):
        assert media.has(_media(1))


@pytest.mark.parametrize(("level", "reached"), [(100, [1]), (200, [1, 2]), (300, [1, 2, 3])])
def test_an_agent_has_the_bytes_of_material_up_to_its_level(level: int, reached: list[int]) -> None:
    agent, person = "agent:editing-assistant", "person:sam"
    claim = TaskClaim(
        id="t",
        root="t",
        skill="make-highlight",
        tools=frozenset({"assets.get_asset"}),
        expires=NOW + timedelta(hours=1),
    )
    caller = Caller(
        person=person,
        agent=agent,
        chain=(agent,),
        audience="mcp:assets",
        token_id="t",
        level=level,
        task=claim.model_copy(update={"policy": policy_sha256(mint(claim, agent, person))}),
        expires=NOW + timedelta(minutes=5),
    )
    sight = sight_of(Enforcement(clock=lambda: NOW), caller)
    assert [tier for tier in (1, 2, 3) if sight.reaches(tier)] == reached
