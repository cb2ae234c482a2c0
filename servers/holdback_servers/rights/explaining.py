"""A decision told: cells grouped, reasons and conditions numbered, each with its right, contract and clause. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import get_args

from holdback_base.canonical import canonical_sha256

from holdback_servers.rights.availability import Answer, Finding
from holdback_servers.rights.clearance import CellAnswer, Decision, Judged, overall
from holdback_servers.rights.conditions import Duty
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

_ORDER = {code: index for index, code in enumerate(get_args(ReasonCode))}


def report(decision: Decision, plans: Sequence[Plan] = ()) -> ClearanceReport:
    """The decision as it goes over the wire. Equal decisions give equal reports, whatever order things came in."""
    told = _Told(decision)
    cells = told.groups()
    verdict = overall(cell.verdict for row in decision.cells for cell in row)
    return ClearanceReport(
        verdict=verdict,
        summary=_summary(verdict, cells),
        asked=decision.asked,
        cuts=tuple(
            CutNamed(media=cut.media, elements=cut.element_list.sha256(), title=cut.title) for cut in decision.cuts
        ),
        groups=cells,
        reasons=told.reasons(),
        conditions=told.conditions(),
        plans=tuple(plans),
        rights_snapshot=canonical_sha256({each.element.ref: each.judgement.book.snapshot for each in decision.judged}),
    )


def groups(decision: Decision) -> tuple[CellGroup, ...]:
    """The cells alone, grouped; their keys refer to the reasons and conditions of the decision's report."""
    return _Told(decision).groups()


@dataclass
class _Where:
    element: Judged | None
    finding: Finding
    elements: set[str] = field(default_factory=set[str])
    territories: set[str] = field(default_factory=set[str])
    platforms: set[str] = field(default_factory=set[str])


_Key = tuple[int | str, ...]


