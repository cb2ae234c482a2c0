"""Following a region through pictures, and finding where the eye goes in them. Runs in the media worker.

A region is followed by the picture in it: the best fit near where it was, of how it looked at first and of how it
looked last, so that it neither drifts away nor is lost when it changes. The eye goes where something moves and where
there is detail; people's own word in the shot log is asked before this.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from holdback_base.elements import Box
from holdback_base.vocabulary import Rate, Span
from numpy.typing import NDArray
from PIL import Image

from holdback_servers.editing.parts import KeyBox, KeyCentre
from holdback_servers.editing.pictures import exact_frames, planes

Report = Callable[[int, int, str], None]
Field = NDArray[np.float32]

_WORKING = 320
"""Pixels of the longer side on which a region is followed."""
_REACH = 0.08
"""How far it may go from one picture to the next, as a share of the longer side."""
_LOST = 0.5
"""A fit worse than this is not the region."""
_SHARE_OF_FIRST = 0.6
_KEPT_WITHIN = 4
"""Thousandths that a path may stray from where the region was seen; so few keys are enough."""
_COLUMNS, _ROWS = 64, 36
_STEP = 4
"""Every so manieth picture is looked at for where the eye goes; the others lie between."""
_SPEED = 250
"""Thousandths of the width that a cut-out may wander in a second: more looks like a shaky hand."""


class Followed(NamedTuple):
    """Where a region was on a frame, and how well it fitted there (1 is exactly)."""

    frame: int
    box: Box
    fit: float


def track_file(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Follow a region of a file from one of its frames through a span, both ways.

    Args:
        arguments: `path`, `name`, `rate`, `frame`, `box` on that frame, `span`.

    Returns:
        `path`: keys in order; `lost`: spans on which it was not found, where the path stands still; `least_fit`.
    """
    span, box = Span.model_validate(arguments["span"]), Box.model_validate(arguments["box"])
    start, rate = int(arguments["frame"]), Rate.model_validate(arguments["rate"])
    lumas = [
        _small(frame)
        for frame in _told(exact_frames(Path(arguments["path"]), span, rate, arguments["name"]), span, report)
    ]
    here = start - span.in_frame
    onward = follow(lumas[here:], box)
    back = follow(lumas[here::-1], box)
    found = [each._replace(frame=start - each.frame) for each in reversed(back[1:])]
    found += [each._replace(frame=start + each.frame) for each in onward]
    return {
        "path": [each.model_dump(mode="json") for each in thinned(found)],
        "lost": [each.frame for each in found if each.fit < _LOST],
        "least_fit": round(min(each.fit for each in found), 3),
    }


def _told(frames: Iterator[Any], span: Span, report: Report) -> Iterator[Any]:
    for number, frame in enumerate(frames):
        if number % 24 == 0:
            report(number, span.frames, "following")
        yield frame


def _small(frame: Any) -> Field:
    luma = np.asarray(planes(frame.reformat(format="yuv420p"))[0], np.uint8)
    scale = min(1.0, _WORKING / max(luma.shape))
    size = (round(luma.shape[1] * scale), round(luma.shape[0] * scale))
    return np.asarray(Image.fromarray(luma).resize(size, Image.Resampling.BILINEAR), np.float32)


def follow(pictures: list[Field], box: Box) -> list[Followed]:
    """Where the region that the box holds in the first picture is in each; on pictures in which it is not found it
    stays where it was."""
    rows, columns = pictures[0].shape
    left, top = box.x * columns / 1000, box.y * rows / 1000
    wide, high = max(4, round(box.width * columns / 1000)), max(4, round(box.height * rows / 1000))
    first = _cut(pictures[0], left, top, wide, high)
    last, found = first, [Followed(0, box, 1.0)]
    reach = max(4, round(_REACH * max(rows, columns)))
    for number, picture in enumerate(pictures[1:], start=1):
        across, down, fit = _nearest(picture, (first, last), (left, top), reach)
        if fit >= _LOST:
            left, top = across, down
            last = _cut(picture, left, top, wide, high)
        x = min(1000 - box.width, max(0, round(left * 1000 / columns)))
        y = min(1000 - box.height, max(0, round(top * 1000 / rows)))
        found.append(Followed(number, Box(x=x, y=y, width=box.width, height=box.height), fit))
    return found


