"""Ways out for each reference that stands in the way, and what cells look like once they are taken. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, product
from math import prod

from holdback_base.elements import ElementKind
from holdback_base.vocabulary import TimeRange

from holdback_servers.rights.availability import Answer, Finding, Judgement
from holdback_servers.rights.book import Entry
from holdback_servers.rights.clearance import CellAnswer, Decision, Judged
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.fitting import longer_than
from holdback_servers.rights.report import Asked, ReasonCode
from holdback_servers.rights.tongues import grants_tongue
from holdback_servers.rights.windows import Window, Windows, joined, shared, window, without

_WAYS = 64
"""Combinations of ways out that are looked at; beyond, each reference by itself and all together."""
_TONGUES = 4
"""Languages that are tried to be left out, each by itself."""
_GAPS = 3
"""Grants to buy for one reference, before one that holds them all is asked for."""
_ON_ALL = frozenset({"RUNS_EXHAUSTED", "LANGUAGE_NOT_LICENSED", "WINDOW_LIMIT"})
"""Reasons that lie in the question as a whole."""
_PICTURE = frozenset({"programme", "third_party_clip", "still"})

Way = tuple[str, int]
"""`keep`, `replace`, `buy`, `event`, `ask`, or `shorten` with the seconds that are left."""
KEEP: Way = ("keep", 0)
_GONE = frozenset({"replace", "event", "ask"})


def in_the_way(decision: Decision) -> list[str]:
    """References that are not clear somewhere; without a cut what a grant asks for is not in the way."""
    whole = _whole(decision)
    return sorted(
        {
            judged.element.ref
            for cell in _cells(decision)
            for judged, answer in zip(decision.judged, cell.answers, strict=True)
            if answer.once != whole or (answer.unmet and decision.cuts)
        }
    )


def rights_in_the_way(decision: Decision) -> dict[str, tuple[str, ...]]:
    """For each reference the rights that its findings name, over all cells."""
    found = {judged.element.ref: set[str]() for judged in decision.judged}
    for judged, finding in findings(decision):
        if finding.entry:
            found[judged.element.ref].add(finding.entry.id)
    return {ref: tuple(sorted(named)) for ref, named in found.items()}


def findings(decision: Decision) -> Iterator[tuple[Judged, Finding]]:
    """Every finding of every answer once."""
    for number, judged in enumerate(decision.judged):
        answers = {id(cell.answers[number]): cell.answers[number] for cell in _cells(decision)}
        for answer in answers.values():
            yield from ((judged, finding) for finding in answer.findings)


def ways_out(ref: str, decision: Decision) -> list[Way]:
    """What can be done about a reference; living with it comes first."""
    judged = [each for each in decision.judged if each.element.ref == ref]
    pictures = {each.element.ref for each in decision.judged if each.kind in _PICTURE}
    known = is_known(ref, decision)
    ways: list[Way] = [KEEP]
    if limit := _longest_allowed(ref, decision):
        ways.append(("shorten", limit))
    if decision.cuts and not (pictures <= {ref} and ref in pictures):
        ways.append(("replace", 0))
    if known and any(_gap(answer, judged[0].judgement.use.window) for answer in _answers(ref, decision)):
        ways.append(("buy", 0))
    if any(one.element.ref == ref and found.code == "UNRESOLVED_EVENT" for one, found in findings(decision)):
        ways.append(("event", 0))
    if ways == [KEEP] or not known:
        ways.append(("ask", 0))
    return ways


def is_known(ref: str, decision: Decision) -> bool:
    """Whether anything is recorded of what a reference is judged for; of music some of it is enough."""
    return any(not each.judgement.unknown for each in decision.judged if each.element.ref == ref)


def _longest_allowed(ref: str, decision: Decision) -> int | None:
    """Seconds to which the elements of a reference could be shortened: the most that grants allow that fail on nothing
    else."""
    found = [
        entry.limits.longest
        for judged in {one for one, finding in findings(decision) if finding.code == "DURATION_OVER_LIMIT"}
        if judged.element.ref == ref
        for index, entry in enumerate(judged.judgement.entries)
        if entry.limits.longest and judged.judgement.faults(index) == ("DURATION_OVER_LIMIT",)
    ]
    return max(found, default=None)


def combinations_of(ways: Mapping[str, Sequence[Way]], looks: int) -> Iterator[dict[str, Way]]:
    """Every combination of ways where there are few; otherwise living with all, leaving all, buying all, and one at a
    time."""
    refs = list(ways)
    if prod(len(each) for each in ways.values()) <= min(_WAYS, looks):
        for choice in product(*ways.values()):
            yield dict(zip(refs, choice, strict=True))
        return
    lives = dict.fromkeys(refs, KEEP)
    leaves = {ref: next((each for each in found if each[0] == "replace"), found[-1]) for ref, found in ways.items()}
    yield lives
    yield leaves
    yield {ref: next((each for each in found if each[0] == "buy"), leaves[ref]) for ref, found in ways.items()}
    for ref in refs[:_WAYS]:
        yield {**lives, ref: leaves[ref]}
        yield from ({**leaves, ref: each} for each in ways[ref] if each != leaves[ref])


def questions(decision: Decision) -> list[Asked]:
    """The question, and smaller ones that keep within a limit on all of it: fewer runs, fewer languages, a window that
    ends earlier. Of those that differ in one point the larger come first."""
    asked, failing = decision.asked, _failing(decision)
    fewer = sorted({(one.limits.max_runs or 0) - one.taken for one in failing.get("RUNS_EXHAUSTED", ())}, reverse=True)
    days = sorted({one.limits.window_days or 0 for one in failing.get("WINDOW_LIMIT", ())}, reverse=True)
    within = window(asked.window.start, asked.window.end)
    smaller: list[list[dict[str, object]]] = [
        [{"runs": each} for each in _ends([each for each in fewer if 0 < each < asked.runs])],
        [{"languages": each} for each in _tongues(asked, failing.get("LANGUAGE_NOT_LICENSED", ()))],
        [
            {"window": shorter}
            for each in _ends([each for each in days if longer_than(within, each)])
            if (shorter := _of_days(asked, each))
        ],
    ]
    single = [change for axis in smaller for change in axis]
    both = [dict(chain.from_iterable(axis[at].items() for axis in smaller if axis)) for at in (0, -1) if single]
    made = [asked, *(asked.model_copy(update=change) for change in [*single, *both])]
    return [each for index, each in enumerate(made) if each not in made[:index]]


def _failing(decision: Decision) -> dict[ReasonCode, list[Entry]]:
    """Grants by what they fail on, for what is in the way: a finding names one of several that are alike."""
    found: dict[ReasonCode, dict[str, Entry]] = {}
    for judged, finding in findings(decision):
        if finding.code in _ON_ALL and finding.code not in found:
            found[finding.code] = {}
        for index, entry in enumerate(judged.judgement.entries if finding.code in _ON_ALL else ()):
            if finding.code in judged.judgement.faults(index):
                found[finding.code][entry.id] = entry
    return {code: list(entries.values()) for code, entries in found.items()}


def _ends(numbers: list[int]) -> list[int]:
    """The first and the last."""
    return numbers if len(numbers) < 2 else [numbers[0], numbers[-1]]


def _tongues(asked: Asked, failing: Iterable[Entry]) -> Iterator[tuple[str, ...]]:
    """The languages without each that a grant does not cover, and without all of these."""
    grants = list(failing)
    lacking = [
        each
        for each in asked.languages
        if any(not any(grants_tongue(own, each) for own in one.languages) for one in grants)
    ]
    for each in lacking[:_TONGUES]:
        yield tuple(tongue for tongue in asked.languages if tongue != each)
    if len(lacking) > 1:
        yield tuple(tongue for tongue in asked.languages if tongue not in lacking)


def _of_days(asked: Asked, days: int) -> TimeRange | None:
    """So many days of the window, unless they lead beyond the calendar."""
    try:
        return TimeRange(start=asked.window.start, end=asked.window.start + timedelta(days=days))
    except OverflowError:
        return None


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell once ways out are taken."""

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
    """Every cell, in the decision's rows and columns, once these ways are taken."""
    whole = _whole(decision)
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
        answers: list[tuple[Answer, Windows]] = []
        for index, (judged, answer) in enumerate(zip(decision.judged, found.answers, strict=True)):
            way = ways.get(judged.element.ref, KEEP)[0]
            if way in _GONE:
                continue
            other = shorter.get(index)
            own = other.answer(other.place_mask(place) & other.medium_mask(node)) if other else answer
            answers.append((own, _gap(own, judged.judgement.use.window) if way == "buy" else ()))
        made = kept[id(found)] = _met(answers, whole, ways)
        return made

    return tuple(
        tuple(cell(row, column) for column in range(len(decision.columns))) for row in range(len(decision.rows))
    )


