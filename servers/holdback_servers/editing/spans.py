"""Spans of media, checked against what the media holds. Pure."""

from collections.abc import Iterable

from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span


def known(sources: Iterable[CutFacts], media: str) -> CutFacts:
    """The facts of some media. Raises Problem CUT_STATEMENT_REQUIRED when no statement has told of it."""
    for facts in sources:
        if facts.media == media:
            return facts
    raise Problem(
        "CUT_STATEMENT_REQUIRED",
        f"Nothing is known here of {media}: no cut statement for it was given.",
        "Add the media's signed cut statement to sources; get_asset and render_timeline give it.",
        media=media,
    )


def span_of(start: int, end: int, facts: CutFacts, frames: int) -> Span:
    """The span `[start, end)` of media that has so many frames.

    Raises:
        Problem: EMPTY_CUT when it holds no frame, SPAN_OUTSIDE_MEDIA when some of its frames do not exist.
    """
    if start < 0 or end > frames:
        raise Problem(
            "SPAN_OUTSIDE_MEDIA",
            f"Frames {start} to {end} go beyond {facts.media}, which has frames 0 to {frames}.",
            f"Stay between 0 and {frames}; the out frame is exclusive.",
            media=facts.media,
            in_frame=start,
            out_frame=end,
            frames=frames,
        )
    if end <= start:
        raise Problem(
            "EMPTY_CUT",
            f"Frames {start} to {end} of {facts.media} hold no frame.",
            "Give an out frame after the in frame; out is exclusive.",
            media=facts.media,
            in_frame=start,
            out_frame=end,
        )
    return Span(in_frame=start, out_frame=end)


def span_in_cut(span: Span, frames: int, what: str) -> Span:
    """The same span. Raises Problem SPAN_OUTSIDE_MEDIA when the cut has fewer frames."""
    if span.out_frame > frames:
        raise Problem(
            "SPAN_OUTSIDE_MEDIA",
            f"The {what} on frames {span.in_frame} to {span.out_frame} goes beyond the cut, which has {frames} frames.",
            f"Stay between 0 and {frames}.",
            in_frame=span.in_frame,
            out_frame=span.out_frame,
            frames=frames,
        )
    return span
