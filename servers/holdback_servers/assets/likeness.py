"""Which pictures of the library are alike: by perceptual hashes, whatever a file is called and where it came from.

All hashes are held in memory, 20 bytes a picture, and compared one by one: a million in some milliseconds. What has
come since is read with each question.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdback_base.database import hidden_stories
from sqlalchemy import Connection, select

from holdback_servers.assets.tables import pictures_seen, versions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIKE = 10
"""Bits of 64 in which pictures differ at most that are taken to be alike; unrelated ones differ in about 32."""
MOST_ASKED = 240
"""Pictures of one question that are compared; of more, so many spread evenly."""
_AT_ONCE = 200_000


@dataclass(frozen=True)
class Seen:
    """Every picture of the library: `codes` name its version by its place in `versions`. Never changed once made."""

    last: int
    versions: tuple[str, ...]
    codes: "NDArray[np.int32]"
    frames: "NDArray[np.int64]"
    hashes: "NDArray[np.uint64]"

    def of(self, version_id: str, start: int = 0, end: int | None = None) -> "Seen":
        """The pictures of one version, or of its frames `[start, end)`, in order."""
        import numpy as np

        if version_id not in self.versions:
            wanted = np.zeros(0, dtype=np.int64)
        else:
            mask = (self.codes == self.versions.index(version_id)) & (self.frames >= start)
            wanted = np.flatnonzero(mask if end is None else mask & (self.frames < end))
            wanted = wanted[np.argsort(self.frames[wanted], kind="stable")]
        return Seen(self.last, self.versions, self.codes[wanted], self.frames[wanted], self.hashes[wanted])

    def without(self, versions: frozenset[str]) -> "Seen":
        """All but the pictures of these versions."""
        import numpy as np

        left_out = np.array([each in versions for each in self.versions] or [False])
        kept = ~left_out[self.codes]
        return Seen(self.last, self.versions, self.codes[kept], self.frames[kept], self.hashes[kept])

    def some(self, most: int = MOST_ASKED) -> "Seen":
        """At most so many of the pictures, spread evenly."""
        import numpy as np

        if len(self.frames) <= most:
            return self
        wanted = np.linspace(0, len(self.frames) - 1, most).astype(np.int64)
        return Seen(self.last, self.versions, self.codes[wanted], self.frames[wanted], self.hashes[wanted])


@dataclass
class Pictures:
    """Keeps the pictures of one store in memory."""

    _held: Seen | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, connection: Connection) -> Seen:
        """The pictures as they stand, without those that whoever asks may not know of."""
        with self._lock:
            held = self._held
            last = 0 if held is None else held.last
            query = (
                select(pictures_seen.c.seq, pictures_seen.c.version_id, pictures_seen.c.frame, pictures_seen.c.hash)
                .where(pictures_seen.c.seq > last)
                .order_by(pictures_seen.c.seq)
            )
            rows = connection.execute(query).all()
            if rows or held is None:
                held = self._held = _merged(held, rows)
        return held.without(_closed_versions(connection)) if hidden_stories(connection) else held


def _closed_versions(connection: Connection) -> frozenset[str]:
    """The versions with pictures that are of assets closed to whoever asks: they are not among those they may see."""
    looked_at = set(connection.execute(select(pictures_seen.c.version_id).distinct()).scalars())
    return frozenset(looked_at - set(connection.execute(select(versions.c.id)).scalars()))


def _merged(held: Seen | None, rows: Sequence[Any]) -> Seen:
    import numpy as np

    code = {version: place for place, version in enumerate(() if held is None else held.versions)}
    codes = np.array([code.setdefault(row.version_id, len(code)) for row in rows], dtype=np.int32)
    frames = np.array([row.frame for row in rows], dtype=np.int64)
    hashes = np.array([row.hash for row in rows], dtype=np.int64).view(np.uint64)
    if held is not None:
        codes = np.concatenate((held.codes, codes))
        frames, hashes = np.concatenate((held.frames, frames)), np.concatenate((held.hashes, hashes))
    return Seen(rows[-1].seq if rows else 0, tuple(code), codes, frames, hashes)


@dataclass(frozen=True)
class Pairs:
    """Pictures that are alike: which of those asked for, which of those seen, and the bits that differ."""

    asked: "NDArray[np.int64]"
    seen: "NDArray[np.int64]"
    apart: "NDArray[np.uint8]"


def pairs(asked: Seen, seen: Seen, *, within: int = ALIKE) -> Pairs:
    """Every picture that is seen and differs from one that is asked for in at most so many bits."""
    import numpy as np

    found: list[tuple[int, NDArray[np.int64], NDArray[np.uint8]]] = []
    for begin in range(0, len(seen.hashes), _AT_ONCE):
        part = seen.hashes[begin : begin + _AT_ONCE]
        for place, value in enumerate(asked.hashes):
            apart = np.bitwise_count(part ^ value)
            near = np.flatnonzero(apart <= within)
            if len(near):
                found.append((place, near + begin, apart[near]))
    if not found:
        empty = np.zeros(0, dtype=np.int64)
        return Pairs(empty, empty, np.zeros(0, dtype=np.uint8))
    return Pairs(
        np.concatenate([np.full(len(near), place, dtype=np.int64) for place, near, _ in found]),
        np.concatenate([near for _, near, _ in found]),
        np.concatenate([apart for _, _, apart in found]),
    )


@dataclass(frozen=True)
class Alike:
    """The picture of a version that is nearest to one that was asked for."""

    version_id: str
    frame: int
    apart: int
    of_frame: int


def nearest_of_each(asked: Seen, seen: Seen, *, without: frozenset[str], within: int = ALIKE) -> list[Alike]:
    """Of each version the picture that is nearest to any that is asked for, the nearest version first."""
    found = pairs(asked.some(), seen, within=within)
    best: dict[str, Alike] = {}
    for place, row, apart in zip(found.asked.tolist(), found.seen.tolist(), found.apart.tolist(), strict=True):
        version = seen.versions[int(seen.codes[row])]
        if version not in without and (version not in best or apart < best[version].apart):
            best[version] = Alike(version, int(seen.frames[row]), apart, int(asked.frames[place]))
    return sorted(best.values(), key=lambda each: (each.apart, each.version_id, each.frame))
