"""Whether words stand in a picture and can be read, by the letters themselves. Runs in the media worker.

The words are drawn as this house draws them and laid over the picture: first where they usually stand, then anywhere
and at other sizes. Only letters that fit along their whole length count, so that words half outside do not.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from holdback_base.vocabulary import Span
from numpy.typing import NDArray
from PIL import Image

from holdback_servers.editing.lettering import draw
from holdback_servers.editing.parts import Credit, Placement
from holdback_servers.editing.proof.regions import Field, Luma, Part

_PLACES: tuple[Placement, ...] = ("bottom", "centre", "top")
_SCALES = (1.0, 0.8, 1.25, 0.65, 1.5)
_STRIPS = 6
_FITS, _STRIP_FITS = 0.6, 0.35
_LETTER, _GROUND = 0.8, 0.05
_COARSE = 4
"""Every so manieth pixel each way is looked at when words are looked for anywhere."""
_PERHAPS = 0.35
_SOME = Span(in_frame=0, out_frame=100)


class Template(NamedTuple):
    """Drawn words: how much of each pixel is letter, 0 to 1, and their usual place."""

    letters: Field
    left: int
    top: int
    height: float

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.letters.shape[1], self.letters.shape[0]


class Reading(NamedTuple):
    """How well words fit at a place, and their contrast to the ground there, as WCAG counts it (1 to 21)."""

    fit: float
    contrast: float

    @property
    def stands(self) -> bool:
        """Whether they are there at all."""
        return self.fit >= _FITS


def templates(text: str, size: tuple[int, int]) -> list[Template]:
    """The words as they are drawn for a picture of this width and height, at each of their usual places."""
    made: list[Template] = []
    for place in _PLACES:
        credit = Credit(id="t0", text=text[:200], span=_SOME, placement=place)
        plate = draw(credit, size, 25.0)
        cover = plate.cover
        letters = (cover - cover.min()) / max(1e-6, float(cover.max() - cover.min()))
        made.append(Template(np.asarray(letters, np.float32), plate.left, plate.top, _letter_height(letters)))
    return made


def plate_of(credit: Credit, size: tuple[int, int]) -> Part:
    """Where a credit's plate stands in a picture of this width and height."""
    plate = draw(credit, size, 25.0)
    rows, columns = plate.cover.shape
    width, height = size
    return Part(plate.left / width, plate.top / height, (plate.left + columns) / width, (plate.top + rows) / height)


def _letter_height(letters: Field) -> float:
    """The rows of the highest line of letters."""
    rows = (letters > 0.5).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rows, [False]]).astype(np.int8)))
    return float(max(edges[1::2] - edges[::2], default=0))


def resized(template: Template, scale: float) -> Template:
    """The same words larger or smaller."""
    if scale == 1.0:
        return template
    columns, rows = (max(8, round(side * scale)) for side in template.size)
    drawn = Image.fromarray(template.letters).resize((columns, rows), Image.Resampling.BILINEAR)
    return template._replace(letters=np.asarray(drawn, np.float32), height=template.height * scale)


def read(luma: Luma, template: Template, left: int, top: int) -> Reading:
    """How the words fit with their plate's corner at this column and row. Off the picture they do not fit."""
    rows, columns = template.letters.shape
    region = luma[top : top + rows, left : left + columns].astype(np.float32)
    if min(left, top) < 0 or region.shape != template.letters.shape:
        return Reading(0.0, 1.0)
    fits = _fit(region, template.letters)
    if fits < _FITS:
        return Reading(fits, 1.0)
    strips = zip(
        np.array_split(region, _STRIPS, axis=1), np.array_split(template.letters, _STRIPS, axis=1), strict=True
    )
    weakest = min(_fit(one, other) for one, other in strips if other.std() > 0.05)
    if weakest < _STRIP_FITS:
        return Reading(min(fits, weakest), 1.0)
    ink, ground = region[template.letters > _LETTER], region[template.letters < _GROUND]
    return Reading(fits, _contrast(float(ink.mean()), float(ground.mean())) if ink.size and ground.size else 1.0)


def _fit(region: Field, letters: Field) -> float:
    one, other = region - region.mean(), letters - letters.mean()
    strength = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / strength if strength > 1e-3 else 0.0


def _contrast(one: float, other: float) -> float:
    lighter, darker = (max(0.0, (level - 16) / 219) ** 2.4 for level in (max(one, other), min(one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def find(pictures: Iterable[Luma], drawn: Template) -> tuple[Template, int, int] | None:
    """Where in some pictures the words stand, at any place and several sizes; the template of that size, and the
    corner of its plate. None when they stand nowhere."""
    best: tuple[float, Template, int, int] | None = None
    for luma in pictures:
        small = np.asarray(luma[::_COARSE, ::_COARSE], np.float32)
        for scale in _SCALES:
            template = resized(drawn, scale)
            letters = _shrunk(template.letters)
            if letters.shape[0] > small.shape[0] or letters.shape[1] > small.shape[1]:
                continue
            fit, row, column = _peak(small, letters)
            if fit > max(_PERHAPS, best[0] if best else 0.0):
                best = (fit, *_settled(luma, template, column * _COARSE, row * _COARSE))
    return None if best is None else best[1:]


def _shrunk(letters: Field) -> Field:
    rows, columns = (max(2, side // _COARSE) for side in letters.shape)
    return np.asarray(Image.fromarray(letters).resize((columns, rows), Image.Resampling.BOX), np.float32)


def _peak(picture: Field, letters: Field) -> tuple[float, int, int]:
    """The best fit of the letters anywhere in the picture (normalised cross-correlation), and its corner."""
    rows, columns = letters.shape
    shape = (picture.shape[0] + rows, picture.shape[1] + columns)
    other = letters - letters.mean()
    level = picture - picture.mean()
    cross = np.fft.irfft2(np.fft.rfft2(level, shape) * np.conj(np.fft.rfft2(other, shape)), shape)
    valid = (slice(0, picture.shape[0] - rows + 1), slice(0, picture.shape[1] - columns + 1))
    count = rows * columns
    mean = _sums(level, rows, columns) / count
    energy = np.maximum(_sums(level**2, rows, columns) - count * mean**2, count * 1.0)
    fit = cross[valid] / np.sqrt(energy * float((other**2).sum()))
    row, column = np.unravel_index(int(fit.argmax()), fit.shape)
    return float(fit[row, column]), int(row), int(column)


def _sums(picture: Field, rows: int, columns: int) -> NDArray[np.float64]:
    total = np.pad(picture.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    return total[rows:, columns:] - total[:-rows, columns:] - total[rows:, :-columns] + total[:-rows, :-columns]


def _settled(luma: Luma, template: Template, column: int, row: int) -> tuple[Template, int, int]:
    """The corner to the pixel, near a coarse one."""
    reach = range(-_COARSE, _COARSE + 1)
    places = [(column + across, row + down) for down in reach for across in reach]
    left, top = max(places, key=lambda place: read(luma, template, place[0], place[1]).fit)
    return template, left, top
