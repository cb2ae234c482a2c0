"""A measured figure with its bound, and the table of them."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure. `spread` is what single rounds gave, lowest and highest; without `bound` it is only told.

    `at_least` says that the bound is a floor; otherwise it is a ceiling.
    """

    bench: str
    what: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None
    bound: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the bound holds; without one it does."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """The median of the rounds' ratios, and the lowest and highest; a round measured both one right after the other."""
    each = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return statistics.median(each), (min(each), max(each))


def table(figures: Iterable[Figure]) -> str:
    """The figures as lines of columns."""
    return "\n".join(_line(each) for each in figures)


def _line(figure: Figure) -> str:
    spread = "" if figure.spread is None else f"{_number(figure.spread[0])} to {_number(figure.spread[1])}"
    sign = ">=" if figure.at_least else "<="
    bound = "" if figure.bound is None else f"{sign} {figure.bound:g}"
    verdict = "" if figure.bound is None else "met" if figure.met else "NOT MET"
    measured = f"{_number(figure.value)} {figure.unit}"
    return f"{figure.bench:<8} {figure.what:<58} {measured:>16}  {spread:<17} {bound:<8} {verdict}".rstrip()


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"
