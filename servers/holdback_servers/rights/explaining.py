"""A decision told: cells grouped, reasons and conditions numbered, each with its right, contract and clause. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from itertools import chain, compress
from typing import TypeVar, get_args

from holdback_base.canonical import canonical_sha256
from holdback_base.elements import ElementList

from holdback_servers.rights.availability import Answer, Finding
from holdback_servers.rights.book import Book
from holdback_servers.rights.clearance import Decision, Judged
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.grid import CellAnswer, overall
from holdback_servers.rights.report import (
    CellGroup,
    ClearanceReport,
    ConditionState,
    CutNamed,
    Plan,
    Reason,
    ReasonCode,
    Verdict,
)
from holdback_servers.rights.windows import Windows, ranges
from holdback_servers.rights.wording import reason_text

_DIGITS = bytes.maketrans(b"01", b"\0\1")
_ORDER = {code: index for index, code in enumerate(get_args(ReasonCode))}


def report(decision: Decision, plans: Sequence[Plan] = ()) -> ClearanceReport:
    """The decision as it goes over the wire. Equal decisions give equal reports, whatever order things came in."""
    told = _Told(decision)
    cells = told.groups()
    verdict = overall(each.verdict for each in cells)
    return ClearanceReport(
        verdict=verdict,
        summary=_summary(verdict, cells),
        asked=decision.asked,
        cuts=tuple(
            CutNamed(
                media=cut.media,
                elements=_hash_of(cut.element_list),  # pyright: ignore[reportArgumentType] - frozen, so hashable
                title=cut.title,
            )
            for cut in decision.cuts
        ),
        groups=cells,
        reasons=told.reasons(),
        conditions=told.conditions(),
        plans=tuple(plans),
        rights_snapshot=snapshot_of(decision.books),
    )


@lru_cache(maxsize=256)
def _hash_of(elements: ElementList) -> str:
    """Worked out once: a cut is asked about many times."""
    return elements.sha256()


def snapshot_of(books: Mapping[str, Book]) -> str:
    """`sha256:<hex>` of all that is recorded in these books: it changes with any change to a right in them."""
    return canonical_sha256({ref: book.snapshot for ref, book in books.items()})


def groups(decision: Decision) -> tuple[CellGroup, ...]:
    """The cells alone, grouped; their keys refer to the reasons and conditions of the decision's report."""
    return _Told(decision).groups()


_Key = tuple[object, ...]


@dataclass(slots=True)
class _Where:
    """A reason, and the rows and columns of the decision where it holds, a bit for each."""

    judged: Judged | None
    finding: Finding
    elements: set[str] = field(default_factory=set[str])
    rows: int = 0
    columns: int = 0
    place: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _CellTold:
    """What a cell says; `reasons` and `duties` have a bit for each, in the order of the report."""

    verdict: Verdict
    now: Windows
    once: Windows
    reasons: int
    duties: int


_NEVER_AT_ONCE: _Key = ("~", _ORDER["NO_COMMON_WINDOW"])


