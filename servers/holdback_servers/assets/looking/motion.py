"""How much moves in the picture: one value for each tenth of a second, as JSON. Pure.

`motion` holds by how many levels of 255 the picture changes a second, whole numbers, for every `step` frames from the
first. The step to another shot is no motion: the frame that begins a shot counts as the frame after it.
"""

import json
from collections.abc import Iterable, Sequence
from fractions import Fraction

A_SECOND = 10
"""Values a second, as nearly as whole frames allow."""


def step_of(rate: Fraction) -> int:
    """Frames that one value stands for."""
    return max(1, round(rate / A_SECOND))


def motion_json(scores: Sequence[float], cuts: Iterable[int], rate: Fraction) -> bytes:
    """The curve, compact.

    Args:
        scores: of each frame its difference from the one before, as the shot detector takes it.
        cuts: frames that begin a shot.
        rate: frames a second.
    """
    moved = list(scores)
    for cut in cuts:
        if cut < len(moved):
            moved[cut] = moved[cut + 1] if cut + 1 < len(moved) else 0.0
    step, a_second = step_of(rate), float(rate)
    parts = (moved[first : first + step] for first in range(0, len(moved), step))
    values = [round(a_second * sum(part) / len(part)) for part in parts]
    return json.dumps({"version": 1, "step": step, "motion": values}, separators=(",", ":")).encode()
