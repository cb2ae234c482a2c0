"""Reading what people type, and saying why something was found."""

import sqlite3

import pytest
from holdback_base.problem import Problem
from holdback_servers.assets.search import (
    CLOSES,
    OPENS,
    clean,
    explain,
    match_expression,
    parse_rate,
    read_terms,
    snippet,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("butterfly meadow", ["butterfly", "meadow"]),
        ('"butterfly scene" flower', ["butterfly scene", "flower"]),
        ("Butterfly butterfly", ["Butterfly"]),
        ("  - & ... ", []),
        ("", []),
        ('an "open quote', ["an", "open", "quote"]),
        ("title:x OR NEAR(a b)", ["title:x", "OR", "NEAR(a", "b)"]),
    ],
)
def test_words_and_phrases_are_read(typed: str, terms: list[str]) -> None:
    assert read_terms(typed) == terms


def test_too_many_words_are_refused() -> None:
    with pytest.raises(Problem) as caught:
        read_terms(" ".join(f"word{n}" for n in range(17)))
    assert caught.value.code == "INVALID_ARGUMENT"


@given(st.text(max_size=60))
def test_nothing_that_is_typed_is_read_as_syntax(typed: str) -> None:
    store = sqlite3.connect(":memory:")
    store.execute("CREATE VIRTUAL TABLE words USING fts5(title, tokenize='unicode61 remove_diacritics 2')")
    try:
        terms = read_terms(typed)
    except Problem:
        return
    for term in terms:
        store.execute("SELECT * FROM words WHERE words MATCH ?", (match_expression(term),)).fetchall()
    store.close()


def test_the_snippet_holds_the_match_in_brackets() -> None:
    text = "The rabbit follows the butterfly with his eyes until it settles on a flower. " * 4
    marked = text.replace("settles", f"{OPENS}settles{CLOSES}", 1)
    shown = snippet(marked, 60)
    assert "[settles]" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < 80


def test_a_field_explains_itself_by_its_name() -> None:
    marked = f"genre: animation\ndirector: Sacha {OPENS}Goedegebure{CLOSES}"
    assert [(why.field, why.snippet) for why in explain("fields", marked)] == [("director", "Sacha [Goedegebure]")]


def test_a_column_without_a_match_explains_nothing() -> None:
    assert explain("title", "Big Buck Bunny") == []


@given(st.text(), st.integers(0, 20), st.integers(1, 20))
def test_a_snippet_never_shows_its_marks(text: str, start: int, length: int) -> None:
    text = clean(text) + "x" * 60
    marked = text[:start] + OPENS + text[start : start + length] + CLOSES + text[start + length :]
    shown = snippet(marked, 40)
    assert OPENS not in shown
    assert CLOSES not in shown


@pytest.mark.parametrize(("text", "rate"), [("24", "24"), ("23.976", "24000/1001"), ("30000/1001", "30000/1001")])
def test_rates_are_read(text: str, rate: str) -> None:
    assert parse_rate(text).text() == rate


@pytest.mark.parametrize("text", ["", "0", "-24", "24/0", "fast", "24.5"])
def test_other_rates_are_refused(text: str) -> None:
    with pytest.raises(Problem):
        parse_rate(text)
