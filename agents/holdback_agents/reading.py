"""Something said, of which every phrase that is understood is taken out, so that the rest can be asked back. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

TAKEN, ASIDE, LISTED = "\x00", "\x01", "\x02"
"""What stands for a character that was understood, that belongs to a refusal, that names a platform."""
GONE = "\x00-\x02"
"""All of these, inside a character class."""
_REFUSAL = re.compile(
    r"(?<!\S)(?:(?:do|does|must|shall|should|may|can|could|will|would|is|are)\s*(?:not|n['\u2019]t)|dont|cannot|not|never"
    r"|(?-i:[Nn]o)|without|except(?:ing)?|excluding|exclude|minus|avoid|instead\s+of|apart\s+from|other\s+than)(?!\S)"
    r"(?:\s+(?:for|on|in|to|from|of|with)\b)*(?:\s+(?:the|a|an|any)\b)*"
    r"(?:\s+(?!(?:for|on|in|from|until|between|and|with)\b)[^\s;,.?!]+)*"
    r"(?:\s+(?:and|nor|or)\s+(?!(?:for|on|in|from|with|credit|please|publish|make)\b)[^\s;,.?!]+)*",
    re.IGNORECASE,
)
_EITHER = re.compile(r"(?<![^\s;,.?!])[^\s;,.?!]+\s+or\s+(?:(?:on|for|in)\s+)?(?:the\s+)?[^\s;,.?!]+")
_WORD = re.compile(r"[^\W_](?:[\w:.'\u2019/+-]*\w)?")
_BREAK = re.compile(rf"[{TAKEN}{LISTED}]+|[;,.?!]+(?=\s|$)")
_LEAVE_OUT = re.compile(
    r"(?:^|(?<=[;,.!] ))(?:please\s+)?(?:ok|okay|yes|no|fine|never\s*mind"
    r"|(?:leave|drop|skip|ignore|forget)(?:\s+(?:it|that|this|them))?"
    r"(?:\s+out)?|without\s+(?:it|that|them))(?=\s*(?:[;,.!]|$))",
    re.IGNORECASE,
)
_LONGEST = 100
_SMALL_WORDS = """
a an the this that it its and also too as well but then i we you me us our my please thanks make made cut produce
create do give get need want would like can could should shall must be is are one for in on of with to from at up
out publish published show shown showing online live available format shape version long i'd we'd
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_AROUND = frozenset({"only", "just"})
"""Words that restrict what is said next: alone they change nothing, beside other words they belong to them."""


@dataclass(frozen=True)
class Doubt:
    """Why something that was said cannot be followed, in words for the person."""

    text: str


class Reading:
    """One thing a person said, its white space made single.

    What is refused ("not on TikTok", "without music") or left open ("GB or DE") is set aside first: it is never read as
    if it were wanted.
    """

    def __init__(self, said: str, *, is_answer: bool = False) -> None:
        self.said = " ".join(re.sub(f"[{GONE}]", " ", said).split())
        self.is_answer = is_answer
        self._left = self.said
        if is_answer:
            self.take(_LEAVE_OUT)

    def set_aside(self) -> None:
        """Hide refusals and open choices from all that is read afterwards; they are asked back."""
        for pattern in (_REFUSAL, _EITHER):
            for match in self.find(pattern):
                self.mark(match.start(), match.end(), ASIDE)

    def find(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        """Where a phrase stands in what is left; positions are those of `said`."""
        return list(pattern.finditer(self._left))

    def mark(self, start: int, end: int, sign: str = TAKEN) -> None:
        """Take out what stands from `start` until `end`."""
        self._left = self._left[:start] + sign * (end - start) + self._left[end:]

    def take(self, pattern: re.Pattern[str], sign: str = TAKEN) -> list[re.Match[str]]:
        """Take out every place of a phrase."""
        found = self.find(pattern)
        for match in found:
            self.mark(match.start(), match.end(), sign)
        return found

    def rest(self, small: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """What was not understood, as it was said, without small words at its ends.

        Args:
            small: further words that mean nothing by themselves.
        """
        known, pieces, at = _SMALL | small, list[str](), 0
        for match in [*_BREAK.finditer(self._left), None]:
            end = len(self._left) if match is None else match.start()
            pieces.append(self._piece(at, end, known))
            at = end if match is None else match.end()
        return tuple(piece for piece in pieces if piece)

    def _piece(self, start: int, end: int, known: frozenset[str]) -> str:
        words = list(_WORD.finditer(self.said, start, end))
        refused = {each.start() for each in words if self._left[each.start()] == ASIDE}
        if not refused and all(self._is_small(each[0], known | _AROUND) for each in words):
            return ""
        telling = [each for each in words if each.start() in refused or not self._is_small(each[0], known)]
        piece = self.said[telling[0].start() : telling[-1].end()]
        return piece if len(piece) <= _LONGEST else f"{piece[:_LONGEST]}..."

    def _is_small(self, word: str, known: frozenset[str]) -> bool:
        """Whether it is a small word; in capitals it may be a code, such as US or IT, unless everything is."""
        shouted = len(word) > 1 and word.isupper() and not self.said.isupper()
        return word.lower().replace("\u2019", "'") in known and not shouted


def turns_of(text: str) -> list[Reading]:
    """What was said, one line for each time: the request, then the answers to what was asked back."""
    lines = [line for line in text.split("\n") if line.strip()]
    return [Reading(line, is_answer=number > 0) for number, line in enumerate(lines)]


def latest(
    turns: Sequence[Reading], field: str, doubts: dict[str, str], finder: Callable[[Reading], T | Doubt | None]
) -> T | None:
    """What was said last about a field; a doubt about it is kept under the field's name.

    Every turn is read, so that what is overruled counts as understood.
    """
    said = [found for turn in turns if (found := finder(turn)) is not None]
    if not said:
        return None
    if isinstance(said[-1], Doubt):
        doubts[field] = said[-1].text
        return None
    return said[-1]


def one_of(what: str, named: dict[str, T]) -> T | Doubt | None:
    """The one meaning of all that was named, by its words; a doubt when there are several."""
    if not named:
        return None
    first, *others = named.values()
    if all(other == first for other in others):
        return first
    words = " and ".join(repr(each) for each in named)
    return Doubt(f"I read more than one {what}, {words}: which one?")