def _met(answers: Sequence[tuple[Answer, Windows]], whole: Windows, ways: Mapping[str, Way]) -> Cell:
    now = once = whole
    for answer, more in answers:
        now, once = shared(now, joined((*answer.now, *more))), shared(once, joined((*answer.once, *more)))
    unmet = tuple(duty for each, _ in answers for duty in each.unmet if ways.get(duty.ref, KEEP)[0] != "replace")
    against = [
        (bool(each.once or more), finding.entry.id, finding.windows)
        for each, more in answers
        for finding in each.findings
        if finding.entry and not finding.duty
    ]
    closing = frozenset(right for left, right, _ in against if not left) or frozenset(right for _, right, _ in against)
    return Cell(now, once, unmet, tuple((right, windows) for _, right, windows in against), closing)


@dataclass(frozen=True, slots=True)
class Gap:
    """What a grant would have to give: kinds of one reference, in rows and columns of a decision, in a window."""

    kinds: tuple[ElementKind, ...]
    rows: frozenset[int]
    columns: frozenset[int]
    window: Window


def gaps_of(ref: str, decision: Decision, kept: Mapping[tuple[int, int], Window]) -> list[Gap]:
    """What no grant gives of a reference in these cells and windows, as few rectangles; one around all of many."""
    lacking: dict[tuple[ElementKind, Window], dict[int, set[int]]] = {}
    for (row, column), found in kept.items():
        for judged, answer in zip(decision.judged, decision.cells[row][column].answers, strict=True):
            if judged.element.ref == ref:
                for part in without((found,), answer.once):
                    lacking.setdefault((judged.kind, part), {}).setdefault(row, set()).add(column)
    areas: dict[tuple[Window, frozenset[int], frozenset[int]], set[ElementKind]] = {}
    for (kind, part), cells in lacking.items():
        alike: dict[frozenset[int], set[int]] = {}
        for row, columns in cells.items():
            alike.setdefault(frozenset(columns), set()).add(row)
        for columns, rows in alike.items():
            areas.setdefault((part, frozenset(rows), columns), set()).add(kind)
    made = [
        Gap(tuple(sorted(kinds)), rows, columns, part)
        for (part, rows, columns), kinds in sorted(areas.items(), key=str)
    ]
    if len(made) <= _GAPS:
        return made
    return [
        Gap(
            tuple(sorted({kind for each in made for kind in each.kinds})),
            frozenset(row for each in made for row in each.rows),
            frozenset(column for each in made for column in each.columns),
            (min(each.window[0] for each in made), max(each.window[1] for each in made)),
        )
    ]


def _gap(answer: Answer, asked: Window) -> Windows:
    """When nothing stands against the element and no grant gives it: what could be bought."""
    barred = joined(
        part for each in answer.findings if each.entry and each.entry.kind != "grant" for part in each.windows
    )
    return without(without((asked,), barred), answer.once)


def _answers(ref: str, decision: Decision) -> Iterator[Answer]:
    for cell in _cells(decision):
        for judged, answer in zip(decision.judged, cell.answers, strict=True):
            if judged.element.ref == ref:
                yield answer


def _cells(decision: Decision) -> Iterable[CellAnswer]:
    return {id(cell): cell for row in decision.cells for cell in row}.values()


def _whole(decision: Decision) -> Windows:
    return (window(decision.asked.window.start, decision.asked.window.end),)
