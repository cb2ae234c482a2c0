"""Sets of territories, and what people call them: known groups, the world but for a few, or a list. Pure."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from itertools import compress

from holdback_base.vocabulary import countries, group_members, groups

LISTED = 8
"""Most codes in a line."""
_GROUPS = 3
"""Most groups that a set of territories is told by."""
_DIGITS = bytes.maketrans(b"01", b"\0\1")


class Atlas:
    """The world, with some parts of countries, on a day. Sets of places are whole numbers: a bit for each, by code."""

    def __init__(self, parts: frozenset[str], on: date) -> None:
        self._codes = sorted(countries() | parts)
        self._bits = {code: 1 << number for number, code in enumerate(self._codes)}
        self._world = self.set_of(countries())
        fit = [each for each in _by_size(on) if len(each[1]) > 2 and each[1] <= self._bits.keys()]
        self._groups = [(name, self.set_of(own), len(own)) for name, own in fit]
        self._smaller = [-size for _, _, size in self._groups]
        self._few = {own: name for name, own, size in reversed(self._groups) if size <= LISTED}

    def set_of(self, codes: Iterable[str]) -> int:
        """The places with these codes, each named once."""
        return sum(map(self._bits.__getitem__, codes))

    def codes_of(self, some: int) -> list[str]:
        """The codes of places, in order."""
        return list(compress(self._codes, f"{some:b}"[::-1].encode().translate(_DIGITS)))

    def line(self, some: int, named: str | None = None) -> str:
        """Places in a line."""
        named = named or self.named(some)
        if named is not None:
            return named
        return f"{', '.join(self.codes_of(some)[: LISTED - 1])} and {some.bit_count() - LISTED + 1} more"

    def named(self, some: int) -> str | None:
        """Groups that make up these places, and what is left over; the world and what is not in it; nothing where that
        would not be shorter than a list."""
        count = some.bit_count()
        if count <= LISTED:
            codes = ", ".join(self.codes_of(some))
            return f"{name} ({codes})" if (name := self._few.get(some)) else codes
        found, left, over = list[str](), some, count
        for name, own, size in self._groups[bisect_left(self._smaller, -count) :]:
            if size <= over and own & left == own:
                found.append(f"{name} ({size})")
                left, over = left ^ own, over - size
                if len(found) == _GROUPS:
                    break
        if over <= LISTED - len(found):
            return ", ".join([*found, *self.codes_of(left)])
        rest = self._world & ~some
        outside = self.named(rest) if some & self._world == some and rest.bit_count() < count else None
        return None if outside is None else f"WORLD except {outside}"


@lru_cache(maxsize=64)
def atlas_of(parts: frozenset[str], on: date) -> Atlas:
    """The world with these parts of countries, on a day."""
    return Atlas(parts, on)


@lru_cache(maxsize=64)
def _by_size(on: date) -> tuple[tuple[str, frozenset[str]], ...]:
    """WORLD and the groups as they are on a day, the largest first."""
    found = [("WORLD", countries()), *((name, group_members(name, on)) for name in groups())]
    return tuple(sorted(found, key=lambda each: (-len(each[1]), len(each[0]), each[0])))
