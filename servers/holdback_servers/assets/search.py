"""How words are searched: reading what a person typed, and saying why something was found. Pure.

The index is FTS5 (`unicode61 remove_diacritics 2`). What people type never reaches it as syntax: every term is quoted.
"""

import re
import unicodedata
from typing import Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate

from holdback_servers.assets.model import AssetKind, Status

MOST_TERMS = 16
RANKED = 15_000
"""Hits of one term that are ranked; beyond so many a sample of the index is, and the answer says so."""
OPENS, CLOSES = "\x02", "\x03"
"""Put around matched words by the index; they cannot occur in indexed text."""

Column = Literal["title", "tags", "text", "fields"]
COLUMNS: tuple[Column, ...] = ("title", "tags", "text", "fields")
WEIGHTS = (8.0, 4.0, 3.0, 2.0)
"""What a match in each column counts."""

_QUOTED = re.compile(r'"([^"]*)"|(\S+)')
_WORD = re.compile(r"\w", re.UNICODE)


class Filters(Noun):
    """What an asset must be; an absent filter lets everything through. Durations are seconds, half-open."""

    kinds: tuple[AssetKind, ...] = ()
    statuses: tuple[Status, ...] = ()
    tags: tuple[str, ...] = ()
    rate: Rate | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None


class Why(Noun):
    """Where the words stand: the field, and the text around them with each match in square brackets."""

    field: str
    snippet: str


def read_terms(query: str) -> list[str]:
    """The words and "quoted phrases" of a query, each once, in order; punctuation alone is no term.

    Raises:
        Problem: INVALID_ARGUMENT for more than 16 terms.
    """
    terms: list[str] = []
    for phrase, word in _QUOTED.findall(clean(query)):
        term = str(phrase or word).replace('"', " ").strip()
        if _WORD.search(term) and term.casefold() not in [each.casefold() for each in terms]:
            terms.append(term)
    if len(terms) > MOST_TERMS:
        raise Problem("INVALID_ARGUMENT", f"The query has {len(terms)} words.", f"Use {MOST_TERMS} words or fewer.")
    return terms


def match_expression(term: str) -> str:
    """The FTS5 expression for one term: a quoted string, so that no operator, column or wildcard is read in it."""
    return '"' + term.replace('"', '""') + '"'


def clean(text: str) -> str:
    """Text for the index: control characters become spaces, so that marks of matches can be told from it."""
    return "".join(" " if unicodedata.category(char) == "Cc" and char != "\n" else char for char in text)


def field_lines(values: list[tuple[str, str]]) -> str:
    """Field values as the index keeps them: one line each, name first."""
    return "\n".join(f"{name}: {clean(value).replace(chr(10), ' ')}" for name, value in values)


def explain(column: Column, highlighted: str, width: int = 90) -> list[Why]:
    """Why a column matched: the text around the first match; for fields, each line that matches, by its name."""
    if OPENS not in highlighted:
        return []
    if column != "fields":
        return [Why(field=column, snippet=snippet(highlighted, width))]
    found: list[Why] = []
    for line in highlighted.split("\n"):
        name, _, value = line.partition(": ")
        if OPENS in line:
            shown = value if OPENS in value else line
            found.append(Why(field=name.replace(OPENS, "").replace(CLOSES, ""), snippet=snippet(shown, width)))
    return found


def snippet(highlighted: str, width: int) -> str:
    """About so many characters around the first match, at word boundaries, matches in square brackets."""
    start = max(0, highlighted.index(OPENS) - width // 3)
    end = min(len(highlighted), max(start + width, highlighted.index(CLOSES) + 1))
    if start > 0:
        start = _after_space(highlighted, start)
    if end < len(highlighted):
        space = highlighted.rfind(" ", start + 1, end)
        end = space if space > highlighted.index(CLOSES) else end
    cut = highlighted[start:end]
    if cut.rfind(OPENS) > cut.rfind(CLOSES):
        cut = cut[: cut.rfind(OPENS)]
    shown = cut.replace(OPENS, "[").replace(CLOSES, "]").replace("\n", " ").strip()
    return ("… " if start > 0 else "") + shown + (" …" if end < len(highlighted) else "")


def _after_space(text: str, start: int) -> int:
    space = text.find(" ", start, text.index(OPENS))
    return space + 1 if space >= 0 else start


def parse_rate(text: str) -> Rate:
    """`24`, `24000/1001`, or the usual 23.976, 29.97, 59.94. Raises Problem INVALID_ARGUMENT."""
    usual = {"23.976": "24000/1001", "23.98": "24000/1001", "29.97": "30000/1001", "59.94": "60000/1001"}
    match = re.fullmatch(r"([1-9]\d{0,6})(?:/([1-9]\d{0,6}))?", usual.get(text.strip(), text.strip()))
    if match is None:
        raise Problem("INVALID_ARGUMENT", f"{text!r} is not a rate.", "Write it as 24, 25 or 24000/1001.")
    return Rate(num=int(match.group(1)), den=int(match.group(2) or 1))