class _Told:
    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self._found: dict[_Key, _Where] = {}
        self._duties: dict[_Key, Duty] = {}
        self._said: dict[Answer, tuple[list[_Where], list[_Key]]] = {}
        for number, judged in enumerate(decision.judged):
            self._read(number, judged)
        cells = list(dict.fromkeys(chain.from_iterable(decision.cells)))
        never = {cell for cell in cells if not cell.once and all(answer.once for answer in cell.answers)}
        if never:
            self._read_never(never)
        self._reasons = [self._found[key] for key in sorted(self._found)]  # pyright: ignore[reportArgumentType]
        for place, each in enumerate(self._reasons):
            each.place = place
        self._conditions = sorted(self._duties)  # pyright: ignore[reportArgumentType]
        order = {key: place for place, key in enumerate(self._conditions)}
        bits = {
            answer: (
                reduce(int.__or__, (1 << each.place for each in reasons), 0),
                reduce(int.__or__, (1 << order[each] for each in duties), 0),
            )
            for answer, (reasons, duties) in self._said.items()
        }
        extra = 1 << self._found[_NEVER_AT_ONCE].place if never else 0
        alike: dict[object, _CellTold] = {}
        self._cells = {cell: self._cell(cell, bits, extra if cell in never else 0, alike) for cell in cells}

    def _read(self, number: int, judged: Judged) -> None:
        """What one judgement says, and where."""
        known = dict[Finding, _Where]()
        ids = {each.id for each in judged.elements}
        for rows, answers in self.decision.answers[number]:
            columns_of: dict[Answer, int] = {}
            for column, answer in enumerate(answers):
                columns_of[answer] = columns_of.get(answer, 0) | 1 << column
            for answer, columns in columns_of.items():
                said = self._said.get(answer)
                if said is None:
                    found = [known.get(each) or self._where(known, judged, each, ids) for each in answer.findings]
                    duties = [self._duty_key(each) for each in (*answer.met, *answer.unmet)]
                    said = self._said[answer] = (found, duties)
                for each in said[0]:
                    each.rows |= rows
                    each.columns |= columns

    def _where(self, known: dict[Finding, _Where], judged: Judged, finding: Finding, ids: set[str]) -> _Where:
        found = known[finding] = self._found.setdefault(_reason_key(judged, finding), _Where(judged, finding))
        found.elements |= ids
        return found

    def _read_never(self, cells: Collection[CellAnswer]) -> None:
        found = self._found[_NEVER_AT_ONCE] = _Where(None, Finding("NO_COMMON_WINDOW", None, ()))
        for row, each in enumerate(self.decision.cells):
            for column, cell in enumerate(each):
                if cell in cells:
                    found.rows |= 1 << row
                    found.columns |= 1 << column

    def _duty_key(self, duty: Duty) -> _Key:
        key = (duty.right, duty.condition.model_dump_json(), duty.media)
        self._duties.setdefault(key, duty)
        return key

    def _cell(
        self,
        cell: CellAnswer,
        bits: Mapping[Answer, tuple[int, int]],
        reasons: int,
        alike: dict[object, _CellTold],
    ) -> _CellTold:
        """What the cell says; cells that say the same share it."""
        duties = 0
        for answer in cell.answers:
            more, asked = bits[answer]
            reasons |= more
            duties |= asked
        key = (cell.verdict, cell.now, cell.once, reasons, duties)
        return alike.setdefault(key, _CellTold(*key))

    def groups(self) -> tuple[CellGroup, ...]:
        """Cells with the same answer, as rectangles: territories that answer alike on the same platforms."""
        alike_rows: dict[tuple[CellAnswer, ...], list[str]] = {}
        for row, places in zip(self.decision.cells, self.decision.rows, strict=True):
            alike_rows.setdefault(row, []).extend(places)
        patterns: dict[tuple[_CellTold, ...], list[str]] = {}
        for row, places in alike_rows.items():
            patterns.setdefault(tuple([self._cells[cell] for cell in row]), []).extend(places)
        shapes: dict[tuple[_CellTold, int], list[str]] = {}
        for pattern, places in patterns.items():
            alike: dict[_CellTold, int] = {}
            for column, told in enumerate(pattern):
                alike[told] = alike.get(told, 0) | 1 << column
            for each in alike.items():
                shapes.setdefault(each, []).extend(places)
        media = {columns: _names_in(self.decision.columns, columns) for columns in {each for _, each in shapes}}
        reasons = [f"R{number}" for number in range(1, len(self._reasons) + 1)]
        conditions = [f"C{number}" for number in range(1, len(self._conditions) + 1)]
        made = [
            _group(
                told,
                tuple(sorted(places)),
                media[columns],
                _picked(reasons, told.reasons),
                _picked(conditions, told.duties),
            )
            for (told, columns), places in shapes.items()
        ]
        return tuple(sorted(made, key=lambda each: (each.territories, each.platforms)))

    def reasons(self) -> tuple[Reason, ...]:
        """Every reason once, with all places and platforms it holds for."""
        decision = self.decision
        rows = {bits: _names_in(decision.rows, bits) for bits in {each.rows for each in self._reasons}}
        columns = {bits: _names_in(decision.columns, bits) for bits in {each.columns for each in self._reasons}}
        return tuple(
            self._reason(f"R{number}", each, rows[each.rows], columns[each.columns])
            for number, each in enumerate(self._reasons, 1)
        )

    def _reason(self, name: str, where: _Where, places: tuple[str, ...], media: tuple[str, ...]) -> Reason:
        finding, judged, entry = where.finding, where.judged, where.finding.entry
        return Reason(
            key=name,
            code=finding.code,
            text=reason_text(finding, judged, self.decision.asked),
            elements=tuple(sorted(where.elements)),
            element_kind=judged.kind if judged else None,
            ref=judged.element.ref if judged else None,
            name=judged.element.name if judged else None,
            right=entry.id if entry else None,
            contract=entry.contract_id if entry else None,
            clause=(entry.clause or None) if entry else None,
            territories=places,
            platforms=media,
            windows=ranges(finding.windows) if judged else (self.decision.asked.window,),
        )

    def conditions(self) -> tuple[ConditionState, ...]:
        """Every condition that is relied on, once."""
        wanted = {duty.right for duty in self._duties.values()}
        entries = {
            each.id: each for judged in self.decision.judged for each in judged.judgement.entries if each.id in wanted
        }
        return tuple(
            ConditionState(
                key=f"C{number}",
                type=duty.condition.type,
                met=duty.met,
                text=duty.condition.text,
                min_seconds=duty.condition.min_seconds,
                media=duty.media or None,
                elements=duty.elements,
                ref=duty.ref,
                spans=duty.spans,
                right=duty.right,
                contract=entries[duty.right].contract_id,
                clause=entries[duty.right].clause or None,
            )
            for number, key in enumerate(self._conditions, 1)
            for duty in (self._duties[key],)
        )


