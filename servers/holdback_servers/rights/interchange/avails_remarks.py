"""What there is to tell about an Avails file, bounded: each mistake, and each kind of loss once. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from holdback_servers.rights.interchange.batch import Remark

MOST_MISTAKES: Final = 200
"""Mistakes that are told one by one; of the others, how many there are."""
Place = Callable[[str], str]
"""Where a field of the transaction stands, by its name; the empty name is the transaction itself."""


@dataclass
class _Loss:
    place: str
    hint: str
    given: str
    times: int = 0


@dataclass
class Remarks:
    """Mistakes keep a file out; losses are what it says and Holdback does not decide by."""

    _mistakes: list[Remark] = field(default_factory=list[Remark])
    _more: int = 0
    _losses: dict[str, _Loss] = field(default_factory=dict[str, _Loss])

    def mistake(self, place: str, message: str, hint: str, given: str = "") -> None:
        """Tells something that keeps the whole file out."""
        if len(self._mistakes) < MOST_MISTAKES:
            self._mistakes.append(Remark(place=place, message=message, hint=hint, given=given[:200]))
        else:
            self._more += 1

    def lose(self, place: str, message: str, hint: str = "", given: str = "") -> None:
        """Tells something the file says and that decides nothing here: once, with how often."""
        self._losses.setdefault(message, _Loss(place, hint, given[:200])).times += 1

    def count(self, message: str, name: str, place: Place) -> None:
        """The same of a field, for what stands in most rows: its place is looked up the first time only."""
        known = self._losses.get(message)
        if known is None:
            self.lose(place(name), message)
        else:
            known.times += 1

    def mistakes(self) -> tuple[Remark, ...]:
        """The mistakes in the order of the file, and how many more there are."""
        if not self._more:
            return tuple(self._mistakes)
        more = Remark(place="", message=f"And {self._more} more mistakes.", hint="Correct these first.")
        return (*self._mistakes, more)

    def losses(self) -> tuple[Remark, ...]:
        """Each kind of loss at its first place."""
        return tuple(
            Remark(place=each.place, message=_often(message, each.times), hint=each.hint, given=each.given)
            for message, each in self._losses.items()
        )


def _often(message: str, times: int) -> str:
    return f"{message} So at {times} places; this is the first." if times > 1 else message
