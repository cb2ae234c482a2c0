"""Whether a cut meets the conditions of a grant, judged by its element list and nothing that anybody says. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from holdback_base.elements import CutFacts, Element, Notice, uncovered
from holdback_base.vocabulary import Span

from holdback_servers.rights.model import Condition
from holdback_servers.rights.report import Undertaking


@dataclass(frozen=True, slots=True, eq=False)
class Duty:
    """A condition of a right, and how one cut stands to it: frames of its elements that are still to be treated.

    `media` is the sha256 of the cut; empty where there is none (a question to the catalogue).
    """

    right: str
    condition: Condition
    media: str
    ref: str
    elements: tuple[str, ...]
    spans: tuple[Span, ...]
    met: bool


def duty(
    right: str, condition: Condition, own_ref: str, cut: CutFacts, undertakings: Collection[Undertaking] = ()
) -> Duty:
    """How the cut stands to the condition of a right over `own_ref`.

    Blur and mute are met when the element is obscured in every frame; a replacement when it is not there; a credit or
    a disclaimer when notices that contain its words stand long enough at a stretch; an approval when it is for these
    very bytes; an age gate or a geo-block when whoever delivers undertakes it.
    """
    ref = condition.ref or own_ref
    elements = tuple(each for each in cut.element_list.elements if each.ref == ref)
    if condition.type in ("credit", "disclaimer"):
        met, spans, ids = _shown(condition, cut), (), ()
    elif condition.type in ("blur", "mute"):
        spans = merged(span for each in elements for span in uncovered(each.spans, each.obscured))
        met, ids = not spans, tuple(each.id for each in elements)
    elif condition.type == "replace_music":
        spans = merged(span for each in elements for span in each.spans)
        met, ids = not elements, tuple(each.id for each in elements)
    elif condition.type == "approval":
        met, spans, ids = cut.media in condition.approved, (), ()
    else:
        met, spans, ids = condition.type in undertakings, (), ()
    return Duty(right, condition, cut.media, ref, ids, spans, met)


def told_duty(right: str, condition: Condition, own_ref: str, undertakings: Collection[Undertaking] = ()) -> Duty:
    """A condition where there is no cut: only what is undertaken can be seen to be met."""
    return Duty(right, condition, "", condition.ref or own_ref, (), (), condition.type in undertakings)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same frames as sorted spans that neither overlap nor touch."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda each: each.in_frame):
        if result and span.in_frame <= result[-1].out_frame:
            if span.out_frame > result[-1].out_frame:
                result[-1] = Span(in_frame=result[-1].in_frame, out_frame=span.out_frame)
        else:
            result.append(span)
    return tuple(result)


def frames_of(elements: Sequence[Element]) -> int:
    """In how many frames of the cut at least one of the elements is."""
    return sum(span.frames for span in merged(span for each in elements for span in each.spans))


def _shown(condition: Condition, cut: CutFacts) -> bool:
    wanted = _plain(condition.text)
    notices: list[Notice] = [
        each for each in cut.element_list.notices if each.kind == condition.type and wanted in _plain(each.text)
    ]
    frames = max((span.frames for span in merged(each.span for each in notices)), default=0)
    return frames > 0 and cut.element_list.rate.seconds(frames) >= (condition.min_seconds or 0)


@lru_cache(maxsize=1024)
def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
