"""All cells of a question: territories and platforms that the same rights reach, taken together and judged once. Pure.

Severity of a cell, worst first: DENIED (nothing would be left, whatever conditions are met), NEEDS_HUMAN (an element
nobody has recorded rights for), CONDITIONAL (nothing now, something once conditions are met), PARTIAL (some of the
window), CLEARED (all of it).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from holdback_servers.rights.availability import Answer, Judgement
from holdback_servers.rights.book import places_of, spots
from holdback_servers.rights.report import Verdict
from holdback_servers.rights.windows import Windows, shared

_Mask = TypeVar("_Mask", int, tuple[int, ...])


@dataclass(frozen=True, slots=True, eq=False)
class CellAnswer:
    """One cell: each judgement's answer in the decision's order, and what all of them allow.

    Cells with the same answers are one object.
    """

    answers: tuple[Answer, ...]
    now: Windows
    once: Windows
    verdict: Verdict


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict over many cells: CLEARED only when all are; otherwise the best that something is."""
    found = set(verdicts)
    if found == {"CLEARED"}:
        return "CLEARED"
    if found & {"CLEARED", "PARTIAL"}:
        return "PARTIAL"
    if "CONDITIONAL" in found:
        return "CONDITIONAL"
    return "NEEDS_HUMAN" if "NEEDS_HUMAN" in found else "DENIED"


def reach_of(judgements: Sequence[Judgement], names: tuple[str, ...]) -> dict[tuple[int, ...], list[str]]:
    """Territories that the same entries of each judgement reach, by which these are.

    All judgements are taken together: sets of territories repeat, and each is gone through once.
    """
    places, offsets, offset = places_of(names), list[tuple[int, int]](), 0
    together: dict[int, int] = {}
    for each in judgements:
        for where, mask in each.voices.reach(places).items():
            together[where] = together.get(where, 0) | mask << offset
        offsets.append((offset, (1 << each.voices.width) - 1))
        offset += each.voices.width
    everywhere, base = (1 << len(names)) - 1, 0
    masks = [0] * len(names)
    for where, mask in together.items():
        most = where.bit_count() * 2 > len(names)
        base |= mask if most else 0
        for number in spots(where ^ everywhere if most else where):
            masks[number] ^= mask
    return {
        tuple([(mask ^ base) >> offset & own for offset, own in offsets]): found
        for mask, found in alike(names, masks).items()
    }


def alike(names: Sequence[str], masks: Iterable[_Mask]) -> dict[_Mask, list[str]]:
    """Names with the same mask."""
    groups: dict[_Mask, list[str]] = {}
    for name, mask in zip(names, masks, strict=True):
        groups.setdefault(mask, []).append(name)
    return groups


class Table:
    """One judgement over all cells: what it answers in every column, for each row."""

    def __init__(self, judgement: Judgement, rows: Sequence[int], columns: Sequence[int]) -> None:
        numbers: dict[tuple[Answer, ...], int] = {}
        known: dict[int, int] = {}
        self.rows: list[int] = []
        """For each row the number of its answers: rows with the same ones have the same number."""
        for mask in rows:
            number = known.get(mask)
            if number is None:
                answers = tuple([judgement.answer(mask & media) for media in columns])
                number = known[mask] = numbers.setdefault(answers, len(numbers))
            self.rows.append(number)
        self.answers: tuple[tuple[Answer, ...], ...] = tuple(numbers)

    def told(self) -> tuple[tuple[int, tuple[Answer, ...]], ...]:
        """Rows (a bit for each) and what is answered there, column by column."""
        rows = [0] * len(self.answers)
        for row, number in enumerate(self.rows):
            rows[number] |= 1 << row
        return tuple(zip(rows, self.answers, strict=True))


def cells_of(tables: Sequence[Table], whole: Windows) -> tuple[tuple[CellAnswer, ...], ...]:
    """Row by row, the cells of all judgements together; `whole` is the requested window."""
    rows: dict[tuple[int, ...], tuple[CellAnswer, ...]] = {}
    kept: dict[tuple[Answer, ...], CellAnswer] = {}
    found: list[tuple[CellAnswer, ...]] = []
    for numbers in zip(*[each.rows for each in tables], strict=True):
        row = rows.get(numbers)
        if row is None:
            by_table: list[tuple[Answer, ...]] = [
                table.answers[number] for table, number in zip(tables, numbers, strict=True)
            ]
            row = rows[numbers] = tuple(
                [
                    kept.get(answers) or kept.setdefault(answers, _cell(answers, whole))
                    for answers in zip(*by_table, strict=True)
                ]
            )
        found.append(row)
    return tuple(found)


def _cell(answers: tuple[Answer, ...], whole: Windows) -> CellAnswer:
    once, unknown = whole, False
    for each in answers:
        if each.unknown:
            unknown = True
        elif each.once != once:
            once = shared(once, each.once)
            if not once:
                return CellAnswer(answers, (), (), "DENIED")
    if unknown:
        return CellAnswer(answers, (), (), "NEEDS_HUMAN")
    now = _common([each.now for each in answers], whole)
    return CellAnswer(answers, now, once, "CLEARED" if now == whole else "PARTIAL" if now else "CONDITIONAL")


def _common(parts: Sequence[Windows], whole: Windows) -> Windows:
    """What all of them hold."""
    left = whole
    for part in parts:
        if part != left:
            left = shared(left, part)
            if not left:
                break
    return left