class _Told:
    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self._found: dict[_Key, _Where] = {}
        self._duties: dict[_Key, Duty] = {}
        self._cells: dict[int, tuple[tuple[_Key, ...], tuple[_Key, ...]]] = {}
        self._answers: dict[tuple[int, int], tuple[tuple[_Key, ...], tuple[_Key, ...]]] = {}
        for row, places in zip(decision.cells, decision.rows, strict=True):
            for cell, media in zip(row, decision.columns, strict=True):
                for key in self._read(cell)[0]:
                    self._found[key].territories.update(places)
                    self._found[key].platforms.update(media)
        self._reason_names = {key: f"R{number}" for number, key in enumerate(sorted(self._found), 1)}
        self._condition_names = {key: f"C{number}" for number, key in enumerate(sorted(self._duties), 1)}

    def _read(self, cell: CellAnswer) -> tuple[tuple[_Key, ...], tuple[_Key, ...]]:
        known = self._cells.get(id(cell))
        if known is not None:
            return known
        reasons: dict[_Key, None] = {}
        duties: dict[_Key, None] = {}
        for number, answer in enumerate(cell.answers):
            found, asked = self._answers.get((number, id(answer))) or self._read_answer(number, answer)
            reasons.update(dict.fromkeys(found))
            duties.update(dict.fromkeys(asked))
        if not cell.once and all(answer.once for answer in cell.answers):
            key = ("~", _ORDER["NO_COMMON_WINDOW"])
            self._found.setdefault(key, _Where(None, Finding("NO_COMMON_WINDOW", None, ())))
            reasons[key] = None
        told = self._cells[id(cell)] = (tuple(sorted(reasons)), tuple(sorted(duties)))
        return told

    def _read_answer(self, number: int, answer: Answer) -> tuple[tuple[_Key, ...], tuple[_Key, ...]]:
        judged = self.decision.judged[number]
        reasons: list[_Key] = []
        for finding in answer.findings:
            key = _reason_key(judged, finding)
            self._found.setdefault(key, _Where(judged, finding)).elements.add(judged.element.id)
            reasons.append(key)
        duties = tuple(self._duty_key(duty) for duty in (*answer.met, *answer.unmet))
        read = self._answers[number, id(answer)] = (tuple(reasons), duties)
        return read

    def _duty_key(self, duty: Duty) -> _Key:
        key = (duty.right, duty.condition.model_dump_json(), duty.media)
        self._duties.setdefault(key, duty)
        return key

    def groups(self) -> tuple[CellGroup, ...]:
        """Cells with the same answer, as rectangles: territories that answer alike on the same platforms."""
        shapes: dict[tuple[object, ...], list[str]] = {}
        for row, places in zip(self.decision.cells, self.decision.rows, strict=True):
            alike: dict[tuple[object, ...], list[str]] = {}
            for cell, media in zip(row, self.decision.columns, strict=True):
                reasons, duties = self._read(cell)
                told = (cell.verdict, cell.now, cell.once, reasons, duties)
                alike.setdefault(told, []).extend(media)
            for told, media in alike.items():
                shapes.setdefault((told, tuple(sorted(media))), []).extend(places)
        made = [self._group(told, places, media) for (told, media), places in shapes.items()]  # pyright: ignore
        return tuple(sorted(made, key=lambda each: (each.territories, each.platforms)))

    def _group(
        self,
        told: tuple[Verdict, Windows, Windows, tuple[_Key, ...], tuple[_Key, ...]],
        places: list[str],
        media: tuple[str, ...],
    ) -> CellGroup:
        verdict, now, once, reasons, duties = told
        held = verdict not in ("NEEDS_HUMAN", "DENIED") and once != now
        return CellGroup(
            territories=tuple(sorted(places)),
            platforms=media,
            verdict=verdict,
            windows=ranges(now),
            windows_once_met=ranges(once) if held else None,
            reasons=tuple(self._reason_names[key] for key in reasons),
            conditions=tuple(self._condition_names[key] for key in duties),
        )

    def reasons(self) -> tuple[Reason, ...]:
        """Every reason once, with all places and platforms it holds for."""
        return tuple(self._reason(name, self._found[key]) for key, name in self._reason_names.items())

    def _reason(self, name: str, where: _Where) -> Reason:
        finding, judged, entry = where.finding, where.element, where.finding.entry
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
            clause=(entry.right.clause or None) if entry else None,
            territories=tuple(sorted(where.territories)),
            platforms=tuple(sorted(where.platforms)),
            windows=ranges(finding.windows) if judged else (self.decision.asked.window,),
        )

    def conditions(self) -> tuple[ConditionState, ...]:
        """Every condition that is relied on, once."""
        entries = {each.id: each for judged in self.decision.judged for each in judged.judgement.book.entries}
        return tuple(
            ConditionState(
                key=name,
                type=duty.condition.type,
                met=duty.met,
                text=duty.condition.text,
                min_seconds=duty.condition.min_seconds,
                media=duty.media,
                elements=duty.elements,
                ref=duty.ref,
                spans=duty.spans,
                right=duty.right,
                contract=entries[duty.right].contract_id,
                clause=entries[duty.right].right.clause or None,
            )
            for key, name in self._condition_names.items()
            for duty in (self._duties[key],)
        )


def _reason_key(judged: Judged, finding: Finding) -> _Key:
    duty = finding.duty
    return (
        judged.element.ref,
        judged.kind,
        _ORDER[finding.code],
        finding.entry.id if finding.entry else "",
        str(finding.windows),
        "" if duty is None else duty.condition.model_dump_json() + duty.media,
    )


def _summary(verdict: Verdict, cells: Iterable[CellGroup]) -> str:
    by_verdict: dict[Verdict, int] = {}
    for group in cells:
        by_verdict[group.verdict] = by_verdict.get(group.verdict, 0) + len(group.territories) * len(group.platforms)
    total = sum(by_verdict.values())
    parts = [f"{count} {each}" for each in get_args(Verdict) if (count := by_verdict.get(each))]
    return f"{verdict}: of {total} cells (territory x platform) {', '.join(parts)}."
