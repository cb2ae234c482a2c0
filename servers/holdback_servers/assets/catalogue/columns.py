"""What filters and counts go by, of every asset, as columns in memory: brought up to date with each question."""

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from holdback_servers.assets.search import Choice, Range

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MEASURES = ("frames_a_second", "seconds", "width", "height", "at")
_WORDS = ("kind", "status", "rate")
_OF_FIELD = {"rate": "frames_a_second", "date": "at"}


@dataclass(frozen=True)
class Summaries:
    """The columns, by the number of the asset; number 0 is nobody. Never changed once made."""

    change: int
    measures: "dict[str, NDArray[np.float64]]"
    words: "dict[str, NDArray[np.int16]]"
    names: dict[str, tuple[str, ...]]
    known: "NDArray[np.bool_]"

    def passing(self, test: Range | Choice) -> "NDArray[np.bool_]":
        """Which assets pass a test of kind, status, rate or what is measured."""
        import numpy as np

        if isinstance(test, Choice):
            return self.any_of(test.field, (test.value,))
        values = self.measures[_OF_FIELD.get(test.field, test.field)]
        passed = self.known.copy()
        if test.low is not None:
            passed &= (values >= test.low) if test.low_counts else (values > test.low)
        if test.high is not None:
            passed &= (values <= test.high) if test.high_counts else (values < test.high)
        return np.asarray(passed)

    def any_of(self, column: str, values: tuple[str, ...]) -> "NDArray[np.bool_]":
        """Which assets have one of these kinds, statuses or rates."""
        import numpy as np

        codes = [self.names[column].index(value) for value in values if value in self.names[column]]
        return self.known & np.isin(self.words[column], codes)

    @staticmethod
    def measured(name: str) -> bool:
        """Whether a field is one of these columns."""
        return _OF_FIELD.get(name, name) in _MEASURES


@dataclass
class Columns:
    """Keeps the summaries of one store. What changed is read in the snapshot of whoever asks."""

    _held: Summaries | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, connection: Connection) -> Summaries:
        """The summaries as they stand; another question's snapshot may be newer than this one's."""
        with self._lock:
            seen = -1 if self._held is None else self._held.change
            newest = connection.execute(text("SELECT COALESCE(MAX(change), 0) FROM summaries")).scalar_one()
            if self._held is None or newest > seen:
                query = text("SELECT * FROM summaries WHERE change > :seen")
                self._held = _merged(self._held, connection.execute(query, {"seen": seen}).mappings().all(), newest)
            return self._held


def _merged(held: Summaries | None, rows: Any, change: int) -> Summaries:
    import numpy as np

    numbers = np.array([row["number"] for row in rows], dtype=np.int64)
    size = max(int(numbers.max(initial=0)) + 1, 1 if held is None else len(held.known))
    measures = {name: np.zeros(size) for name in _MEASURES}
    words = {name: np.zeros(size, dtype=np.int16) for name in _WORDS}
    names = {name: () if held is None else held.names[name] for name in _WORDS}
    known = np.zeros(size, dtype=np.bool_)
    if held is not None:
        known[: len(held.known)] = held.known
        for name in _MEASURES:
            measures[name][: len(held.known)] = held.measures[name]
        for name in _WORDS:
            words[name][: len(held.known)] = held.words[name]
    known[numbers] = True
    for name in _MEASURES:
        measures[name][numbers] = [row[name] for row in rows]
    for name in _WORDS:
        given = [row[name] for row in rows]
        names[name] += tuple(sorted(set(given) - set(names[name])))
        code = {value: place for place, value in enumerate(names[name])}
        words[name][numbers] = [code[value] for value in given]
    return Summaries(change, measures, words, names, known)
