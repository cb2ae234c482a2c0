"""Ways out for each reference that stands in the way, and what cells look like once they are taken. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from holdback_servers.rights.availability import Answer, Judgement
from holdback_servers.rights.clearance import Decision
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.windows import Windows, shared, window

_WAYS = 64
"""Combinations of ways out that are looked at; beyond, each reference by itself and all together."""
_PICTURE = frozenset({"programme", "third_party_clip", "still"})

Way = tuple[str, int]
"""`keep`, `replace`, `ask`, or `shorten` with the seconds that are left."""
KEEP: Way = ("keep", 0)


def in_the_way(decision: Decision) -> list[str]:
    whole = (window(decision.asked.window.start, decision.asked.window.end),)
    answers = {id(cell): cell for row in decision.cells for cell in row}.values()
    return sorted(
        {
            judged.element.ref
            for cell in answers
            for judged, answer in zip(decision.judged, cell.answers, strict=True)
            if answer.once != whole or answer.unmet
        }
    )


def rights_in_the_way(decision: Decision) -> dict[str, tuple[str, ...]]:
    """For each reference the rights that its findings name, over all cells."""
    found: dict[str, set[str]] = {}
    for number, judged in enumerate(decision.judged):
        answers = {id(cell.answers[number]): cell.answers[number] for row in decision.cells for cell in row}
        named = found.setdefault(judged.element.ref, set())
        for answer in answers.values():
            named.update(finding.entry.id for finding in answer.findings if finding.entry)
    return {ref: tuple(sorted(named)) for ref, named in found.items()}


def ways_out(ref: str, decision: Decision) -> list[Way]:
    judged = [each for each in decision.judged if each.element.ref == ref]
    pictures = {each.element.ref for each in decision.judged if each.kind in _PICTURE}
    ways: list[Way] = [KEEP]
    limit = max((each for one in judged for each in _limits(one.judgement)), default=None)
    if limit:
        ways.append(("shorten", limit))
    if not (pictures <= {ref} and ref in pictures):
        ways.append(("replace", 0))
    if ways == [KEEP] or any(not one.judgement.book.entries for one in judged):
        ways.append(("ask", 0))
    return ways


def _limits(judgement: Judgement) -> Iterator[int]:
    """Durations under which a grant that fails on nothing else would cover."""
    for index, entry in enumerate(judgement.entries):
        if judgement.faults(index) == ("DURATION_OVER_LIMIT",) and entry.limits.longest:
            yield entry.limits.longest


def combinations_of(ways: Mapping[str, Sequence[Way]], looks: int) -> Iterator[dict[str, Way]]:
    """Every combination of ways where there are few; otherwise living with all, leaving all, and one at a time."""
    refs = list(ways)
    if prod(len(each) for each in ways.values()) <= min(_WAYS, looks):
        for choice in product(*ways.values()):
            yield dict(zip(refs, choice, strict=True))
        return
    lives = dict.fromkeys(refs, KEEP)
    leaves = {ref: each[-1] for ref, each in ways.items()}
    yield lives
    yield leaves
    for ref in refs[:_WAYS]:
        yield {**lives, ref: leaves[ref]}
        yield {**leaves, ref: KEEP}


@dataclass(frozen=True, slots=True)
class Cell:
    now: Windows
    once: Windows
    unmet: tuple[Duty, ...]
    against: tuple[tuple[str, Windows], ...]
    """Rights that findings name, each with the windows it is in the way."""
    closing: frozenset[str]
    """Of these the rights of elements that leave nothing at all."""

    def at_edge(self, at: int, side: int) -> frozenset[str]:
        """The rights that move a window's start (side 0) or end (side 1) to this point; all when none does it alone."""
        found = frozenset(right for right, windows in self.against if any(each[1 - side] == at for each in windows))
        return found or frozenset(right for right, _ in self.against)


Grid = tuple[tuple[Cell, ...], ...]


def grid_of(decision: Decision, ways: Mapping[str, Way]) -> Grid:
    whole: Windows = (window(decision.asked.window.start, decision.asked.window.end),)
    shorter: dict[int, Judgement] = {}
    for index, each in enumerate(decision.judged):
        way, seconds = ways.get(each.element.ref, KEEP)
        if way == "shorten":
            shorter[index] = each.judgement.lasting(seconds)
    kept: dict[int, Cell] = {}

    def cell(row: int, column: int) -> Cell:
        found = decision.cells[row][column]
        if id(found) in kept:
            return kept[id(found)]
        place, node = decision.rows[row][0], decision.columns[column][0]
        answers: list[Answer] = []
        for index, (judged, answer) in enumerate(zip(decision.judged, found.answers, strict=True)):
            if ways.get(judged.element.ref, KEEP)[0] in ("replace", "ask"):
                continue
            other = shorter.get(index)
            answers.append(other.answer(other.place_mask(place) & other.medium_mask(node)) if other else answer)
        made = kept[id(found)] = _met(answers, whole, ways)
        return made

    return tuple(
        tuple(cell(row, column) for column in range(len(decision.columns))) for row in range(len(decision.rows))
    )


def _met(answers: Sequence[Answer], whole: Windows, ways: Mapping[str, Way]) -> Cell:
    now = once = whole
    for answer in answers:
        now, once = shared(now, answer.now), shared(once, answer.once)
    unmet = tuple(duty for each in answers for duty in each.unmet if ways.get(duty.ref, KEEP)[0] != "replace")
    against = [
        (bool(each.once), finding.entry.id, finding.windows)
        for each in answers
        for finding in each.findings
        if finding.entry and not finding.duty
    ]
    closing = frozenset(right for left, right, _ in against if not left) or frozenset(right for _, right, _ in against)
    return Cell(now, once, unmet, tuple((right, windows) for _, right, windows in against), closing)
