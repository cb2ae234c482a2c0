"""What really was seen refines the curve that a channel was given, and says how sure it is. Pure.

Audiences are set against the curve in the unit of its best hour: one factor for the whole channel makes the usual
audiences of the hours that were seen agree with it in sum. What an hour then shows above or below its curve moves it;
the hours beside it count half, each for two audiences at most. The curve itself weighs as much as six audiences, so
that a single night changes little (shrinkage towards a prior), and hours that nobody measured stay as they were given.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import sqrt
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field

from holdback_servers.schedule.asrun_nouns import ReachSample
from holdback_servers.schedule.broadcast_time import WEEKDAYS
from holdback_servers.schedule.channel import ReachCurve

Each = TypeVar("Each")
_WEEK: Final = 7 * 24
_PRIOR: Final = 6.0
"""How many audiences the given curve weighs."""
_BESIDE: Final = 0.5
"""What an audience in the hour before or after weighs."""
_BESIDE_AT_MOST: Final = 2.0
"""What all of them in such an hour weigh together at most."""
_UNKNOWN_SPREAD: Final = 20.0
"""Points by which audiences of one hour are taken to differ while no hour has two."""
_NOBODY: Final = 1e-6
"""Audiences that are usually smaller than this are none, in whatever unit they come."""
_SURE: Final = 1.96
"""Standard deviations to each side that hold 95 of 100 (normal distribution)."""


class RefinedCurve(ReachCurve):
    """A reach curve with what was seen: its source names both.

    By weekday and hour: `counts` are the audiences that were measured in it, `likely` the range, from 0 to 100, that
    holds its true number 19 times of 20 if audiences of an hour differ as those that were measured do.
    """

    counts: dict[str, tuple[int, ...]] = Field(repr=False)
    likely: dict[str, tuple[tuple[int, int], ...]] = Field(repr=False)

    def told(self, local: datetime) -> str:
        """The source, how many audiences speak of this hour, and between what its number likely lies."""
        day = WEEKDAYS[local.weekday()]
        low, high = self.likely[day][local.hour]
        count = self.counts[day][local.hour]
        seen = f"{count} audience{'' if count == 1 else 's'} in this hour"
        return f"{self.source}; {seen}, likely {low} to {high}"


def refined(curve: ReachCurve, samples: Iterable[ReachSample], zone: ZoneInfo) -> ReachCurve:
    """The curve refined by audiences at instants, on the channel's clocks; the same curve when there are none.

    Audiences of nothing at all say nothing about hours, and leave it as it is as well.
    """
    known = list(samples)
    prior = [number for day in WEEKDAYS for number in curve.hours[day]]
    hours: list[list[float]] = [[] for _ in range(_WEEK)]
    for sample in known:
        local = sample.at.astimezone(zone)
        hours[24 * local.weekday() + local.hour].append(sample.audience)
    expected = sum(prior[hour] for hour, seen in enumerate(hours) if seen)
    usual = sum(sum(seen) / len(seen) for seen in hours if seen)
    if usual < _NOBODY or not expected:
        return curve
    factor = expected / usual
    above = [[factor * audience - prior[hour] for audience in seen] for hour, seen in enumerate(hours)]
    moved, weights = _moved(prior, above)
    best = max(moved)
    spread = _spread(above)
    likely: list[tuple[int, int]] = []
    for number, weight in zip(moved, weights, strict=True):
        half = _SURE * spread / sqrt(_PRIOR + weight)
        likely.append((_index(number - half, best), _index(number + half, best)))
    return RefinedCurve(
        source=f"{curve.source}, refined by {_told(known, zone)}",
        hours=_by_day([_index(number, best) for number in moved]),
        counts=_by_day([len(seen) for seen in hours]),
        likely=_by_day(likely),
    )


def _moved(prior: Sequence[int], above: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    """Each hour's number, and how many audiences speak of it, those beside it counted half."""
    moved: list[float] = []
    weights: list[float] = []
    for hour, given in enumerate(prior):
        beside = [seen for seen in (above[hour - 1], above[(hour + 1) % _WEEK]) if seen]
        near = [(seen, min(_BESIDE * len(seen), _BESIDE_AT_MOST)) for seen in beside]
        near += [(above[hour], float(len(above[hour])))] if above[hour] else []
        weight = sum(each for _, each in near)
        away = sum(each * sum(seen) / len(seen) for seen, each in near)
        moved.append(max(0.0, given + away / (_PRIOR + weight)))
        weights.append(weight)
    return moved, weights


def _spread(above: Sequence[Sequence[float]]) -> float:
    """By how much audiences of one hour differ: the standard deviation within hours, pooled over all of them."""
    free = sum(len(seen) - 1 for seen in above if len(seen) > 1)
    if not free:
        return _UNKNOWN_SPREAD
    squares = sum((each - sum(seen) / len(seen)) ** 2 for seen in above if len(seen) > 1 for each in seen)
    return sqrt(squares / free)


def _index(number: float, best: float) -> int:
    """From 0 to 100, where 100 is the best hour."""
    return min(100, max(0, round(100 * number / best)))


def _by_day(week: Sequence[Each]) -> dict[str, tuple[Each, ...]]:
    return {day: tuple(week[24 * n : 24 * n + 24]) for n, day in enumerate(WEEKDAYS)}


def _told(samples: Sequence[ReachSample], zone: ZoneInfo) -> str:
    days = sorted(each.at.astimezone(zone).date() for each in samples)
    count = f"{len(samples)} audience{'' if len(samples) == 1 else 's'}"
    return f"{count} of {days[0]}" if days[0] == days[-1] else f"{count} from {days[0]} to {days[-1]}"
