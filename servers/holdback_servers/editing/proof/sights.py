"""Which frame of which source each frame of a cut shows: as its timeline says, or found in the pictures themselves.

What the timeline says is only where to look first. Frames that do not show it, and files without a timeline, are
compared with every frame of the source on which the element is, whole and cut out in the cut's shape.
Runs in the media worker.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from av.video.frame import VideoFrame
from holdback_base.elements import CutFacts, Element
from holdback_base.vocabulary import Rate, Span
from numpy.typing import NDArray

from holdback_servers.editing.derivation import at_rate
from holdback_servers.editing.framing import View
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.pictures import planes
from holdback_servers.editing.placing import pictures, views
from holdback_servers.editing.proof.regions import WHOLE, Field, Lie, Luma, Part, sized

_THUMB = 24
_CENTRES = 25
_LIKELY = 0.8
"""Correlation of two thumbnails from which on they may show the same."""
_FINER = (0.5, 0.25, 0.125)


class Sight(NamedTuple):
    """A frame of a source, and how its picture lies in the cut; `mixed` where a transition shows another as well."""

    media: str
    frame: int
    lie: Lie
    mixed: bool = False


class Wanted(NamedTuple):
    """An element in a source's picture: on these frames (at the cut's rate) and in this part."""

    media: str
    spans: tuple[Span, ...]
    part: Part

    def on(self, frame: int) -> bool:
        """Whether it is there on a frame of the source."""
        return any(span.in_frame <= frame < span.out_frame for span in self.spans)


def luma_of(frame: VideoFrame) -> Luma:
    """The brightness of a picture at its own size, in levels of 8 bits."""
    if frame.format.name not in ("yuv420p", "yuv422p", "yuv444p", "yuvj420p"):
        frame = frame.reformat(format="yuv420p")
    return np.ascontiguousarray(planes(frame)[0])


def wanted_of(facts: CutFacts, elements: Iterable[Element], to: Rate) -> list[Wanted]:
    """Where elements stand in the picture of a source, whose frames are counted at this rate, the cut's."""
    rate = facts.element_list.rate
    return [
        Wanted(facts.media, tuple(at_rate(span, rate, to) for span in each.spans), part_of(each))
        for each in elements
        if facts.width is not None
    ]


def part_of(element: Element) -> Part:
    """Where an element stands in its picture; all of it where nobody said."""
    box = element.box
    if box is None:
        return WHOLE
    return Part(box.x / 1000, box.y / 1000, (box.x + box.width) / 1000, (box.y + box.height) / 1000)


def lie_of(view: View) -> Lie:
    """How a source's picture lies in the finished one."""
    place, shown = view.place, view.shown
    return Lie(
        place.width / shown.width,
        (place.left - shown.left) / shown.width,
        place.height / shown.height,
        (place.top - shown.top) / shown.height,
    )


def told_sights(timeline: Timeline) -> dict[int, list[Sight]]:
    """What each frame of the cut shows, as the timeline says."""
    blended = _blended(timeline)
    found: dict[int, list[Sight]] = {}
    for picture in pictures(timeline):
        facts = timeline.facts(picture.clip.media)
        if facts is None or facts.width is None:
            continue
        for span, view in views(timeline, picture, facts):
            lie = lie_of(view)
            for at in range(span.in_frame, span.out_frame):
                frame = max(0, picture.clip.source_frame(at - picture.record.in_frame))
                found.setdefault(at, []).append(Sight(picture.clip.media, frame, lie, at in blended))
    return found


def _blended(timeline: Timeline) -> frozenset[int]:
    """Frames of the cut on which a transition or a layer mixes two pictures."""
    starts = {clip.id: record.in_frame for clip, record in timeline.placed()}
    end = sum(clip.frames for clip in timeline.clips)
    mixed: set[int] = set()
    for each in timeline.transitions:
        cut = starts.get(each.clip or "", end)
        mixed.update(range(cut - each.before, cut + each.after))
    for layer in timeline.layers:
        for placed in layer.clips:
            mixed.update(range(placed.record.in_frame, placed.record.out_frame))
    return frozenset(mixed)


class Finder:
    """Finds what frames of a cut show among the frames of a source, by looking.

    Args:
        shape: width and height of the cut.
        source: width and height of the source.
    """

    def __init__(self, media: str, shape: tuple[int, int], source: tuple[int, int]) -> None:
        self._media = media
        self._lies = _lies(shape, source)
        self._frames: list[int] = []
        self._thumbs: list[list[NDArray[np.float32]]] = [[] for _ in self._lies]

    def add(self, frame: int, luma: Luma) -> None:
        """A frame of the source on which the element is."""
        self._frames.append(frame)
        for lie, thumbs in zip(self._lies, self._thumbs, strict=True):
            thumbs.append(_thumb(luma, lie.in_source(_shown(lie))))

    def find(self, luma: Luma) -> Sight | None:
        """What of the source a frame of the cut shows, if anything."""
        best: tuple[float, Sight] | None = None
        for lie, thumbs in zip(self._lies, self._thumbs, strict=True):
            if not thumbs:
                continue
            fits = np.stack(thumbs) @ _thumb(luma, _shown(lie))
            at = int(fits.argmax())
            if best is None or fits[at] > best[0]:
                best = (float(fits[at]), Sight(self._media, self._frames[at], lie))
        return best[1] if best and best[0] >= _LIKELY else None


def settled(cut: Luma, source: Luma, sight: Sight) -> Sight:
    """The sight with its place across the cut made finer."""
    lie = sight.lie
    if lie.scale_x <= 1.0:
        return sight
    step = (lie.scale_x - 1.0) / (_CENTRES - 1)
    for part in _FINER:
        moves = [min(0.0, max(1.0 - lie.scale_x, lie.move_x + way * step * part)) for way in (-1, 0, 1)]
        tries = [lie._replace(move_x=move) for move in moves]
        lie = max(tries, key=lambda each: _alike(cut, source, each))
    return sight._replace(lie=lie)


def _alike(cut: Luma, source: Luma, lie: Lie) -> float:
    return float(_thumb(cut, _shown(lie)) @ _thumb(source, lie.in_source(_shown(lie))))


def _lies(shape: tuple[int, int], source: tuple[int, int]) -> list[Lie]:
    """The usual ways in which a source's picture lies in a cut: fitted whole, and cut out at full height."""
    ratio = (source[0] / source[1]) / (shape[0] / shape[1])
    whole = Lie(min(1.0, ratio), (1 - min(1.0, ratio)) / 2, min(1.0, 1 / ratio), (1 - min(1.0, 1 / ratio)) / 2)
    if ratio <= 1.01:
        return [whole]
    return [whole, *(Lie(ratio, (1.0 - ratio) * at / (_CENTRES - 1), 1.0, 0.0) for at in range(_CENTRES))]


def _shown(lie: Lie) -> Part:
    return lie.in_cut(WHOLE).within(WHOLE) or WHOLE


def _thumb(luma: Luma, part: Part) -> NDArray[np.float32]:
    small: Field = sized(luma, part, (_THUMB, _THUMB)).reshape(-1)
    small = small - small.mean()
    strength = float(np.linalg.norm(small))
    return np.asarray(small / strength if strength > _THUMB else np.zeros_like(small), np.float32)


def spans_frames(wanted: Sequence[Wanted], most: int) -> list[int]:
    """Frames of a source on which any of its elements is, evenly thinned to so many."""
    frames = sorted({frame for each in wanted for span in each.spans for frame in range(span.in_frame, span.out_frame)})
    step = -(-len(frames) // most) if frames else 1
    return frames[::step]
