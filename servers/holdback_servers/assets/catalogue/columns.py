"""What filters and counts go by, of every asset, as columns in memory: brought up to date with each question."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdback_base.database import hidden_stories
from sqlalchemy import Connection, text

from holdback_servers.assets.search import Choice, Range

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MEASURES = ("frames_a_second", "seconds", "width", "height", "at")
COUNTED = ("kind", "status", "rate")
"""Columns of words that are told."""
_WORDS = (*COUNTED, "story")
_NAMES = ", ".join(("number", *_MEASURES, *_WORDS))
_OF_FIELD = {"rate": "frames_a_second", "date": "at"}


@dataclass(frozen=True)
class Summaries:
    """The columns, by the number of the asset; number 0 is nobody. Never changed once made."""

    change: int
    measures: "dict[str, NDArray[np.float64]]"
    words: "dict[str, NDArray[np.int16]]"
    names: dict[str, tuple[str, ...]]
    known: "NDArray[np.bool_]"
    shown: "NDArray[np.bool_] | None" = None
    """Which assets there are for whoever asks, by number; None where nothing is closed to them."""
    _masks: "dict[tuple[str, tuple[str, ...]], NDArray[np.bool_]]" = field(
        default_factory=dict[tuple[str, tuple[str, ...]], "NDArray[np.bool_]"]
    )
    _left: "dict[frozenset[str], Summaries]" = field(default_factory=dict[frozenset[str], "Summaries"])
    """The same without some stories, so that their masks are worked out once too."""

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

        mask = self._masks.get((column, values))
        if mask is None:
            having = np.array([name in values for name in self.names[column]] or [False])
            mask = self._masks[column, values] = self.known & having[self.words[column]]
        return mask

    def without(self, stories: frozenset[str]) -> "Summaries":
        """The summaries as they are to whoever may not know of these stories."""
        if not stories:
            return self
        left = self._left.get(stories)
        if left is None:
            known = self.known & ~self.any_of("story", tuple(sorted(stories)))
            left = Summaries(self.change, self.measures, self.words, self.names, known, shown=known)
            self._left[stories] = left
        return left

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
        """The summaries as they stand, without what is closed to whoever asks; another question's snapshot may be newer
        than this one's."""
        with self._lock:
            seen = -1 if self._held is None else self._held.change
            newest = connection.execute(text("SELECT COALESCE(MAX(change), 0) FROM summaries")).scalar_one()
            if self._held is None or newest > seen:
                query = text(f"SELECT {_NAMES} FROM summaries WHERE change > :seen")  # noqa: S608 - names are ours
                self._held = _merged(self._held, connection.execute(query, {"seen": seen}).all(), newest)
            return self._held.without(hidden_stories(connection))


def _merged(held: Summaries | None, rows: Sequence[Any], change: int) -> Summaries:
    import numpy as np

    names_of_columns = _NAMES.split(", ")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names_of_columns)}
    numbers = np.array(columns["number"], dtype=np.int64)
    size = max(int(numbers.max(initial=0)) + 1, 1 if held is None else len(held.known))
    measures = {name: _grown(None if held is None else held.measures[name], size, np.float64) for name in _MEASURES}
    words = {name: _grown(None if held is None else held.words[name], size, np.int16) for name in _WORDS}
    known = _grown(None if held is None else held.known, size, np.bool_)
    names = {name: () if held is None else held.names[name] for name in _WORDS}
    known[numbers] = True
    for name in _MEASURES:
        measures[name][numbers] = columns[name]
    for name in _WORDS:
        names[name] += tuple(sorted(set(columns[name]) - set(names[name])))
        code = {value: place for place, value in enumerate(names[name])}
        words[name][numbers] = [code[value] for value in columns[name]]
    return Summaries(change, measures, words, names, known)


def _grown(column: "NDArray[Any] | None", size: int, kind: Any) -> "NDArray[Any]":
    import numpy as np

    grown = np.zeros(size, dtype=kind)
    if column is not None:
        grown[: len(column)] = column
    return grown
