"""Where a shot was used: on paper, and by looking, since copies lose their papers.

By looking, a use is a run: pictures of one version that are alike to pictures of another, in the same order and the
same time apart. Single pictures that are alike prove nothing; black and empty ones are never kept.
"""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, select

from holdback_servers.assets.likeness import ALIKE, Pairs, Seen, pairs
from holdback_servers.assets.tables import versions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_PICTURES = 3
"""Pictures that a run has at least."""
_DRIFT = 0.3
"""Seconds by which pictures of one run may lie off: both sides are looked at a few times a second, at times of their
own."""
_GAP = 1.6
"""Seconds of a run without a picture that is alike: fast motion is missed between two looks."""
_CLEARLY = 2.0
"""Bits of 64, in the mean, by which a run is clearly nearer than another."""
_MOST_PAIRS = 400_000


@dataclass(frozen=True)
class Run:
    """Frames of a version that show frames of the one asked for, half-open, both sides at their own rates.

    The ends are told to about a quarter of a second, by how often pictures are looked at. `apart` is the mean of the
    bits of 64 that differ.
    """

    version_id: str
    in_frame: int
    out_frame: int
    of_in: int
    of_out: int
    pictures: int
    apart: float


def runs(connection: Connection, asked: Seen, rate: float, seen: Seen, *, without: frozenset[str]) -> list[Run]:
    """Where the pictures asked for are seen again, in rising order of version and frame.

    Args:
        asked: pictures of one version, in order.
        rate: its frames a second.
        without: versions that are not looked at, such as its own.
    """
    import numpy as np

    looked = asked.some()
    found = pairs(looked, seen, within=ALIKE)
    if not len(found.asked):
        return []
    codes = seen.codes[found.seen]
    names, counts = np.unique(codes, return_counts=True)
    often = [int(c) for c, n in zip(names, counts, strict=True) if n >= LEAST_PICTURES]
    wanted = [code for code in often if seen.versions[code] not in without]
    rates = _rates(connection, [seen.versions[code] for code in wanted])
    result: list[Run] = []
    for code in wanted:
        version = seen.versions[code]
        if version in rates:
            mask = np.flatnonzero(codes == code)[:_MOST_PAIRS]
            some = Pairs(found.asked[mask], found.seen[mask], found.apart[mask])
            ours, theirs = looked.frames[some.asked] / rate, seen.frames[some.seen] / rates[version]
            result += _uses([_run(version, each, looked, seen, some) for each in _apart(ours, theirs, some)])
    return sorted(result, key=lambda each: (each.version_id, each.in_frame))


def _uses(found: list[Run]) -> list[Run]:
    """The runs in one version without those that only look alike: half of what they show, or more, is seen clearly
    nearer elsewhere in it. A camera that stands still sees much the same in every shot."""

    def only_alike(run: Run) -> bool:
        length = run.of_out - run.of_in
        return any(
            each.apart + _CLEARLY < run.apart
            and 2 * (min(each.of_out, run.of_out) - max(each.of_in, run.of_in)) >= length
            for each in found
        )

    return [run for run in found if not only_alike(run)]


def _rates(connection: Connection, version_ids: list[str]) -> dict[str, float]:
    query = select(versions.c.id, versions.c.rate).where(versions.c.id.in_(bindparam("ids", expanding=True)))
    found: dict[str, float] = {}
    for begin in range(0, len(version_ids), 500):
        for row in connection.execute(query, {"ids": version_ids[begin : begin + 500]}):
            num, _, den = str(row.rate).partition("/")
            found[str(row.id)] = int(num) / int(den or 1)
    return found


def _apart(ours: "NDArray[np.float64]", theirs: "NDArray[np.float64]", found: Pairs) -> "list[NDArray[Any]]":
    """Runs in one version: pairs the same time apart, the longest runs first, each time in one run only.

    Args:
        ours, theirs: seconds of both sides of each pair.
    """
    import numpy as np

    order = np.argsort(theirs - ours, kind="stable")
    ends = [0, *(np.flatnonzero(np.diff((theirs - ours)[order]) > _DRIFT / 2) + 1).tolist(), len(order)]
    candidates: list[NDArray[Any]] = []
    for begin, end in itertools.pairwise(ends):
        for group in _narrow(order[begin:end], theirs - ours):
            candidates += _unbroken(group, ours)
    spans = [(float(theirs[each].min()), float(theirs[each].max())) for each in candidates]
    lengths = [min(len(np.unique(ours[each])), len(np.unique(theirs[each]))) for each in candidates]
    best_first = sorted(range(len(candidates)), key=lambda n: (-lengths[n], found.apart[candidates[n]].mean()))
    taken: list[int] = []
    for n in best_first:
        low, high = spans[n]
        if lengths[n] >= LEAST_PICTURES and all(high < spans[m][0] or spans[m][1] < low for m in taken):
            taken.append(n)
    return [candidates[n] for n in taken]


def _narrow(group: "NDArray[Any]", offset: "NDArray[np.float64]") -> "list[NDArray[Any]]":
    """Parts of a group, in order of offset, none wider than what may lie off."""
    import numpy as np

    if not len(group) or offset[group[-1]] - offset[group[0]] <= _DRIFT * 2:
        return [group] if len(group) else []
    steps = np.floor((offset[group] - offset[group[0]]) / _DRIFT).astype(np.int64)
    return [group[(steps == step) | (steps == step + 1)] for step in np.unique(steps)]


def _unbroken(group: "NDArray[Any]", ours: "NDArray[np.float64]") -> "list[NDArray[Any]]":
    import numpy as np

    in_time = group[np.argsort(ours[group], kind="stable")]
    breaks = np.flatnonzero(np.diff(ours[in_time]) > _GAP) + 1
    return [part for part in np.split(in_time, breaks) if len(part) >= LEAST_PICTURES]


def _run(version: str, rows: "NDArray[Any]", asked: Seen, seen: Seen, found: Pairs) -> Run:
    import numpy as np

    ours, theirs = asked.frames[found.asked[rows]], seen.frames[found.seen[rows]]
    return Run(
        version,
        int(theirs.min()),
        int(theirs.max()) + 1,
        int(ours.min()),
        int(ours.max()) + 1,
        min(len(np.unique(ours)), len(np.unique(theirs))),
        round(float(found.apart[rows].mean()), 1),
    )
