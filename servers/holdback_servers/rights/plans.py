"""What would clear it: the smallest changes that do, ranked, each plan decided again. Pure.

For every reference that stands in the way there are ways out: live with it (and give up the cells or the time it
costs), shorten it, or replace it. A way for each reference, and a choice of platforms to give up, make a candidate;
what a cell still lacks then is a territory to drop or a window to move. Candidates are ranked by what they cost and
the best ones are applied and decided again; only those that clear are offered as verified.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from math import ceil

from holdback_base.elements import ElementKind
from holdback_base.vocabulary import instant_text

from holdback_servers.rights.book import Book
from holdback_servers.rights.clearance import Decision
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.matrix import places as some
from holdback_servers.rights.remedies import clears, duty_remedies, replace_remedy, shorten_remedy
from holdback_servers.rights.report import Plan, Remedy
from holdback_servers.rights.ways import (
    Cell,
    Grid,
    Way,
    combinations_of,
    grid_of,
    in_the_way,
    rights_in_the_way,
    ways_out,
)
from holdback_servers.rights.windows import OPEN, Window, Windows, instant, shared, window

OFFERED = 3
"""Plans in an answer."""
_TRIED = 8
_LOOKS, _FEWEST = 12_000, 8
"""Cells looked at in all while searching, and candidates looked at however many cells there are."""
_ASK = 1000
_REPLACING: dict[ElementKind, int] = {
    "music_master": 4,
    "music_publishing": 4,
    "music_performance": 4,
    "logo": 5,
    "still": 10,
    "third_party_clip": 10,
    "location": 14,
    "talent": 18,
    "programme": 60,
}
"""House weights: what it costs a cut to lose an element of a kind. Only the ranking depends on them."""
_EDITING = {"add_credit": 1, "add_disclaimer": 1, "obscure_element": 2, "mute_element": 3, "shorten_element": 3}


@dataclass(frozen=True, slots=True)
class _Candidate:
    remedies: tuple[Remedy, ...]
    cost: int
    territories: tuple[str, ...]
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: Mapping[str, Way]
    grid: Grid
    met: bool
    dropped: tuple[int, ...]
    blame: Mapping[str, tuple[str, ...]]


def plans(decision: Decision, books: Mapping[str, Book], offered: int = OFFERED) -> tuple[Plan, ...]:
    """Up to `offered` plans, the cheapest first; none when all is clear. Plans that clear come before those that ask a
    person, and when nothing else clears one plan says whom to ask about what."""
    if decision.clear:
        return ()
    made: list[Plan] = []
    ranked = sorted(_candidates(decision), key=lambda each: (each.cost, str(each.remedies)))
    seen: set[tuple[Remedy, ...]] = set()
    for candidate in islice((each for each in ranked if each.remedies), _TRIED):
        if candidate.remedies in seen or any(_includes(candidate, each) for each in made):
            continue
        seen.add(candidate.remedies)
        asks = any(each.kind == "ask_human" for each in candidate.remedies)
        if asks and made:
            continue
        if asks or clears(decision, candidate.remedies, books):
            made.append(
                Plan(
                    remedies=candidate.remedies,
                    verified=not asks,
                    cost=candidate.cost,
                    territories=candidate.territories,
                    platforms=candidate.platforms,
                )
            )
        if len(made) == offered:
            break
    return tuple(made) or (_ask_about_everything(decision),)


def _includes(candidate: _Candidate, plan: Plan) -> bool:
    """Whether the candidate does all that a plan does and more."""
    return set(plan.remedies) < set(candidate.remedies)


def _candidates(decision: Decision) -> Iterator[_Candidate]:
    refs = in_the_way(decision)
    blame = rights_in_the_way(decision)
    looks = max(_FEWEST, _LOOKS // (len(decision.rows) * len(decision.columns)))
    for ways in combinations_of({ref: ways_out(ref, decision) for ref in refs}, looks):
        grid = grid_of(decision, ways)
        for met in (True, False):
            for dropped in _column_drops(grid, met):
                if looks == 0:
                    return
                looks -= 1
                candidate = _candidate(decision, _Choice(ways, grid, met, dropped, blame))
                if candidate is not None:
                    yield candidate


def _column_drops(grid: Grid, met: bool) -> Iterator[tuple[int, ...]]:
    """Sets of platforms to give up: none, and any that have a cell with nothing left in it."""
    bad = [
        column
        for column in range(len(grid[0]))
        if any(not (row[column].once if met else row[column].now) for row in grid)
    ]
    most = len(bad) if len(bad) < len(grid[0]) else len(bad) - 1
    sizes = range(most + 1) if len(bad) <= 4 else (0, 1, most)
    for size in sizes:
        yield from islice(combinations(bad, size), 16)


def _candidate(decision: Decision, choice: _Choice) -> _Candidate | None:
    grid, met, dropped = choice.grid, choice.met, choice.dropped
    columns = [each for each in range(len(decision.columns)) if each not in dropped]
    best = {
        (row, column): _longest(cells[column].once if met else cells[column].now)
        for row, cells in enumerate(grid)
        for column in columns
    }
    rows = [row for row in range(len(grid)) if all(best[row, column] for column in columns)]
    if not rows or not columns:
        return None
    kept = {at: found for at, found in best.items() if at[0] in rows and found}
    duties = [
        duty
        for (row, column), found in kept.items()
        if shared(grid[row][column].now, (found,)) != (found,)
        for duty in grid[row][column].unmet
    ]
    territories = tuple(sorted(place for row in rows for place in decision.rows[row]))
    platforms = tuple(sorted(node for column in columns for node in decision.columns[column]))
    remedies = [
        *_edits(duties, choice, decision),
        *_drops(decision, grid, territories, platforms),
        *_moves(decision, grid, kept),
    ]
    cost = sum(_cost(each, decision) for each in remedies)
    return _Candidate(tuple(remedies), cost, territories, platforms)


def _longest(windows: Windows) -> Window | None:
    return max(windows, key=lambda each: (each[1] - each[0], -each[0]), default=None)


def _edits(duties: Sequence[Duty], choice: _Choice, decision: Decision) -> Iterator[Remedy]:
    found = {id(duty): duty for duty in duties}
    yield from duty_remedies(found.values(), decision.cuts)
    replaced_by_duty = {each.ref for each in found.values() if each.condition.type == "replace_music"}
    for ref, (way, seconds) in sorted(choice.ways.items()):
        rights = choice.blame.get(ref, ())
        if way == "replace" and ref not in replaced_by_duty:
            yield replace_remedy(ref, decision.cuts, rights)
        elif way == "shorten":
            yield shorten_remedy(ref, seconds, decision.cuts, rights)
        elif way == "ask":
            yield _ask(ref, decision, rights)


def _ask(ref: str, decision: Decision, rights: tuple[str, ...]) -> Remedy:
    judged = next(each for each in decision.judged if each.element.ref == ref)
    known = bool(judged.judgement.book.entries)
    what = "agree or buy the rights in" if known else "find out who owns, and record, the rights in"
    return Remedy(
        kind="ask_human",
        text=f"Ask a person to {what} {judged.element.name} ({ref}).",
        elements=tuple(sorted({one.id for each in decision.judged if each.element.ref == ref for one in each.elements})),
        ref=ref,
        rights=rights,
    )


def _ask_about_everything(decision: Decision) -> Plan:
    blame = rights_in_the_way(decision)
    remedies = tuple(_ask(ref, decision, blame.get(ref, ())) for ref in in_the_way(decision))
    return Plan(
        remedies=remedies,
        verified=False,
        cost=_ASK * len(remedies),
        territories=decision.asked.territories,
        platforms=decision.asked.platforms,
    )


def _drops(
    decision: Decision, grid: Grid, territories: tuple[str, ...], platforms: tuple[str, ...]
) -> Iterator[Remedy]:
    gone = tuple(each for each in decision.asked.platforms if each not in platforms)
    if gone:
        columns = [index for index, each in enumerate(decision.columns) if each[0] in gone]
        rights = _because(row[column] for row in grid for column in columns)
        yield Remedy(kind="drop_platform", text=f"Leave out {', '.join(gone)}.", platforms=gone, rights=rights)
    lost = tuple(each for each in decision.asked.territories if each not in territories)
    if lost:
        columns = [index for index, each in enumerate(decision.columns) if each[0] in platforms]
        rows = [index for index, each in enumerate(decision.rows) if each[0] in lost]
        rights = _because(grid[row][column] for row in rows for column in columns)
        yield Remedy(kind="drop_territory", text=f"Leave out {some(lost)}.", territories=lost, rights=rights)


def _because(cells: Iterable[Cell]) -> tuple[str, ...]:
    return tuple(sorted({right for cell in cells if not cell.once for right in cell.closing}))


def _moves(decision: Decision, grid: Grid, kept: Mapping[tuple[int, int], Window]) -> Iterator[Remedy]:
    asked = window(decision.asked.window.start, decision.asked.window.end)
    for side, kind in ((0, "start_later"), (1, "end_earlier")):
        by_row: dict[tuple[int, int], list[int]] = {}
        for (row, column), found in kept.items():
            if found[side] != asked[side]:
                by_row.setdefault((row, found[side]), []).append(column)
        alike: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for (row, at), columns in by_row.items():
            alike.setdefault((at, tuple(columns)), []).append(row)
        for (at, columns), rows in sorted(alike.items()):
            moment = instant(at)
            places = tuple(sorted(place for row in rows for place in decision.rows[row]))
            media = tuple(sorted(node for column in columns for node in decision.columns[column]))
            where = f"{some(places)} on {', '.join(media)}"
            said = instant_text(moment) if moment else ""
            yield Remedy(
                kind="start_later" if kind == "start_later" else "end_earlier",
                text=f"Start not before {said} in {where}." if side == 0 else f"End by {said} in {where}.",
                start=moment if side == 0 else None,
                end=moment if side == 1 else None,
                territories=places,
                platforms=media,
                rights=tuple(
                    sorted({each for row in rows for column in columns for each in grid[row][column].at_edge(at, side)})
                ),
            )


def _cost(remedy: Remedy, decision: Decision) -> int:
    asked = decision.asked
    if remedy.kind == "ask_human":
        return _ASK
    if remedy.kind == "replace_element":
        return max(_REPLACING[each.kind] for each in decision.judged if each.element.ref == remedy.ref)
    if remedy.kind == "drop_territory":
        return 1 + ceil(30 * len(remedy.territories or ()) / len(asked.territories))
    if remedy.kind == "drop_platform":
        return 1 + ceil(30 * len(remedy.platforms or ()) / len(asked.platforms))
    if remedy.kind in ("start_later", "end_earlier"):
        share = len(remedy.territories or ()) / len(asked.territories) * len(remedy.platforms or ())
        return 1 + ceil(20 * share / len(asked.platforms) * _lost_time(remedy, decision))
    return _EDITING[remedy.kind]


def _lost_time(remedy: Remedy, decision: Decision) -> float:
    """The share of the window that is given up; of an endless one a start costs little and an end nearly all."""
    start, end = window(decision.asked.window.start, decision.asked.window.end)
    moved_start, moved_end = window(remedy.start, remedy.end)
    if end == OPEN:
        return 0.1 if remedy.kind == "start_later" else 0.9
    lost = moved_start - start if remedy.kind == "start_later" else end - moved_end
    return lost / (end - start)
