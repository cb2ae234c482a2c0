"""What may be shown here, there and then: the same judging over what is recorded, without a cut. Pure.

Without a cut no condition can be seen to be met and no duration is known: what a grant asks for is told, not judged.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from holdback_base.elements import Element, ElementKind
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_servers.rights.answers import Available, AvailableCell, GrantLimit, OpenCondition
from holdback_servers.rights.availability import Judgement
from holdback_servers.rights.book import NO_LIMITS, Book, Entry
from holdback_servers.rights.clearance import BLANKET, MUSIC, Decision, Judged, book_for, judge
from holdback_servers.rights.conditions import Duty, told_duty
from holdback_servers.rights.explaining import groups
from holdback_servers.rights.fitting import Use, covered, faults_of
from holdback_servers.rights.grid import overall
from holdback_servers.rights.report import Asked
from holdback_servers.rights.windows import Windows, window

_WHOLE: Final = (Span(in_frame=0, out_frame=1),)
_EMPTY: Final = Book(())
_KINDS: dict[str, tuple[ElementKind, ...]] = {
    "film": ("programme",),
    "music": MUSIC,
    "talent": ("talent",),
    "clip": ("third_party_clip",),
    "still": ("still",),
    "logo": ("logo",),
    "location": ("location",),
}
"""What stands before the colon of a reference says which elements need rights in it; music needs all of its own."""


def kinds_of(ref: str, book: Book) -> tuple[ElementKind, ...]:
    """The kinds of element that need rights to show what is recorded under a reference."""
    known = _KINDS.get(ref.partition(":")[0])
    named: set[ElementKind] = {kind for each in book.entries for kind in each.element_kinds}
    return known or tuple(sorted(named)) or ("programme",)


def reference_decision(refs: Sequence[str], books: Mapping[str, Book], asked: Asked, *, derivative: bool) -> Decision:
    """May these be shown, each whole or in part, before there is a cut? What grants ask for is told, not judged.

    Args:
        refs: element references; one that `books` does not hold is unknown.
        derivative: that they would be cut, which not every grant allows.

    Raises:
        Problem: INVALID_ARGUMENT without a reference, and for that of blanket licences.
    """
    if BLANKET in refs:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{BLANKET} stands for blanket licences to perform music; it is nothing to show.",
            "Name the piece, such as music:meadow-waltz: blanket licences count for its performance.",
        )
    if not refs:
        raise Problem("INVALID_ARGUMENT", "The question names no reference.", "Name at least one, such as film:name.")
    judged: list[Judged] = []
    for ref in sorted(set(refs)):

        def duties(entry: Entry, ref: str = ref) -> list[Duty]:
            return [told_duty(entry.id, each, ref, asked.undertakings) for each in entry.conditions]

        for kind in kinds_of(ref, books.get(ref, _EMPTY)):
            element = Element(id=ref, kind=kind, ref=ref, name=ref, spans=_WHOLE)
            judgement = Judgement(book_for(ref, kind, books), _use(kind, asked, derivative), duties)
            judged.append(Judged((element,), kind, judgement))
    return judge(asked, (), tuple(judged), books)


def _use(kind: ElementKind, asked: Asked, derivative: bool) -> Use:
    within = window(asked.window.start, asked.window.end)
    return Use(kind, within, asked.purpose, asked.languages, None, derivative, asked.runs, asked.exclusive)


def limits(decision: Decision) -> tuple[GrantLimit, ...]:
    """What bounds the grants that give something of a question about references, in order of their ids."""
    return tuple(
        GrantLimit(
            right=each.id,
            ref=each.right.ref,
            contract=each.contract_id,
            clause=each.right.clause or None,
            max_duration_seconds=each.limits.longest,
            runs_left=None if each.limits.max_runs is None else each.limits.max_runs - each.taken,
            window_max_days=each.limits.window_days,
        )
        for _, each in sorted({one.id: one for grants in _used(decision) for one in grants.values()}.items())
        if each.limits != NO_LIMITS
    )


def available(ref: str, books: Mapping[str, Book], asked: Asked, *, derivative: bool) -> Available | None:
    """Where and when the reference may be shown, at least once conditions are met; None when nowhere.

    `derivative` says that it would be cut, which not every grant allows. `books` holds the reference's and, for music,
    that of the blanket licences, which is nothing to show by itself.
    """
    if ref == BLANKET or not _may_open(books.get(ref, _EMPTY), asked, derivative):
        return None
    decision = reference_decision((ref,), books, asked, derivative=derivative)
    if not any(cell.once for row in decision.cells for cell in row):
        return None
    told = groups(decision)
    open_cells = [each for each in told if each.verdict in ("CLEARED", "PARTIAL", "CONDITIONAL")]
    if not open_cells:
        return None
    used = _used(decision)
    return Available(
        ref=ref,
        kinds=tuple(each.kind for each in decision.judged),
        verdict=overall(each.verdict for each in told),
        cells=tuple(
            AvailableCell(
                territories=each.territories,
                platforms=each.platforms,
                windows=each.windows,
                windows_once_met=each.windows_once_met,
            )
            for each in open_cells
        ),
        conditions=_conditions(decision),
        max_duration_seconds=_longest(decision, used),
        rights=tuple(sorted({identity for grants in used for identity in grants})),
    )


def _may_open(book: Book, asked: Asked, derivative: bool) -> bool:
    """Whether one grant alone gives something of what is asked: most references that are nowhere to be shown fail here,
    before they are judged."""
    use = _use("programme", asked, derivative)  # what a grant fails on does not depend on the kind of element
    return any(
        each.grants
        and covered(each.languages, asked.languages)
        and any(each.reaches_medium(node) for node in asked.platforms)
        and any(each.reaches_place(place) for place in asked.territories)
        and not faults_of(each, use)
        for each in book.entries
    )


def _used(decision: Decision) -> tuple[dict[str, Entry], ...]:
    """Grants without a fault that speak in an open cell, of each judgement by their ids."""
    found: tuple[dict[str, Entry], ...] = tuple({} for _ in decision.judged)
    for row, masks in enumerate(decision.reach):
        for number, each in enumerate(decision.judged):
            cells = zip(decision.cells[row], decision.media, strict=True)
            for mask in {masks[number] & media[number] for cell, media in cells if cell.once}:
                for place in decision.rows[row]:
                    found[number].update({one.id: one for one in each.judgement.giving(mask, place)})
    return found


def _longest(decision: Decision, used: Sequence[Mapping[str, Entry]]) -> int | None:
    """For how many seconds it may last in a cut without losing anything of what is open; nothing when as long as one
    likes. Grants of one kind that cover the same stand in for each other, the kinds do not."""
    bounds = [{each.limits.longest for each in grants.values()} for grants in used]
    seconds = sorted({each for some in bounds for each in some if each is not None})
    if not seconds or any(some == {seconds[0]} for some in bounds):
        return seconds[0] if seconds else None
    whole = _open(decision)

    def loses(limit: int) -> bool:
        shorter = tuple(replace(each, judgement=each.judgement.lasting(limit)) for each in decision.judged)
        return _open(judge(decision.asked, (), shorter, decision.books)) != whole

    seconds.append(seconds[-1] + 1)
    first = bisect_left(seconds, True, lo=1, key=loses)
    return None if first == len(seconds) else seconds[first - 1]


def _open(decision: Decision) -> dict[tuple[str, str], tuple[Windows, Windows]]:
    """What is open in each place on each platform, now and once conditions are met."""
    return {
        (place, node): (cell.now, cell.once)
        for places, cells in zip(decision.rows, decision.cells, strict=True)
        for nodes, cell in zip(decision.columns, cells, strict=True)
        if cell.once
        for place in places
        for node in nodes
    }


def _conditions(decision: Decision) -> tuple[OpenCondition, ...]:
    duties = {
        (duty.right, duty.condition): duty
        for row in decision.cells
        for cell in row
        if cell.once
        for answer in cell.answers
        for duty in answer.unmet
    }
    return tuple(
        OpenCondition(type=asks.type, text=asks.text, min_seconds=asks.min_seconds, right=right)
        for right, asks in sorted(duties, key=str)
    )
