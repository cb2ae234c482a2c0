"""How text becomes words: for the index, for what people type, and for showing where they meet. Pure.

A word is a run of letters and digits, without case and diacritics (`Café` is `cafe`); where a script writes no spaces
(Chinese, Japanese, Thai, Khmer, Lao, Burmese) each character is a word, and what is typed together is a phrase of them.
Every store is given these words and no text, so that all find the same.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

OPENS, CLOSES = "\x02", "\x03"
"""Put around matched words; they cannot occur in cleaned text."""
MOST_LETTERS = 120
"""Of a word that are kept; nobody types more."""

_PLAIN = re.compile(r"[A-Za-z0-9]+")
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


class Word(NamedTuple):
    """A word as it is matched, and where it stands in the text."""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """The words of a text, in order."""
    if text.isascii():
        return [Word(m.group().lower()[:MOST_LETTERS], m.start(), m.end()) for m in _PLAIN.finditer(text)]
    return [word for start, end in _runs(text) if (word := Word(fold(text[start:end]), start, end)).text]


def _runs(text: str) -> Iterable[tuple[int, int]]:
    start: int | None = None
    for place, char in enumerate(text):
        if char.isalnum():
            if start is not None and (_unspaced(char) or _unspaced(text[start])):
                yield start, place
                start = place
            start = place if start is None else start
        elif start is not None and unicodedata.category(char)[0] != "M":
            yield start, place
            start = None
    if start is not None:
        yield start, len(text)


def _unspaced(char: str) -> bool:
    code = ord(char)
    return code >= _UNSPACED[0][0] and any(low <= code <= high for low, high in _UNSPACED)


def fold(word: str) -> str:
    """A word without case and diacritics; marks that are letters of their script stay."""
    kept = [c for c in unicodedata.normalize("NFKD", word.casefold()) if not _diacritic(c)]
    return "".join(c for c in unicodedata.normalize("NFC", "".join(kept)).casefold() if _letter(c))[:MOST_LETTERS]


def _diacritic(char: str) -> bool:
    rank = unicodedata.combining(char)
    return 10 <= rank <= 35 or rank >= 200


def _letter(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"


def phrase(text: str) -> tuple[str, ...]:
    """The words of a text as they are matched."""
    return tuple(word.text for word in words_of(text))


def mark(text: str, phrases: Iterable[Sequence[str]]) -> str | None:
    """The text with marks around every occurrence of a phrase; None where there is none."""
    wanted = [tuple(each) for each in phrases if each]
    if text.isascii():  # most texts hold none of the words, which is told sooner so
        lowered = text.lower()
        wanted = [each for each in wanted if each[0] in lowered]
    found = sorted(_spans(words_of(text), wanted)) if wanted else []
    if not found:
        return None
    pieces, reached = list[str](), 0
    for start, end in found:
        if start >= reached:
            pieces += [text[reached:start], OPENS, text[start:end], CLOSES]
            reached = end
    return "".join([*pieces, text[reached:]])


def _spans(words: list[Word], phrases: list[tuple[str, ...]]) -> Iterable[tuple[int, int]]:
    plain = [word.text for word in words]
    for wanted in set(phrases):
        for place, word in enumerate(plain):
            if word == wanted[0] and tuple(plain[place : place + len(wanted)]) == wanted:
                yield words[place].start, words[place + len(wanted) - 1].end


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known words that are nearest to one that was mistyped: one slip apart, or two from six letters on.

    A slip is a letter too many, missing, wrong, or two that are swapped.
    """
    allowed = 2 if len(word) >= 6 else 1
    near = [(_slips(word, each, allowed), each) for each in known if abs(len(each) - len(word)) <= allowed]
    return [each for slips, each in sorted(near) if 0 < slips <= allowed][:most]


def _slips(one: str, other: str, allowed: int) -> int:
    """Optimal string alignment distance; more than allowed is told as one more."""
    before, last = list[int](), list(range(len(other) + 1))
    for row, char in enumerate(one, 1):
        now = [row]
        for column, its in enumerate(other, 1):
            best = min(last[column] + 1, now[-1] + 1, last[column - 1] + (char != its))
            if row > 1 < column and char == other[column - 2] and one[row - 2] == its:
                best = min(best, before[column - 2] + 1)
            now.append(best)
        if min(now) > allowed:
            return allowed + 1
        before, last = last, now
    return last[-1]
