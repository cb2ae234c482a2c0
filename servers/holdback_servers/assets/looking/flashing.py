"""Flashing that may harm people with photosensitive epilepsy. Pure.

After Recommendation ITU-R BT.1702: a flash is a pair of opposing changes of luminance of 20 cd/m2 or more where the
darker picture is below 160 cd/m2, or a pair of opposing changes to and from a saturated red. More than three flashes
within a second over more than a quarter of the picture are not to be shown. Luminance is that of a display of
200 cd/m2 after BT.1886 for SDR, and what the signal says for PQ, and for HLG at 1000 cd/m2. A saturated red is, after
WCAG 2.2, one with at least four fifths of red, whose excess over green and blue changes by more than 20 of 320.

Looked at in 16 by 9 fields of the picture: patterns finer than that are not found, and stripes that stand still are not
looked for.
"""

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Literal

from holdback_servers.assets.looking.grids import Grids
from holdback_servers.assets.looking.runs import Run, joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

Transfer = Literal["SDR", "PQ", "HLG"]

_ACROSS, _DOWN = 16, 9
_CHANGE = 20.0
_DARKER_BELOW = 160.0
_SATURATED, _NEARLY = 0.8, 0.75
_MOST_CHANGES = 6
"""Opposing changes within a second: three flashes."""
_AREA = 0.25
_SDR_WHITE, _HLG_WHITE = 200.0, 1000.0


class FlashMeter:
    """Fed all grids in order, finds the spans of harmful flashing.

    Args:
        rate: frames a second.
        transfer: how signal becomes light.
    """

    def __init__(self, rate: float, transfer: Transfer = "SDR") -> None:
        self._light = _luminances(transfer)
        self._grey, self._red = _Changes(rate, _DARKER_BELOW), _Changes(rate, math.inf)
        self._found: list[Run] = []

    def feed(self, grids: Grids) -> None:
        """Look at the next frames."""
        grey, red = _fields(self._light[grids.luma]), _redness(grids)
        calm = self._red.idle(red)
        if self._grey.idle(grey) and calm:
            return
        for offset in range(len(grids)):
            frame = grids.first + offset
            flashing = self._grey.feed(frame, grey[offset])
            if not calm:
                flashing = flashing | self._red.feed(frame, red[offset])
            if float(flashing.mean()) > _AREA:
                start = min(self._grey.since(flashing, frame), self._red.since(flashing, frame))
                self._found = [*self._found[:-1], *joined([*self._found[-1:], (start, frame + 1)])]

    def finish(self) -> list[Run]:
        """Frames in which it flashes, from the first change of the first second to the last."""
        return self._found


class _Changes:
    """Opposing changes in each field, and how many lie within the last second.

    Args:
        rate: frames a second.
        darker_below: a change counts when its darker side is below this.
    """

    def __init__(self, rate: float, darker_below: float) -> None:
        import numpy

        self._second, self._darker_below = max(1, round(rate)), darker_below
        self._low = numpy.full((_DOWN, _ACROSS), numpy.inf)
        self._high = -self._low
        self._last = numpy.zeros((_DOWN, _ACROSS), numpy.int8)
        self._count = numpy.zeros((_DOWN, _ACROSS), numpy.int32)
        self._recent: deque[tuple[int, NDArray[Any]]] = deque()

    def idle(self, values: "NDArray[Any]") -> bool:
        """Take frames that bring no change, when none is within the last second either; else say that they must be
        fed one by one."""
        import numpy

        if self._recent:
            return False
        low = numpy.minimum(values.min(axis=0), self._low)
        high = numpy.maximum(values.max(axis=0), self._high)
        if float((high - low).max()) >= _CHANGE:
            return False
        self._low, self._high = low, high
        return True

    def feed(self, frame: int, values: "NDArray[Any]") -> "NDArray[Any]":
        """Take one frame; the fields that flashed more than three times within the second that ends with it."""
        import numpy

        while self._recent and self._recent[0][0] <= frame - self._second:
            self._count -= self._recent.popleft()[1]
        low, high = numpy.minimum(self._low, values), numpy.maximum(self._high, values)
        rose = (values - low >= _CHANGE) & (self._last != 1)
        fell = (high - values >= _CHANGE) & (self._last != -1)
        turned = rose | fell
        self._low, self._high = numpy.where(turned, values, low), numpy.where(turned, values, high)
        self._last = numpy.where(rose, 1, numpy.where(fell, -1, self._last))
        counted = (rose & (low < self._darker_below)) | (fell & (values < self._darker_below))
        if counted.any():
            self._recent.append((frame, counted))
            self._count += counted
        return self._count > _MOST_CHANGES

    def since(self, fields: "NDArray[Any]", frame: int) -> int:
        """The first frame of the last second with a change in one of these fields."""
        return next((at for at, changed in self._recent if bool((changed & fields).any())), frame)


def _fields(plane: "NDArray[Any]") -> "NDArray[Any]":
    """Means over 9 rows of 16 fields; frames, rows, columns."""
    frames, rows, columns = plane.shape
    return plane.reshape(frames, _DOWN, rows // _DOWN, _ACROSS, columns // _ACROSS).mean(axis=(2, 4))


def _luminances(transfer: Transfer) -> "NDArray[Any]":
    """cd/m2 of each 8-bit code of luma."""
    import numpy

    signal = numpy.clip((numpy.arange(256) - 16) / 219, 0, 1)
    if transfer == "PQ":  # SMPTE ST 2084
        power = signal ** (1 / 78.84375)
        light = 10000 * (numpy.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
    elif transfer == "HLG":  # Recommendation ITU-R BT.2100, with a system gamma of 1.2
        dim, bright = signal**2 / 3, (numpy.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
        light = _HLG_WHITE * numpy.where(signal <= 0.5, dim, bright) ** 1.2
    else:
        light = _SDR_WHITE * signal**2.4
    return light.astype(numpy.float32)


def _redness(grids: Grids) -> "NDArray[Any]":
    """How far red exceeds green and blue, 0 to 320 for the purest, where red is saturated; else 0."""
    import numpy

    luma = (_fields(grids.luma) - 16) / 219
    blue_less, red_less = ((_fields(plane) - 128) / 224 for plane in grids.chroma)
    red, blue = luma + 1.5748 * red_less, luma + 1.8556 * blue_less
    green = (luma - 0.2126 * red - 0.0722 * blue) / 0.7152
    red, green, blue = (numpy.clip(each, 0, 1) ** 2.2 for each in (red, green, blue))
    share = red / numpy.maximum(red + green + blue, 1e-6)
    sure = numpy.clip((share - _NEARLY) / (_SATURATED - _NEARLY), 0, 1)
    return 320 * numpy.maximum(red - green - blue, 0) * sure
