"""Why something did not fit: what each rule refuses in the finished plan, and what single change makes room. Pure.

A start breaks some of the rules; where it breaks just one, taking that one away is a cure. The best start of each such
rule is told.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import numpy as np
from holdback_base.vocabulary import instant_text
from numpy.typing import NDArray

from holdback_servers.schedule.broadcast_time import local_text
from holdback_servers.schedule.constraints import Rule
from holdback_servers.schedule.plan_nouns import Cure, RuleCount, Unplaced
from holdback_servers.schedule.plans.columns import Bools, Ints, Taken
from holdback_servers.schedule.plans.lane import Lane
from holdback_servers.schedule.plans.openings import instant, micros
from holdback_servers.schedule.plans.placing import places_text
from holdback_servers.schedule.plans.tasks import Wish, candidates, cleared, follows

Bits = NDArray[np.uint16]

RULES: Final[tuple[Rule, ...]] = (
    "IN_THE_PAST",
    "TERRITORY_NOT_CLEARED",
    "OUTSIDE_CLEARED_WINDOW",
    "BLACKOUT",
    "WATERSHED",
    "FOLLOW",
    "SLOT_TAKEN",
    "TITLE_SEPARATION",
    "SPONSOR_SEPARATION",
    "MIN_GAP",
    "DAILY_CAP",
)
_BIT: Final[dict[Rule, int]] = {rule: 1 << n for n, rule in enumerate(RULES)}
_HEAVIEST: Final = 100


class Refusals:
    """One channel of the finished plan, asked why things do not fit."""

    def __init__(self, lane: Lane) -> None:
        self.lane, self.columns, self.channel = lane, lane.columns, lane.columns.channel
        planned = [
            Taken(
                each.start,
                each.until,
                each.option.wish.title,
                each.option.wish.sponsor,
                each.option.wish.item.key,
                f"{each.option.wish.item.title!r} of this plan",
            )
            for each in lane.entries.values()
        ]
        self._worth = {
            each.option.wish.item.key: each.option.wish.item.weight * int(lane.columns.reach[each.column])
            for each in lane.entries.values()
        }
        self.there = sorted([*self.columns.fixed, *planned], key=lambda each: (each.start, each.name))
        self._starts = np.array([each.start for each in self.there], np.int64)
        self._untils = np.array([each.until for each in self.there], np.int64)
        self._titles = np.array([each.title for each in self.there], np.str_)
        self._sponsors = np.array([each.sponsor for each in self.there], np.str_)
        self._by_day: Ints = self.columns.fixed_by_day.copy()
        for each in lane.entries.values():
            self._by_day[each.day] += 1
        self._plain: dict[tuple[int, bool], Bits] = {}

    def _bits(self, wish: Wish) -> Bits:
        """The rules that each column breaks for the wish."""
        columns = self.columns
        found = self._of_length(wish.length, wish.item.after_watershed).copy()
        found[~cleared(columns, wish)] |= _BIT["OUTSIDE_CLEARED_WINDOW" if wish.windows else "TERRITORY_NOT_CLEARED"]
        if wish.item.details.follows:
            found[~follows(columns, wish)] |= _BIT["FOLLOW"]
        if len(same := self._starts[self._titles == wish.title]) and columns.separation:
            found[columns.mark(*columns.near_title(same))] |= _BIT["TITLE_SEPARATION"]
        if wish.sponsor and columns.sponsor_gap:
            same = self._sponsors == wish.sponsor
            zones = columns.zones(self._starts[same], self._untils[same], wish.length, columns.sponsor_gap)
            found[columns.mark(*zones)] |= _BIT["SPONSOR_SEPARATION"]
        taken = found & _BIT["SLOT_TAKEN"] > 0
        found[taken] &= ~np.uint16(_BIT["TITLE_SEPARATION"] | _BIT["SPONSOR_SEPARATION"])
        return found

    def _of_length(self, length: int, late: bool) -> Bits:
        found = self._plain.get((length, late))
        if found is None:
            columns = self.columns
            found = np.zeros(columns.count, np.uint16)
            found[columns.past()] |= _BIT["IN_THE_PAST"]
            found[columns.blackout(length)] |= _BIT["BLACKOUT"]
            if late:
                found[columns.watershed(length)] |= _BIT["WATERSHED"]
            taken = columns.mark(*columns.zones(self._starts, self._untils, length, 0))
            near = columns.mark(*columns.zones(self._starts, self._untils, length, columns.gap))
            found[taken] |= _BIT["SLOT_TAKEN"]
            found[near & ~taken] |= _BIT["MIN_GAP"]
            if self.channel.daily_cap is not None:
                found[(self._by_day >= self.channel.daily_cap)[columns.days]] |= _BIT["DAILY_CAP"]
            self._plain[length, late] = found
        return found

    def unplaced(self, wish: Wish) -> Unplaced:
        """Why the wish has no place here, by rule, and what would give it one."""
        bits, tried = self._bits(wish), candidates(self.columns, wish)
        broken = np.bincount(bits[tried], minlength=1 << len(RULES))
        kinds = np.flatnonzero(broken)
        counts = [
            RuleCount(rule=rule, starts=int(broken[kinds[kinds & bit > 0]].sum()))
            for rule, bit in _BIT.items()
            if (kinds & bit).any()
        ]
        text, cures = self._text(wish, bits, tried, counts), tuple(self._cures(wish, bits, tried))
        if not wish.opened.groups and not wish.opened.shut:
            text = f"no asked territory is reached by {self.channel.name}"
            cures = (Cure(rule="TERRITORY_NOT_CLEARED", text="add a territory it reaches, or leave the channel out"),)
        return Unplaced(
            item=wish.item.key,
            title=wish.item.title,
            channel=self.channel.name,
            tried=int(broken.sum()),
            rules=tuple(sorted(counts, key=lambda each: (-each.starts, each.rule))),
            text=text,
            cures=cures,
        )

    def _text(self, wish: Wish, bits: Bits, tried: Bools, counts: Sequence[RuleCount]) -> str:
        if not tried.any():
            if wish.last <= wish.first:
                return "it may start only outside the time of the plan"
            return f"no start is tried between {self._local(wish.first)} and {self._local(wish.last)}"
        said = ", ".join(f"{each.rule} {each.starts}" for each in sorted(counts, key=lambda each: -each.starts))
        text = f"none of {int(tried.sum())} starts is free: {said}"
        at = self._nearest(bits, tried)
        both = [rule for rule, bit in _BIT.items() if int(bits[at]) & bit]
        if len(both) > 1:
            text = (
                f"{text}; every start breaks two rules or more, {self._local(self.lane.times[at])} {' and '.join(both)}"
            )
        return text

    def _nearest(self, bits: Bits, tried: Bools) -> int:
        """The column that breaks the fewest rules, the one of most reach among those."""
        at = np.flatnonzero(tried)
        many = np.zeros(len(at), np.int64)
        for bit in _BIT.values():
            many += bits[at] & bit > 0
        return int(at[np.argmin(many * 1000 - self.columns.reach[at])])

    # --- cures

    def _cures(self, wish: Wish, bits: Bits, tried: Bools) -> Iterator[Cure]:
        for rule, bit in _BIT.items():
            if rule == "IN_THE_PAST":
                continue
            alone = np.flatnonzero(tried & (bits == bit))
            if len(alone):
                yield self._cure(wish, rule, int(alone[np.argmax(self.columns.reach[alone])]))
        later = np.flatnonzero((bits == 0) & self.columns.common & (self.columns.times >= wish.last))
        if len(later):
            at = int(later[np.argmax(self.columns.reach[later])])
            text = f"if it may start later than {self._local(wish.last)}: {self._when(at)}"
            yield Cure(text=text, start=instant(self.lane.times[at]), reach=int(self.columns.reach[at]))

    def _cure(self, wish: Wish, rule: Rule, at: int) -> Cure:
        others = self._others(wish, rule, at)
        weight = self._weight(wish, rule, others, at)
        return Cure(
            rule=rule,
            text=f"{self._change(wish, rule, others, weight, at)}: {self._when(at)}",
            start=instant(self.lane.times[at]),
            reach=int(self.columns.reach[at]),
            others=tuple(each.name for each in others),
            weight=weight,
        )

    def _others(self, wish: Wish, rule: Rule, at: int) -> list[Taken]:
        """What stands in the way at the column under this rule."""
        start = self.lane.times[at]
        until = start + wish.length
        apart = np.maximum(start - self._untils, self._starts - until)
        overlaps = (self._starts == start) | ((start < self._untils) & (self._starts < until))
        if rule == "SLOT_TAKEN":
            found = overlaps
        elif rule == "MIN_GAP":
            found = apart < self.columns.gap
        elif rule == "TITLE_SEPARATION":
            found = (np.abs(self._starts - start) < self.columns.separation) & (self._titles == wish.title)
        elif rule == "SPONSOR_SEPARATION":
            found = (apart < self.columns.sponsor_gap) & (self._sponsors == wish.sponsor)
        elif rule == "DAILY_CAP":
            day = int(self.columns.days[at])
            bounds = self.columns.day_starts
            found = (self._starts >= bounds[day]) & (self._starts < bounds[day + 1])
        else:
            return []
        return [self.there[n] for n in np.flatnonzero(found)]

    def _weight(self, wish: Wish, rule: Rule, others: Sequence[Taken], at: int) -> int | None:
        """What it must weigh to be worth more there than what is in the way; None when no weight helps."""
        reach = int(self.columns.reach[at])
        worth = [self._worth[each.name] for each in others if each.name in self._worth]
        if not reach or not worth or (rule != "DAILY_CAP" and len(worth) < len(others)):
            return None
        needed = (min(worth) if rule == "DAILY_CAP" else sum(worth)) // reach + 1
        return needed if wish.item.weight < needed <= _HEAVIEST else None

    def _change(self, wish: Wish, rule: Rule, others: Sequence[Taken], weight: int | None, at: int) -> str:
        start = self.lane.times[at]
        if rule in ("OUTSIDE_CLEARED_WINDOW", "TERRITORY_NOT_CLEARED"):
            places = sorted(wish.opened.shut | frozenset[str]().union(*(g.territories for g in wish.opened.groups)))
            over = f"from {instant_text(instant(start))} to {instant_text(instant(start + wish.media))}"
            every = "every one of" if not self.channel.geo_blocking and len(places) > 1 else "a territory of"
            return f"with a clearance of {every} {places_text(places)} on {self.channel.platform} {over}"
        if rule == "BLACKOUT":
            reasons = [
                each.reason
                for each in self.channel.blackouts
                if _meets(each.window.start, each.window.end, start, wish)
            ]
            return f"without the blackout {', '.join(repr(each) for each in reasons)}"
        if rule == "WATERSHED":
            return "if it may be shown before the watershed"
        if rule == "FOLLOW":
            return f"with a fixed start, not following {wish.item.details.follows}"
        named = ", ".join(each.told for each in others[:3]) + (
            f" and {len(others) - 3} more" if len(others) > 3 else ""
        )
        heavier = f"; or with a weight of {weight} or more" if weight else ""
        if rule == "DAILY_CAP":
            return f"with {(self.channel.daily_cap or 0) + 1} a day on {self.channel.name}{heavier}"
        return f"if {named} moves{heavier}"

    def _when(self, at: int) -> str:
        return f"{self._local(self.lane.times[at])}, reach {int(self.columns.reach[at])}"

    def _local(self, moment: int) -> str:
        return local_text(instant(moment), self.channel.zone)


def _meets(begins: datetime, ends: datetime | None, start: int, wish: Wish) -> bool:
    begun = micros(begins) <= start or micros(begins) < start + wish.length
    return begun and (ends is None or start < micros(ends))
