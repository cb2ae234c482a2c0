"""One channel while it is planned: what stands where, and what it costs to make room at each column. Pure."""

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import Final

import numpy as np

from holdback_servers.schedule.plans.columns import Columns, Ints
from holdback_servers.schedule.plans.tasks import Option

FULL: Final = 1 << 60
"""The price of room that cannot be made."""
_TITLE: Final = "title"
_SPONSOR: Final = "sponsor"
_AT_ONCE: Final = 24
"""More changes than this are worked in together, fewer one by one."""


@dataclass(eq=False)
class Entry:
    """A task in its place. `worth` is what it brings there, `price` what is lost by moving it away, 1 at least."""

    task: int
    option: Option
    column: int
    start: int
    until: int
    day: int
    worth: int
    price: int


class Lane:
    """What stands on one channel, in order of start."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.times: list[int] = columns.times.tolist()
        self.days: list[int] = columns.days.tolist()
        self.cap = columns.channel.daily_cap
        self.order: list[tuple[int, int]] = []
        self.entries: dict[int, Entry] = {}
        self.by_day: dict[int, dict[int, Entry]] = {}
        self.titles: dict[str, dict[int, Entry]] = {}
        self.sponsors: dict[str, dict[int, Entry]] = {}
        self._longest = 0
        self._fixed: list[int] = columns.fixed_by_day.tolist()
        self._log: list[tuple[int, int, int]] = []
        self._costs: dict[int, tuple[int, Ints]] = {}
        self._logs: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        self._beyonds: dict[tuple[str, str, int], tuple[int, Ints]] = {}
        self._known_edges: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        self._day_cost = np.zeros(columns.count, np.int64)
        self._day_columns = np.searchsorted(columns.times, columns.day_starts).tolist()

    # --- changes

    def add(self, entry: Entry) -> None:
        """Put an entry in its place, which must be free."""
        self.entries[entry.task] = entry
        insort(self.order, (entry.start, entry.task))
        wish = entry.option.wish
        self.by_day.setdefault(entry.day, {})[entry.task] = entry
        self.titles.setdefault(wish.title, {})[entry.task] = entry
        if wish.sponsor:
            self.sponsors.setdefault(wish.sponsor, {})[entry.task] = entry
        self._longest = max(self._longest, entry.until - entry.start)
        self._note(entry, entry.price)
        self._price_day(entry.day)

    def remove(self, task: int) -> Entry:
        """Take an entry away."""
        entry = self.entries.pop(task)
        del self.order[bisect_left(self.order, (entry.start, task))]
        wish = entry.option.wish
        del self.by_day[entry.day][task]
        del self.titles[wish.title][task]
        if wish.sponsor:
            del self.sponsors[wish.sponsor][task]
        self._note(entry, -entry.price)
        self._price_day(entry.day)
        return entry

    def reprice(self, entry: Entry, price: int) -> None:
        """Say anew what is lost by moving an entry away."""
        if price != entry.price:
            self._note(entry, price - entry.price)
            entry.price = price
            self._price_day(entry.day)

    def _note(self, entry: Entry, price: int) -> None:
        news, wish = (entry.column, entry.until - entry.start, price), entry.option.wish
        self._log.append(news)
        self._logs.setdefault((_TITLE, wish.title), []).append(news)
        if wish.sponsor:
            self._logs.setdefault((_SPONSOR, wish.sponsor), []).append(news)

    def _price_day(self, day: int) -> None:
        if self.cap is None:
            return
        there = self.by_day.get(day, {})
        full = self._fixed[day] + len(there) >= self.cap
        cost = min((each.price for each in there.values()), default=FULL) if full else 0
        self._day_cost[self._day_columns[day] : self._day_columns[day + 1]] = cost

    # --- questions

    def costs(self, option: Option) -> Ints:
        """For each of the option's columns the price of the room: 0 exactly where it is free."""
        length, low, high = option.wish.length, option.low, option.high
        found = self._base(length)[low:high]
        if self.cap is not None:
            found = np.maximum(found, self._day_cost[low:high])
        wish = option.wish
        if self.columns.separation and self.titles.get(wish.title):
            found = found + self._beyond(_TITLE, wish.title, length, self.columns.separation)[low:high]
        if wish.sponsor and self.columns.sponsor_gap and self.sponsors.get(wish.sponsor):
            found = found + self._beyond(_SPONSOR, wish.sponsor, length, self.columns.sponsor_gap)[low:high]
        return found

    def _beyond(self, kind: str, name: str, length: int, apart: int) -> Ints:
        """What the same titles or competing sponsors cost at columns that are not too near to them anyway."""
        seen, costs = self._beyonds.get((kind, name, length), (0, None))
        if costs is None:
            costs = np.zeros(self.columns.count, np.int64)
        log = self._logs[kind, name]
        for column, taken, price in log[seen:]:
            low, high = self.zone(column, taken, length)
            wide = (0, 0) if kind == _TITLE else (length, taken)
            first, last = self.edges(wide[0], apart)[0][column], self.edges(wide[1], apart)[1][column]
            if first < low:
                costs[first:low] += price
            if high < last:
                costs[high:last] += price
        self._beyonds[kind, name, length] = (len(log), costs)
        return costs

    def zone(self, column: int, taken: int, length: int) -> tuple[int, int]:
        """The columns `[low, high)` from which something of this length is too near to what takes so much there."""
        return self.edges(length, self.columns.gap)[0][column], self.edges(taken, self.columns.gap)[1][column]

    def edges(self, length: int, apart: int) -> tuple[list[int], list[int]]:
        """For each column the first from which so much runs too near to it, and the first far enough after so much."""
        found = self._known_edges.get((length, apart))
        if found is None:
            times = self.columns.times
            own = np.arange(len(times))
            low = np.minimum(own, np.searchsorted(times, times - length - apart, "right"))
            high = np.maximum(own + 1, np.searchsorted(times, times + length + apart, "left"))
            self._known_edges[length, apart] = found = (low.tolist(), high.tolist())
        return found

    def _base(self, length: int) -> Ints:
        seen, costs = self._costs.get(length, (-1, self.columns.times))
        news = len(self._log) - seen
        if seen < 0 or news > _AT_ONCE:
            costs = self._rebuilt(length)
        else:
            lows, gap = self.edges(length, self.columns.gap)[0], self.columns.gap
            for column, taken, price in self._log[seen:]:
                costs[lows[column] : self.edges(taken, gap)[1][column]] += price
        if news:
            self._costs[length] = (len(self._log), costs)
        return costs

    def _rebuilt(self, length: int) -> Ints:
        count = self.columns.count
        there = list(self.entries.values())
        starts = np.array([each.start for each in there], np.int64)
        untils = np.array([each.until for each in there], np.int64)
        prices = np.array([each.price for each in there], np.int64)
        low, high = self.columns.zones(starts, untils, length, self.columns.gap)
        edges = np.zeros(count + 1, np.int64)
        np.add.at(edges, low, prices)
        np.subtract.at(edges, high, prices)
        return np.cumsum(edges[:count])

    def in_the_way(self, option: Option, column: int) -> list[Entry]:
        """What must go for the option to start at the column; of a full day also what costs least."""
        wish, columns = option.wish, self.columns
        start = self.times[column]
        until = start + wish.length
        found = {each.task: each for each in self._near(start, until)}
        if columns.separation:
            for each in self.titles.get(wish.title, {}).values():
                if abs(each.start - start) < columns.separation:
                    found[each.task] = each
        if wish.sponsor and columns.sponsor_gap:
            for each in self.sponsors.get(wish.sponsor, {}).values():
                if max(start - each.until, each.start - until) < columns.sponsor_gap:
                    found[each.task] = each
        if self.cap is not None:
            day = self.days[column]
            there = self.by_day.get(day, {})
            left = [each for each in there.values() if each.task not in found]
            if self._fixed[day] + len(left) >= self.cap and left:
                cheapest = min(left, key=lambda each: (each.price, each.worth, each.task))
                found[cheapest.task] = cheapest
        return list(found.values())

    def _near(self, start: int, until: int) -> list[Entry]:
        gap = self.columns.gap
        first = bisect_left(self.order, (start - gap - self._longest, -1))
        found: list[Entry] = []
        for at, task in self.order[first:]:
            if at > until + gap:
                break
            each = self.entries[task]
            overlaps = at == start or (start < each.until and at < until)
            if overlaps or max(start - each.until, at - until) < gap:
                found.append(each)
        return found
