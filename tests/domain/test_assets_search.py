"""Reading what people type, making words of it, and saying why something was found."""

import itertools
import re
import sqlite3
import unicodedata
from pathlib import Path

import pytest
from holdback_base.problem import Problem
from holdback_servers.assets.matching import CLOSES, OPENS, mark, nearest, phrase, words_of
from holdback_servers.assets.search import Choice, Range, clean, parse_rate, read_query, snippet
from hypothesis import given
from hypothesis import strategies as st

FIELDS = frozenset({"director", "take", "recorded"})


def _read(typed: str) -> list[tuple[str, ...]]:
    return [(*([each.field] if each.field else []), *each.words) for each in read_query(typed, FIELDS).terms]


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("butterfly meadow", [("butterfly",), ("meadow",)]),
        ('"Butterfly scene" flower', [("butterfly", "scene"), ("flower",)]),
        ("Butterfly butterfly BUTTERFLY", [("butterfly",)]),
        ("  - & ... ", []),
        ("", []),
        ('an "open quote', [("an",), ("open", "quote")]),
        ("OR NEAR(a b)", [("or",), ("near", "a"), ("b",)]),
        ("director:Goedegebure", [("director", "goedegebure")]),
        ('director:"Sacha Goedegebure"', [("director", "sacha", "goedegebure")]),
        ("film:big-buck-bunny", [("film", "big", "buck", "bunny")]),
        ("https://example.org/a", [("https", "example", "org", "a")]),
        ("Café", [("cafe",)]),
        ("蝴蝶", [("蝴", "蝶")]),
    ],
)
def test_words_phrases_and_fields_are_read(typed: str, terms: list[tuple[str, ...]]) -> None:
    assert _read(typed) == terms


def test_a_minus_leaves_out_words_fields_and_choices() -> None:
    query = read_query('bunny -"end credits" -director:x -kind:highlight', FIELDS)
    assert [each.words for each in query.terms] == [("bunny",)]
    assert [(each.field, each.words) for each in query.without] == [(None, ("end", "credits")), ("director", ("x",))]
    assert query.not_conditions == (Choice(field="kind", value="highlight"),)


@pytest.mark.parametrize("typed", ["\U0001f3ac", "%", '"..."', "* (", "\x07!"])
def test_what_holds_no_word_lists_everything_and_says_so(typed: str) -> None:
    assert read_query(typed).notes == ("That holds no word, field or range; everything is listed.",)
    assert read_query(f"{typed} butterfly").notes == read_query("  ").notes == ()


@pytest.mark.parametrize(
    ("typed", "cure"),
    [("duration:5..1", "duration:1..5"), ("date:2026-02-01..2026-01-01", "date:2026-01-01..2026-02-01")],
)
def test_a_range_that_is_turned_round_is_told_the_right_way(typed: str, cure: str) -> None:
    with pytest.raises(Problem) as caught:
        read_query(typed)
    assert caught.value.hint == f"Write {cure}."


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("duration:>=90", Range(field="seconds", low=90)),
        ("duration:<1:30", Range(field="seconds", high=90)),
        ("duration:10..60", Range(field="seconds", low=10, high=60, high_counts=True)),
        ("width:1920", Range(field="width", low=1920, high=1920, high_counts=True)),
        ("take:>3", Range(field="take", low=3, low_counts=False)),
        ("take:..3", Range(field="take", high=3, high_counts=True)),
        ("take:1.5..2.5", Range(field="take", low=1.5, high=2.5, high_counts=True)),
        ("date:1970-01-02..1970-01-03", Range(field="date", low=86400, high=3 * 86400, dates=True)),
        ("date:1970-01-02", Range(field="date", low=86400, high=2 * 86400, dates=True)),
        ("date:>1970-01-02", Range(field="date", low=2 * 86400, dates=True)),
        ("date:<=1970-01-02", Range(field="date", high=2 * 86400, dates=True)),
        ("recorded:<1970-01-02", Range(field="recorded", high=86400, dates=True)),
        ("rate:29.97", Choice(field="rate", value="30000/1001")),
        ("kind:Clip", Choice(field="kind", value="clip")),
    ],
)
def test_ranges_and_choices_are_read(typed: str, found: Range | Choice) -> None:
    assert read_query(typed, FIELDS).conditions == (found,)


