"""Ids: a kind and a UUIDv7 (RFC 9562) in Crockford base 32, such as `ast_01K9...`; they sort by time of birth."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present instant, in UTC."""
NewId = Callable[[str], str]
"""Makes an id of the kind it is given."""

KINDS = frozenset(
    {
        "ast",
        "ver",
        "ren",
        "wrk",
        "col",
        "tl",
        "seg",
        "el",
        "rgt",
        "ctr",
        "clr",
        "pub",
        "hold",
        "apr",
        "job",
        "cut",
        "evt",
    }
)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHAPE = re.compile(r"([a-z]{2,4})_([0-9A-HJKMNP-TV-Z]{26})")


def system_clock() -> datetime:
    """The machine's clock in UTC; the one place that reads it."""
    return datetime.now(UTC)  # noqa: TID251 - the edge


def id_maker(clock: Clock = system_clock, entropy: Callable[[int], bytes] = os.urandom) -> NewId:
    """A maker of ids over this clock and source of chance."""

    def new_id(kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"{kind} is not a kind of id")
        milliseconds = int(clock().timestamp() * 1000)
        chance = int.from_bytes(entropy(10), "big")
        number = milliseconds << 80 | 0x7 << 76 | (chance >> 62 & 0xFFF) << 64 | 0b10 << 62 | chance & (1 << 62) - 1
        return f"{kind}_" + "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])

    return new_id


def is_id(text: str, kind: str) -> bool:
    """Whether the text has the shape of an id of this kind."""
    match = _SHAPE.fullmatch(text)
    return match is not None and match.group(1) == kind
