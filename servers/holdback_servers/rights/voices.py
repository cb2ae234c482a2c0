"""The rights that can matter for one element, as bits of masks: where they reach, and what they give. Pure.

Grants that give the same on the same media share a bit; everything else has its own. So cells that the same bits reach
have the same answer, and are judged once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from holdback_servers.rights.book import NO_LIMITS, Entry, Places, nodes_reached, spread
from holdback_servers.rights.fitting import Use, covered, faults_of
from holdback_servers.rights.report import ReasonCode
from holdback_servers.rights.windows import Windows, shared

_EVERY_MEDIUM = ("all",)
SILENT: tuple[ReasonCode, ...] = ("LANGUAGE_NOT_LICENSED",)


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """One bit of a mask: a right, and `more` that give the same; its part of the window; as a grant, its faults and the
    languages asked for that it covers."""

    entry: Entry
    part: Windows
    faults: tuple[ReasonCode, ...]
    tongues: int
    more: list[Entry] = field(default_factory=list[Entry])


class Voices:
    """The entries of one element, sorted for one use.

    Masks of bits: `good` are grants that cover the use, in one of its languages at least; of these `bound` have
    conditions; `lacks` are grants that fail on some point; `against` are restrictions.
    """

    def __init__(self, entries: Sequence[Entry], use: Use) -> None:
        self._entries, self._use = entries, use
        self.tongues = len(use.languages) or 1
        self._every_tongue = (1 << self.tongues) - 1
        self._all: list[Voice] = []
        self.good = self.lacks = self.against = self.bound = 0
        self._alike: list[int] = []
        self._sort()

    def _sort(self) -> None:
        shares: dict[object, Voice] = {}
        alike: dict[object, int] = {}
        owned = next((each for each in self._entries if self._gives_everything(each)), None)
        for each in self._entries:
            if each.kind != "grant":
                self.against |= self._add(Voice(each, self._part(each), (), 0))
            elif owned is None or each is owned:
                self._add_grant(each, shares, alike)
        self._alike = [each for each in alike.values() if each & (each - 1)]

    def _add(self, voice: Voice) -> int:
        self._all.append(voice)
        return 1 << len(self._all) - 1

    def _part(self, each: Entry) -> Windows:
        (start, end), asked = each.window, self._use.window
        return ((max(start, asked[0]), min(end, asked[1])),)

    def _add_grant(self, each: Entry, shares: dict[object, Voice], alike: dict[object, int]) -> None:
        part, faults = self._part(each), faults_of(each, self._use)
        tongues = covered(each.languages, self._use.languages)
        gives = not faults and tongues != 0
        same = (part, tongues, each.media)
        if gives and not each.conditions and same in shares:
            shares[same].more.append(each)
            return
        voice = Voice(each, part, faults, tongues)
        bit = self._add(voice)
        self.good |= bit if gives else 0
        self.bound |= bit if gives and each.conditions else 0
        self.lacks |= bit if faults or tongues != self._every_tongue else 0
        if gives and not each.conditions:
            shares[same] = voice
        if bit & (self.lacks | self.bound):
            key = (faults, tongues, part, () if faults else each.conditions)
            alike[key] = alike.get(key, 0) | bit

    def _gives_everything(self, each: Entry) -> bool:
        """Whether a grant gives the whole window everywhere and asks for nothing: no other grant is needed then. One
        with a limit does not: another may give the same without."""
        return (
            each.kind == "grant"
            and each.limits == NO_LIMITS
            and each.media == _EVERY_MEDIUM
            and not each.conditions
            and shared((each.window,), (self._use.window,)) == (self._use.window,)
            and each.area.everywhere
            and not self.points(each)
        )

    def points(self, each: Entry) -> tuple[ReasonCode, ...]:
        """On what points a grant does not cover the use."""
        silent = covered(each.languages, self._use.languages) != self._every_tongue
        return (*faults_of(each, self._use), *SILENT) if silent else faults_of(each, self._use)

    def reach(self, places: Places) -> dict[int, int]:
        """Which entries (a mask) reach each set of the places (a bit for each place)."""
        found: dict[int, int] = {}
        bit = 1
        for voice in self._all:
            spots = spread(voice.entry.area, places, voice.entry.kind == "grant")
            for each in voice.more:
                spots |= spread(each.area, places, True)
            found[spots] = found.get(spots, 0) | bit
            bit <<= 1
        return found

    @property
    def width(self) -> int:
        """How many bits a mask has."""
        return len(self._all)

    def medium_masks(self, nodes: tuple[str, ...]) -> list[int]:
        """Which entries reach each of the platforms."""
        masks, bit = [0] * len(nodes), 1
        for voice in self._all:
            for number in nodes_reached(voice.entry.media, nodes, voice.entry.kind == "grant"):
                masks[number] |= bit
            bit <<= 1
        return masks

    def at(self, bit: int) -> Voice:
        """What one bit stands for."""
        return self._all[bit]

    def of(self, mask: int) -> list[Voice]:
        """What the bits of a mask stand for."""
        return [self._all[bit] for bit in bits_of(mask)]

    def first_of_alike(self, mask: int) -> int:
        """Of grants that fail on the same points, or ask for the same, over the same time, only the first."""
        for alike in self._alike:
            own = mask & alike
            mask ^= own & (own - 1)
        return mask


def bits_of(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