@pytest.mark.parametrize(
    "typed",
    ["kind:film", "status:gone", "rate:fast", "width:wide", "date:yesterday", "take:>x", " ".join("abcdefghijklmnopq")],
)
def test_what_cannot_be_is_refused_with_a_cure(typed: str) -> None:
    with pytest.raises(Problem) as caught:
        read_query(typed, FIELDS)
    assert caught.value.code == "INVALID_ARGUMENT"
    assert caught.value.hint


def test_a_name_that_is_no_field_is_read_as_a_word_and_told() -> None:
    query = read_query("producer:ton", FIELDS)
    assert query.terms[0].words == ("producer", "ton")
    assert "producer" in query.notes[0]


@given(st.text(max_size=60))
def test_nothing_that_is_typed_is_read_as_syntax(typed: str) -> None:
    store = sqlite3.connect(":memory:")
    store.execute("CREATE VIRTUAL TABLE found USING fts5(words)")
    try:
        query = read_query(typed)
    except Problem:
        return
    for term in (*query.terms, *query.without):
        assert all(char.isalnum() or unicodedata.category(char)[0] == "M" for word in term.words for char in word)
        asked = '{words} : "' + " ".join(term.words) + '"'
        store.execute("SELECT rowid FROM found WHERE found MATCH ?", (asked,)).fetchall()
    store.close()


@given(st.text(max_size=40))
def test_words_lie_in_the_text_in_order_and_are_words_of_themselves(text: str) -> None:
    words = words_of(text)
    assert all(text[word.start : word.end] for word in words)
    assert all(one.end <= other.start for one, other in itertools.pairwise(words))
    assert all(phrase(word.text) == (word.text,) for word in words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's A-1, e.g. x_y", ("it", "s", "a", "1", "e", "g", "x", "y")),
        ("Zürich ZÜRICH Zu\u0308rich", ("zurich", "zurich", "zurich")),
        ("Straße", ("strasse",)),
        ("東京tower", ("東", "京", "tower")),
        ("संगीत", ("संगीत",)),
        ("naïve Ελλάς", ("naive", "ελλασ")),
    ],
)
def test_words_know_neither_case_nor_accents_and_scripts_without_spaces(text: str, words: tuple[str, ...]) -> None:
    assert phrase(text) == words


def test_every_phrase_is_marked_where_it_stands() -> None:
    assert mark("The Red red fox", [("red", "fox"), ("the",)]) == f"{OPENS}The{CLOSES} Red {OPENS}red fox{CLOSES}"
    assert mark("nothing", [("red",)]) is None


def test_the_nearest_words_are_a_slip_away() -> None:
    known = ["butterfly", "butter", "meadow", "widow", "shadow"]
    assert nearest("buterfly", known) == ["butterfly"]
    assert nearest("buttrefly", known) == ["butterfly"]
    assert nearest("maedow", known) == ["meadow"]
    assert nearest("meadow", ["meadow"]) == []
    assert nearest("cat", ["cart", "dog", "act"]) == ["act", "cart"]


def test_the_snippet_holds_the_match_in_brackets() -> None:
    text = "The rabbit follows the butterfly with his eyes until it settles on a flower. " * 4
    marked = text.replace("settles", f"{OPENS}settles{CLOSES}", 1)
    shown = snippet(marked, 60)
    assert "[settles]" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < 80


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


def test_every_query_on_the_page_is_read_as_it_is_told_there() -> None:
    page = (Path(__file__).parents[2] / "docs" / "assets.md").read_text()
    table = page.partition("| typed | finds |")[2].partition("\n\n")[0]
    queries = [each for row in table.splitlines()[2:] for each in re.findall(r"`([^`]+)`", row.split("|")[1])]
    read = [read_query(each) for each in queries]
    assert len(read) == 13
    assert all(not each.notes for each in read)
    assert sum(len(each.conditions) for each in read) == 7
