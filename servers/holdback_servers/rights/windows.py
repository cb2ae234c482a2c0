"""Windows of time as plain pairs of integers, for the rules' inner loops. Pure.

A window is `[start, end)` in microseconds of UTC since 1970. `EVER` stands for a start that is absent and `OPEN` for an
end that is absent; neither leaves this room: on the wire an absent end is absent. A set of windows is a sorted tuple
of disjoint windows that do not touch.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from holdback_base.vocabulary import TimeRange

Window = tuple[int, int]
Windows = tuple[Window, ...]

OPEN: Final = 1 << 62
EVER: Final = -(1 << 62)
NEVER: Final[Window] = (EVER, EVER)
"""A window without any instant."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def point(moment: datetime) -> int:
    """Microseconds since 1970 of an instant."""
    return (moment - _EPOCH) // _MICROSECOND


def window(start: datetime | None, end: datetime | None) -> Window:
    """The window from one instant to another; an absent start is `EVER`, an absent end `OPEN`. One that ends before it
    begins, or as it does, is `NEVER`."""
    if start is not None and end is not None and end <= start:
        return NEVER
    return (EVER if start is None else point(start), OPEN if end is None else point(end))


def instant(at: int) -> datetime | None:
    """The instant of a point, or nothing for `EVER` and `OPEN`."""
    return None if at in (EVER, OPEN) else _EPOCH + at * _MICROSECOND


@lru_cache(maxsize=4096)
def ranges(windows: Windows) -> tuple[TimeRange, ...]:
    """The wire's form. Every window must have a start, as all that lie in a requested window do."""
    return tuple(TimeRange(start=_EPOCH + start * _MICROSECOND, end=instant(end)) for start, end in windows)


def joined(windows: Iterable[Window]) -> Windows:
    """The same instants, sorted, disjoint, with touching windows made one."""
    result: list[Window] = []
    for start, end in sorted(windows):
        if result and start <= result[-1][1]:
            if end > result[-1][1]:
                result[-1] = (result[-1][0], end)
        elif start < end:
            result.append((start, end))
    return tuple(result)


def shared(left: Windows, right: Windows) -> Windows:
    """Instants that are in both sets."""
    if left == right:
        return left
    result: list[Window] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            result.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def without(left: Windows, right: Windows) -> Windows:
    """Instants of the left set that are not in the right one."""
    result: list[Window] = []
    for start, end in left:
        for cut_start, cut_end in right:
            if cut_end <= start:
                continue
            if cut_start >= end:
                break
            if start < cut_start:
                result.append((start, cut_start))
            start = cut_end
            if start >= end:
                break
        if start < end:
            result.append((start, end))
    return tuple(result)


def clipped(one: Window, to: Window) -> Windows:
    """What of one window lies in another: one window or none."""
    start, end = max(one[0], to[0]), min(one[1], to[1])
    return ((start, end),) if start < end else ()