def _cut(picture: Field, left: float, top: float, wide: int, high: int) -> Field:
    row = min(max(0, round(top)), picture.shape[0] - high)
    column = min(max(0, round(left)), picture.shape[1] - wide)
    return picture[row : row + high, column : column + wide]


def _nearest(
    picture: Field, looks: tuple[Field, Field], place: tuple[float, float], reach: int
) -> tuple[float, float, float]:
    """The best place near the last one for how the region looked first and last, with its fit."""
    high, wide = looks[0].shape
    row, column = (
        max(0, min(round(at), size - side) - reach)
        for at, size, side in zip((place[1], place[0]), picture.shape, (high, wide), strict=True)
    )
    window = picture[row : row + high + 2 * reach, column : column + wide + 2 * reach]
    fits = [_fits(window, look) for look in looks]
    both = _SHARE_OF_FIRST * fits[0] + (1 - _SHARE_OF_FIRST) * fits[1]
    best = np.unravel_index(int(both.argmax()), both.shape)
    return float(column + best[1]), float(row + best[0]), float(max(fits[0][best], fits[1][best]))


def _fits(window: Field, look: Field) -> Field:
    """Normalised cross-correlation of a look with each place in a window."""
    high, wide = look.shape
    valid = (slice(0, window.shape[0] - high + 1), slice(0, window.shape[1] - wide + 1))
    own, level = look - look.mean(), window - window.mean()
    spectrum = np.fft.rfft2(level) * np.conj(np.fft.rfft2(own, window.shape))
    cross = np.fft.irfft2(spectrum, window.shape)[valid] / look.size
    mean = _sums(level, high, wide) / look.size
    spread = np.sqrt(np.maximum(_sums(level**2, high, wide) / look.size - mean**2, 1.0))
    return np.asarray(cross / (spread * max(1.0, float(own.std()))), np.float32)


