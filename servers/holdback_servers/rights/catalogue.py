"""What may be shown here, there and then: the same judging over what is recorded, without a cut. Pure.

Without a cut no condition can be seen to be met and no duration is known: what a grant asks for is told, not judged.
"""

from collections.abc import Sequence

from holdback_base.elements import Element, ElementKind
from holdback_base.vocabulary import Span

from holdback_servers.rights.answers import Available, AvailableCell, OpenCondition
from holdback_servers.rights.availability import Judgement, Use
from holdback_servers.rights.book import Book, Entry
from holdback_servers.rights.clearance import Decision, Judged, judge, overall
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.explaining import groups
from holdback_servers.rights.report import Asked
from holdback_servers.rights.windows import clipped, window

_KINDS: dict[str, tuple[ElementKind, ...]] = {
    "film": ("programme",),
    "music": ("music_master", "music_publishing"),
    "talent": ("talent",),
    "clip": ("third_party_clip",),
    "still": ("still",),
    "logo": ("logo",),
    "location": ("location",),
}
"""What stands before the colon of a reference says which elements need rights in it; music needs both of its own."""


def kinds_of(ref: str, book: Book) -> tuple[ElementKind, ...]:
    """The kinds of element that need rights to show what is recorded under a reference."""
    known = _KINDS.get(ref.partition(":")[0])
    named: set[ElementKind] = {kind for each in book.entries for kind in each.element_kinds}
    return known or tuple(sorted(named)) or ("programme",)


def available(ref: str, book: Book, asked: Asked, *, derivative: bool) -> Available | None:
    """Where and when the reference may be shown, at least once conditions are met; None when nowhere.

    `derivative` says that it would be cut, which not every grant allows.
    """
    within = window(asked.window.start, asked.window.end)
    whole = (Span(in_frame=0, out_frame=1),)
    judged = tuple(
        Judged(
            Element(id=ref, kind=kind, ref=ref, name=ref, spans=whole),
            kind,
            Judgement(book, Use(kind, within, asked.purpose, asked.languages, None, derivative), _asks),
        )
        for kind in kinds_of(ref, book)
    )
    decision = judge(asked, (), judged)
    open_cells = [each for each in groups(decision) if each.verdict in ("CLEARED", "PARTIAL", "CONDITIONAL")]
    if not open_cells:
        return None
    used = _used(decision)
    limits = [limit for each in used if (limit := each.limits.longest) is not None]
    return Available(
        ref=ref,
        kinds=tuple(each.kind for each in judged),
        verdict=overall(each.verdict for each in groups(decision)),
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
        max_duration_seconds=min(limits, default=None),
        rights=tuple(sorted({each.id for each in used})),
    )


def _asks(entry: Entry) -> Sequence[Duty]:
    return [Duty(entry.id, each, "", each.ref or entry.right.ref, (), (), met=False) for each in entry.conditions]


def _used(decision: Decision) -> list[Entry]:
    """Grants without a fault that speak in an open cell."""
    found: dict[str, Entry] = {}
    for places, row in zip(decision.rows, decision.cells, strict=True):
        for media, cell in zip(decision.columns, row, strict=True):
            for each in decision.judged if cell.once else ():
                mask = each.judgement.place_mask(places[0]) & each.judgement.medium_mask(media[0])
                for index, entry in enumerate(each.judgement.book.entries):
                    gives = entry.grants and mask >> index & 1 and not each.judgement.faults(index)
                    if gives and clipped(entry.window, each.judgement.use.window):
                        found[entry.id] = entry
    return list(found.values())


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
