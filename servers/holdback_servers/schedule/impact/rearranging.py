"""The least disturbance: places for all that must leave their own, so that fewest are lost and they move least. Pure.

Each unit is first placed as if it were alone. Where places do not go together their units are solved together, and so
on until all go together: what is best for each group is then best for all (Standley 2010, independence detection).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from holdback_servers.schedule.constraints import Placed
from holdback_servers.schedule.impact.places import Beside, Place, Places, stands_in_the_way

_PATIENCE = 4000
"""How many places of a group are judged against others once it has a solution; then that solution is taken."""
_TOGETHER = 100
"""More units than these that do not go together are placed one after the other."""
Cost = tuple[int, int, int, int]
"""Units lost, the priorities lost, seconds moved, and reach, which counts the less the more there is."""
_NOTHING: Cost = (0, 0, 0, 0)


@dataclass(frozen=True)
class Rearranged:
    """A place for each unit by the id of its leader, None where there is none; `least` is no when a search was cut."""

    places: Mapping[str, Place | None]
    least: bool


@dataclass
class _Group:
    """Units that are placed together, the weightiest first."""

    units: list[Places]
    chosen: list[Place | None] = field(default_factory=list["Place | None"])
    least: bool = True

    def room(self) -> list[Placed]:
        """What its chosen places take up."""
        return [room for place in self.chosen if place is not None for room in place.room]


def rearrange(units: Sequence[Places]) -> Rearranged:
    """Places for all the units of one channel that keep every rule together."""
    groups = [_solved([unit]) for unit in units]
    while len(clusters := _clusters(groups)) < len(groups):
        groups = [
            cluster[0] if len(cluster) == 1 else _solved([unit for group in cluster for unit in group.units])
            for cluster in clusters
        ]
    places = {
        unit.unit.leader.id: place for group in groups for unit, place in zip(group.units, group.chosen, strict=True)
    }
    return Rearranged(places, all(group.least for group in groups))


def _clusters(groups: Sequence[_Group]) -> list[list[_Group]]:
    """The groups, those together whose places do not go together."""
    owner = {room.id: index for index, group in enumerate(groups) for room in group.room()}
    cluster = {index: [index] for index in range(len(groups))}
    for index, others in _clashes(groups):
        for other in {owner[each] for each in others if each in owner} - set(cluster[index]):
            merged = cluster[index] + cluster[other]
            cluster |= dict.fromkeys(merged, merged)
    unique = {id(members): members for members in cluster.values()}
    return [[groups[index] for index in members] for members in unique.values()]


def _clashes(groups: Sequence[_Group]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The groups with a place that is refused because of the others' places, and what stands in its way."""
    taken = [(index, room) for index, group in enumerate(groups) for room in group.room()]
    for index, group in enumerate(groups):
        others = [room for other, room in taken if other != index]
        for unit, place in zip(group.units, group.chosen, strict=True):
            if place is None or not others:
                continue
            stop = stands_in_the_way(Beside(unit.books, others), unit.unit, place, unit.now)
            if stop is not None:
                yield index, stop.others


def _solved(units: Sequence[Places]) -> _Group:
    ordered = sorted(units, key=lambda each: (-each.unit.leader.details.priority, each.unit.leader.start))
    if len(ordered) > _TOGETHER:
        return _Group(ordered, _first_free(ordered), least=False)
    search = _Search(ordered)
    search.descend(0, [], _NOTHING)
    return _Group(ordered, search.best, search.judged <= _PATIENCE)


def _first_free(units: Sequence[Places]) -> list[Place | None]:
    """For one unit after the other the nearest place that those before it leave free."""
    chosen: list[Place | None] = []
    for unit in units:
        around = Beside(unit.books, [room for place in chosen if place is not None for room in place.room])
        rank = 0
        while (place := unit.get(rank)) is not None:
            if stands_in_the_way(around, unit.unit, place, unit.now) is None:
                break
            rank += 1
        chosen.append(place)
    return chosen


class _Search:
    """Branch and bound over the places of some units, each one's nearest first."""

    def __init__(self, units: Sequence[Places]) -> None:
        self._units = units
        self.best: list[Place | None] = []
        self._best_cost: Cost | None = None
        self.judged = 0
        self._ahead: list[Cost] = [_NOTHING]
        for unit in reversed(units):
            self._ahead.insert(0, _plus(self._ahead[0], _cost(unit, unit.get(0))))

    def descend(self, depth: int, chosen: list[Place | None], cost: Cost) -> None:
        """Try everything for the units from this depth on that may be better than the best so far."""
        if not self._promising(_plus(cost, self._ahead[depth])):
            return
        if depth == len(self._units):
            self.best, self._best_cost = list(chosen), cost
            return
        unit, rank = self._units[depth], 0
        taken = [room for place in chosen if place is not None for room in place.room]
        around = Beside(unit.books, taken)
        while (place := unit.get(rank)) is not None:
            with_it = _plus(cost, _cost(unit, place))
            if not self._promising(_plus(with_it, self._ahead[depth + 1])):
                break
            self.judged += 1
            if stands_in_the_way(around, unit.unit, place, unit.now) is None:
                self.descend(depth + 1, [*chosen, place], with_it)
            rank += 1
        self.descend(depth + 1, [*chosen, None], _plus(cost, _cost(unit, None)))

    def _promising(self, cost: Cost) -> bool:
        if self._best_cost is None:
            return True
        return cost < self._best_cost and self.judged <= _PATIENCE


def _cost(unit: Places, place: Place | None) -> Cost:
    if place is None:
        return (1, unit.unit.leader.details.priority, 0, 0)
    return (0, 0, place.moved, -place.reach)


def _plus(one: Cost, other: Cost) -> Cost:
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3])