def _group(
    told: _CellTold,
    places: tuple[str, ...],
    media: tuple[str, ...],
    reasons: tuple[str, ...],
    conditions: tuple[str, ...],
) -> CellGroup:
    held = told.verdict not in ("NEEDS_HUMAN", "DENIED") and told.once != told.now
    return CellGroup(
        territories=places,
        platforms=media,
        verdict=told.verdict,
        windows=ranges(told.now),
        windows_once_met=ranges(told.once) if held else None,
        reasons=reasons,
        conditions=conditions,
    )


_Name = TypeVar("_Name")


def _picked(names: Sequence[_Name], bits: int) -> tuple[_Name, ...]:
    """The names whose bit is set."""
    return tuple(compress(names, format(bits, "b")[::-1].encode().translate(_DIGITS))) if bits else ()


def _names_in(names: Sequence[tuple[str, ...]], bits: int) -> tuple[str, ...]:
    """All names of the rows or columns whose bit is set, in order."""
    return tuple(sorted(chain.from_iterable(_picked(names, bits))))


def _reason_key(judged: Judged, finding: Finding) -> _Key:
    duty = finding.duty
    return (
        judged.element.ref,
        judged.kind,
        _ORDER[finding.code],
        finding.entry.id if finding.entry else "",
        finding.windows,
        "" if duty is None else duty.condition.model_dump_json() + duty.media,
    )


def _summary(verdict: Verdict, cells: Iterable[CellGroup]) -> str:
    by_verdict: dict[Verdict, int] = {}
    for group in cells:
        by_verdict[group.verdict] = by_verdict.get(group.verdict, 0) + len(group.territories) * len(group.platforms)
    total = sum(by_verdict.values())
    parts = [f"{count} {each}" for each in get_args(Verdict) if (count := by_verdict.get(each))]
    return f"{verdict}: of {total} cells (territory x platform) {', '.join(parts)}."
