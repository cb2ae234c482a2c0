"""Candidates for a plan: a way for each reference, platforms given up, and what the cells then still lack. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice

from holdback_base.vocabulary import instant_text

from holdback_servers.rights.clearance import Decision
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.matrix import places as some
from holdback_servers.rights.plans.costs import cost_of
from holdback_servers.rights.remedies.telling import (
    acquire_remedy,
    ask_remedy,
    duty_remedies,
    event_remedy,
    replace_remedy,
    shorten_remedy,
)
from holdback_servers.rights.report import MissingRight, Plan, Remedy
from holdback_servers.rights.ways import (
    Cell,
    Gap,
    Grid,
    Way,
    combinations_of,
    findings,
    gaps_of,
    grid_of,
    in_the_way,
    rights_in_the_way,
    ways_out,
)
from holdback_servers.rights.windows import Window, Windows, instant, ranges, shared, window


@dataclass(frozen=True, slots=True)
class Candidate:
    remedies: tuple[Remedy, ...]
    cost: int
    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    asks: str
    """What it waits for: nothing, one thing a person can do (`do`: record an event, approve), or what a person must
    find out (`ask`)."""
    question: int = 0
    """The number of the question that it answers: the first is what was asked."""

    @property
    def buys(self) -> bool:
        """Whether a right would be bought."""
        return any(each.kind == "acquire_right" for each in self.remedies)

    def is_beaten(self, other: "Candidate") -> bool:
        """Whether another, no dearer, makes no change of a kind that this one does not, and leaves all that it does."""
        return (
            other._changes <= self._changes
            and set(other.territories) >= set(self.territories)
            and set(other.platforms) >= set(self.platforms)
        )

    @property
    def _changes(self) -> set[tuple[str, str | None]]:
        """What is changed, apart from what is left out."""
        told = (each for each in self.remedies if each.kind not in ("drop_territory", "drop_platform"))
        return {(each.kind, each.ref or each.credit or str(each.languages)) for each in told}

    def plan(self) -> Plan:
        """What is offered of it, once decided again unless it asks a person."""
        return Plan(
            remedies=self.remedies,
            verified=not self.asks,
            cost=self.cost,
            territories=self.territories,
            platforms=self.platforms,
        )


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: Mapping[str, Way]
    grid: Grid
    met: bool
    dropped: tuple[int, ...]
    blame: Mapping[str, tuple[str, ...]]
    made: dict[object, Remedy]
    """Remedies made for other candidates of the same decision: they are asked for again and again."""

    def once(self, key: object, make: Callable[[], Remedy]) -> Remedy:
        """The remedy made under this key, or a new one."""
        found = self.made.get(key)
        if found is None:
            found = self.made[key] = make()
        return found


def candidates(decision: Decision, looks: int) -> Iterator[Candidate]:
    """Changes that would clear what is left of the question, as far as can be told without deciding again.

    Args:
        looks: how many candidates are looked at.
    """
    refs = in_the_way(decision)
    blame = rights_in_the_way(decision)
    every = {each.element.ref for each in decision.judged}
    made: dict[object, Remedy] = {}
    for ways in combinations_of({ref: ways_out(ref, decision) for ref in refs}, looks):
        if every and all(ways.get(ref) == ("replace", 0) for ref in every):
            continue  # a cut of nothing is unknown
        grid = grid_of(decision, ways)
        for met in (True, False):
            for dropped in _column_drops(grid, met):
                if looks == 0:
                    return
                looks -= 1
                candidate = _candidate(decision, _Choice(ways, grid, met, dropped, blame, made))
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


def _candidate(decision: Decision, choice: _Choice) -> Candidate | None:
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
        *_edits(duties if decision.cuts else (), choice, decision, kept),
        *_drops(decision, grid, territories, platforms),
        *_moves(decision, grid, kept),
    ]
    cost = sum(cost_of(each, decision) for each in remedies)
    asks = [each for each in remedies if each.kind == "ask_human"]
    unknown = any(way == "ask" for way, _ in choice.ways.values())
    waits = "" if not asks else "ask" if unknown else "do"
    return Candidate(tuple(remedies), cost, territories, platforms, waits)


def _longest(windows: Windows) -> Window | None:
    return max(windows, key=lambda each: (each[1] - each[0], -each[0]), default=None)


def _edits(
    duties: Sequence[Duty], choice: _Choice, decision: Decision, kept: Mapping[tuple[int, int], Window]
) -> Iterator[Remedy]:
    found = {id(duty): duty for duty in duties}
    yield from duty_remedies(found.values(), decision.cuts)
    replaced_by_duty = {each.ref for each in found.values() if each.condition.type == "replace_music"}
    for ref, (way, seconds) in sorted(choice.ways.items()):
        rights = choice.blame.get(ref, ())
        if way == "replace" and ref not in replaced_by_duty:
            yield choice.once((way, ref), partial(replace_remedy, ref, decision.cuts, rights))
        elif way == "shorten":
            yield choice.once((way, ref), partial(shorten_remedy, ref, seconds, decision.cuts, rights))
        elif way == "buy":
            yield from _purchases(ref, decision, kept, choice)
        elif way == "event":
            hanging = {f.entry for one, f in findings(decision) if one.element.ref == ref and f.entry}
            yield event_remedy(ref, [each for each in hanging if each.unresolved])
        elif way == "ask":
            yield ask_remedy(ref, decision, rights)


def _purchases(
    ref: str, decision: Decision, kept: Mapping[tuple[int, int], Window], choice: _Choice
) -> Iterator[Remedy]:
    for gap in gaps_of(ref, decision, kept):
        yield choice.once((ref, gap), partial(_purchase, ref, decision, gap, choice.blame.get(ref, ())))


def _purchase(ref: str, decision: Decision, gap: Gap, rights: tuple[str, ...]) -> Remedy:
    asked = decision.asked
    missing = MissingRight(
        ref=ref,
        element_kinds=gap.kinds,
        territories=tuple(sorted(place for row in gap.rows for place in decision.rows[row])),
        platforms=tuple(sorted(node for column in gap.columns for node in decision.columns[column])),
        window=ranges((gap.window,))[0],
        purpose=asked.purpose,
        languages=asked.languages,
        exclusive=asked.exclusive,
    )
    name = next(each.element.name for each in decision.judged if each.element.ref == ref)
    return acquire_remedy(missing, name, rights)


def _drops(
    decision: Decision, grid: Grid, territories: tuple[str, ...], platforms: tuple[str, ...]
) -> Iterator[Remedy]:
    kept_places, kept_media = frozenset(territories), frozenset(platforms)
    gone = tuple(each for each in decision.asked.platforms if each not in kept_media)
    if gone:
        columns = [index for index, each in enumerate(decision.columns) if each[0] not in kept_media]
        rights = _because(row[column] for row in grid for column in columns)
        yield Remedy(kind="drop_platform", text=f"Leave out {', '.join(gone)}.", platforms=gone, rights=rights)
    lost = tuple(each for each in decision.asked.territories if each not in kept_places)
    if lost:
        columns = [index for index, each in enumerate(decision.columns) if each[0] in kept_media]
        rows = [index for index, each in enumerate(decision.rows) if each[0] not in kept_places]
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