def _sums(picture: Field, rows: int, columns: int) -> NDArray[np.float64]:
    total = np.pad(picture.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    return total[rows:, columns:] - total[:-rows, columns:] - total[rows:, :-columns] + total[:-rows, :-columns]


def thinned(found: list[Followed]) -> list[KeyBox]:
    """As few keys as keep a path that goes evenly between them near to where the region was seen."""
    kept = [0]
    while kept[-1] < len(found) - 1:
        start = kept[-1]
        end = start + 1
        while end + 1 < len(found) and _is_straight(found, start, end + 1):
            end += 1
        kept.append(end)
    return [KeyBox(frame=found[index].frame, box=found[index].box) for index in kept]


def _is_straight(found: list[Followed], start: int, end: int) -> bool:
    one, other = found[start].box, found[end].box
    for index in range(start + 1, end):
        share = (index - start) / (end - start)
        across = one.x + (other.x - one.x) * share - found[index].box.x
        down = one.y + (other.y - one.y) * share - found[index].box.y
        if max(abs(across), abs(down)) > _KEPT_WITHIN:
            return False
    return True


def watch_file(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Where the eye goes in spans of a file, so that a cut-out keeps it in the picture.

    Args:
        arguments: `path`, `name`, `rate`, `spans`, `keep`: the share of the width that the cut-out shows.

    Returns:
        `paths`: for each span its keys in order; a picture in which the eye rests has one.
    """
    rate, keep = Rate.model_validate(arguments["rate"]), float(arguments["keep"])
    paths: list[list[dict[str, Any]]] = []
    for number, each in enumerate(arguments["spans"]):
        span = Span.model_validate(each)
        report(number, len(arguments["spans"]), "watching")
        frames = exact_frames(Path(arguments["path"]), span, rate, arguments["name"])
        smalls = [_tiny(frame) for index, frame in enumerate(frames) if index % _STEP == 0]
        centres = centres_of(smalls, keep, _SPEED * _STEP / float(rate.fraction))
        keys = settled_path([(span.in_frame + _STEP * index, centre) for index, centre in enumerate(centres)])
        paths.append([key.model_dump() for key in keys])
    return {"paths": paths}


def _tiny(frame: Any) -> Field:
    luma = np.asarray(planes(frame.reformat(format="yuv420p"))[0], np.uint8)
    return np.asarray(Image.fromarray(luma).resize((_COLUMNS, _ROWS), Image.Resampling.BOX), np.float32)


def centres_of(pictures: list[Field], keep: float, most: float) -> list[int]:
    """The middle of the cut-out on each picture, in thousandths: it holds as much of what draws the eye as it can and
    moves no further than `most` thousandths from one to the next.

    Args:
        keep: the share of the width that the cut-out shows.
    """
    weights = np.stack([_drawing(pictures, index) for index in range(len(pictures))])
    half = keep * _COLUMNS / 2
    places = np.arange(_COLUMNS) + 0.5
    centres = np.linspace(half, _COLUMNS - half, 41)
    inside = np.abs(places[None] - centres[:, None]) <= half
    gain = weights @ inside.T.astype(np.float32)
    gain -= 1e-3 * np.abs(centres - _COLUMNS / 2)[None] / _COLUMNS
    step = (centres[1] - centres[0]) * 1000 / _COLUMNS if len(centres) > 1 and centres[1] > centres[0] else 1000.0
    return [round(centres[index] * 1000 / _COLUMNS) for index in _smoothest(gain, max(0, int(most / step)))]


def _drawing(pictures: list[Field], index: int) -> NDArray[np.float32]:
    """How much each column of a picture draws the eye: what moves beyond the camera's move, and detail. Sums to 1."""
    picture = pictures[index]
    other = pictures[index - 1] if index else pictures[min(1, len(pictures) - 1)]
    moved = np.abs(picture - other)
    moved = np.maximum(moved - np.median(moved), 0)
    rows, columns = np.gradient(picture)
    detail = np.hypot(rows, columns)
    weight = 3 * moved.sum(axis=0) + detail.sum(axis=0)
    total = float(weight.sum())
    return np.asarray(weight / total if total > 0 else np.full(_COLUMNS, 1 / _COLUMNS), np.float32)


def _smoothest(gain: NDArray[np.float32], reach: int) -> list[int]:
    """The way through the pictures with the most gain, of which no step is longer than the reach, and moving costs."""
    cost = 0.002
    total, came = gain[0].copy(), list[NDArray[np.intp]]()
    places: NDArray[np.intp] = np.arange(gain.shape[1], dtype=np.intp)
    steps: NDArray[np.intp] = np.abs(places[:, None] - places[None])
    for row in gain[1:]:
        ways = np.where(steps <= reach, total[None] - cost * steps, -np.inf)
        came.append(ways.argmax(axis=1))
        total = ways.max(axis=1) + row
    way = [int(total.argmax())]
    for back in reversed(came):
        way.append(int(back[way[-1]]))
    return way[::-1]


def settled_path(keys: list[tuple[int, int]]) -> list[KeyCentre]:
    """Keys of a path without those that lie on a straight way between others; one where it rests."""
    kept = [
        key
        for index, key in enumerate(keys)
        if index in (0, len(keys) - 1) or not keys[index - 1][1] == key[1] == keys[index + 1][1]
    ]
    if len({centre for _, centre in kept}) == 1:
        kept = kept[:1]
    return [KeyCentre(frame=frame, centre_x=centre) for frame, centre in kept]
