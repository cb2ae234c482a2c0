"""The element list against an oracle that walks a cut frame by frame and lists what is seen and heard on each."""

import contextlib
import functools
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from holdback_base.elements import Box, CutFacts, Element, ElementKind, ElementList, uncovered
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.derivation import HEARD_ONLY, SEEN_ONLY, derive_elements
from holdback_servers.editing.differences import blur_in_cut, differences
from holdback_servers.editing.framing import View, covers, cut_out, fitted, fitted_in, intersect
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation
from holdback_servers.editing.parts import Clip, LayerClip
from holdback_servers.editing.validation import transition_findings, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FRAMES = 60
MEDIA = ("sha256:" + "a" * 64, "sha256:" + "b" * 64)
SIZES = {MEDIA[0]: (640, 360), MEDIA[1]: (480, 360)}
KINDS: tuple[ElementKind, ...] = ("programme", "music_master", "talent", "logo")
WHOLE = Box(x=0, y=0, width=1000, height=1000)
_OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])


@st.composite
def spans(draw: st.DrawFn, low: int = 0, high: int = FRAMES, shortest: int = 1) -> Span:
    start = draw(st.integers(low, high - shortest))
    return Span(in_frame=start, out_frame=draw(st.integers(start + shortest, high)))


@st.composite
def boxes(draw: st.DrawFn) -> dict[str, int]:
    x, y = draw(st.integers(0, 900)), draw(st.integers(0, 900))
    return {"x": x, "y": y, "width": draw(st.integers(1, 1000 - x)), "height": draw(st.integers(1, 1000 - y))}


@st.composite
def facts(draw: st.DrawFn, media: str) -> CutFacts:
    elements = [
        Element(
            id=f"{media[7]}{number}",
            kind=draw(st.sampled_from(KINDS)),
            ref=f"thing:{number}",
            name=str(number),
            spans=(draw(spans()),),
            box=draw(st.none() | boxes().map(Box.model_validate)),
        )
        for number in range(3)
    ]
    elements = [
        each.model_copy(update={"obscured": each.spans}) if draw(st.integers(0, 5)) == 0 else each for each in elements
    ]
    width, height = SIZES[media]
    made = ElementList(rate=Rate(num=24), frames=FRAMES, elements=tuple(elements))
    return CutFacts(media=media, element_list=made, width=width, height=height)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    wanted = [
        ClipWanted(
            media=draw(st.sampled_from(MEDIA)),
            in_frame=span.in_frame,
            out_frame=span.out_frame,
            speed=draw(st.sampled_from([100, 100, 100, 50, 200, 73])),
            freeze=draw(st.sampled_from([None, None, None, None, 9])),
        )
        for span in draw(st.lists(spans(8, 50, 10), min_size=2, max_size=4))
    ]
    made = create(
        Maker("tl_1", "person:sam", NOW),
        title="T",
        sources=[draw(facts(media)) for media in MEDIA],
        clips=wanted,
        size=(640, 360),
    )
    few = draw(st.lists(st.integers(0, 9), min_size=3, max_size=7))
    for order in [draw(_orders(made)[number]) for number in few]:
        with contextlib.suppress(Problem):
            made = revise(made, _OPERATIONS.validate_python([order]), [], Maker("tl_2", "person:sam", NOW), 2)
    return made


def _orders(timeline: Timeline) -> list[st.SearchStrategy[dict[str, Any]]]:
    length = timeline.frames
    names = st.sampled_from([clip.id for clip in timeline.clips])
    later = st.sampled_from([clip.id for clip in timeline.clips[1:]])
    frame, thousandths = st.integers(0, FRAMES - 1), st.integers(0, 1000)
    media = st.sampled_from(MEDIA)
    span_fields = spans(0, length).map(lambda each: each.model_dump())

    def order(op: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"op": st.just(op), **fields})

    def path(name: str, each: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
        keys = st.lists(st.fixed_dictionaries({"frame": frame, name: each}), min_size=2, max_size=4, unique_by=_frame)
        return keys.map(lambda found: sorted(found, key=_frame))

    new = st.fixed_dictionaries(
        {"media": media, "in_frame": st.just(3), "out_frame": st.integers(7, 20), "freeze": st.sampled_from([None, 7])}
    )
    over = {"new": new, "at_frame": st.integers(0, max(0, length - 12)), "box": st.sampled_from([None]) | boxes()}
    centre = st.fixed_dictionaries({"clip": names, "centre_x": thousandths, "path": path("centre_x", thousandths)})
    mixing = st.sampled_from(["dissolve", "wipe_left", "dip_to_black"])
    return [
        order("add_transition", clip=later, kind=mixing, before=st.integers(0, 3), after=st.integers(1, 3)),
        order("add_transition", clip=later, kind=mixing, before=st.integers(1, 3), after=st.just(0)),
        order("add_layer_clip", **over, opacity=st.sampled_from([1000, 1000, 1000, 400])),
        order("reframe", aspect=st.just("9:16"), centre_x=thousandths, centres=centre.map(lambda each: [each])),
        order("blur", media=media, path=path("box", boxes())),
        order("blur", box=boxes(), span=span_fields),
        order("set_end_card", frames=st.just(6), media=media, lines=st.just(["End"])),
        order("mute_track", track=st.just("programme"), span=st.none() | span_fields),
        order("set_speed", clip=names, speed=st.integers(40, 250))
        | order("freeze", clip=names, frame=frame, frames=st.just(5)),
        order("split_clip", clip=names, at_frame=st.integers(9, 49)),
    ]


def _frame(key: dict[str, Any]) -> int:
    return int(key["frame"])


class _Sight(NamedTuple):
    """A frame of some media that is seen, how it comes to the screen, and whether an opaque layer is over it."""

    media: str
    frame: int
    view: View
    under: bool


def _shown_at(clip: Clip, offset: int) -> int:
    return clip.source.in_frame + (0 if clip.freeze else offset * clip.speed // 100)


def _first_track(timeline: Timeline, at: int) -> Iterator[tuple[Clip, int]]:
    """The clip on a frame of the cut, and the neighbour that a transition mixes with it, with their own frames."""
    begins = list(itertools.accumulate((clip.frames for clip in timeline.clips), initial=0))
    mixing = {each.clip: each for each in timeline.transitions if not each.kind.startswith("dip")}
    for number, clip in enumerate(timeline.clips):
        start, end = begins[number], begins[number + 1]
        if clip.id in mixing:
            start -= mixing[clip.id].before
        following = timeline.clips[number + 1].id if number + 1 < len(timeline.clips) else ""
        if following in mixing:
            end += mixing[following].after
        if start <= at < end:
            yield clip, _shown_at(clip, at - begins[number])


def _main(timeline: Timeline, at: int) -> tuple[Clip, int]:
    begin = 0
    for clip in timeline.clips:
        if at < begin + clip.frames:
            return clip, _shown_at(clip, at - begin)
        begin += clip.frames
    raise AssertionError("no clip is there")


def _layers_on(timeline: Timeline, at: int) -> list[LayerClip]:
    clips = sum(clip.frames for clip in timeline.clips)
    return [
        each
        for layer in sorted(timeline.layers, key=lambda each: each.name)
        for each in layer.clips
        if each.at_frame <= at < each.at_frame + each.clip.frames and at < clips
    ]


def _sights(timeline: Timeline, at: int) -> Iterator[_Sight]:
    canvas = (timeline.width, timeline.height)
    over = _layers_on(timeline, at)
    hiding = [number for number, each in enumerate(over) if each.box is None and each.opacity == 1000]
    for clip, frame in _first_track(timeline, at):
        size = SIZES[clip.media]
        shown = View(size, fitted(size, canvas), cut_out(canvas, timeline.reframe, clip.id, frame))
        yield _Sight(clip.media, frame, shown, bool(hiding))
    for number, each in enumerate(over):
        main, frame = _main(timeline, at)
        size = SIZES[each.clip.media]
        shown = View(size, fitted_in(size, canvas, each.box), cut_out(canvas, timeline.reframe, main.id, frame))
        media_frame = _shown_at(each.clip, at - each.at_frame)
        yield _Sight(each.clip.media, media_frame, shown, any(other > number for other in hiding))


def _inside(frame: int, parts: tuple[Span, ...]) -> bool:
    return any(span.in_frame <= frame < span.out_frame for span in parts)


_part_shown = functools.cache(View.visible_part)
_seen_of = functools.cache(lambda view, *box: view.in_cut(Box(x=box[0], y=box[1], width=box[2], height=box[3])))


def _hidden(timeline: Timeline, sight: _Sight, element: Element) -> bool:
    if _inside(sight.frame, element.obscured):
        return True
    visible = intersect(element.box or WHOLE, _part_shown(sight.view) or WHOLE)
    return visible is not None and any(
        blur.media == sight.media
        and blur.span.in_frame <= sight.frame < blur.span.out_frame
        and covers(blur.box_at(sight.frame), visible)
        for blur in timeline.blurs
    )


_Frames = list[tuple[list[_Sight], list[tuple[Clip, int]]]]
"""For each frame of the cut before the end card: what is seen, and what runs on the first track."""


def _expected(timeline: Timeline, frames: _Frames, media: str, element: Element) -> tuple[set[int], set[int]]:
    """The frames on which an element is, and those of them on which it can be made out."""
    there: set[int] = set()
    clear: set[int] = set()
    programme = timeline.track("programme")
    for at in range(timeline.frames):
        sights, running = frames[at] if at < len(frames) else ([], [])
        card = timeline.end_card if at >= len(frames) else None
        if card and card.media == media and element.kind not in HEARD_ONLY and _inside(0, element.spans):
            there.add(at)
            clear |= set() if _inside(0, element.obscured) else {at}
        for sight in sights:
            box = element.box
            seen = box is None or _seen_of(sight.view, box.x, box.y, box.width, box.height) is not None
            on = sight.media == media and _inside(sight.frame, element.spans)
            if element.kind not in HEARD_ONLY and on and seen and not sight.under:
                there.add(at)
                clear |= set() if _hidden(timeline, sight, element) else {at}
        heard = element.kind not in SEEN_ONLY and not programme.muted and not _inside(at, programme.silences)
        for clip, frame in running:
            if heard and clip.media == media and not clip.freeze and _inside(frame, element.spans):
                there.add(at)
                clear.add(at)
    return there, clear


def _stretched(timeline: Timeline) -> bool:
    return any(clip.speed != 100 and not clip.freeze for clip in timeline.clips)


@settings(max_examples=40)
@given(timelines())
def test_the_list_has_what_is_seen_and_heard_on_each_frame_and_nothing_else(timeline: Timeline) -> None:
    found = derive_elements(timeline)
    end = sum(clip.frames for clip in timeline.clips)
    frames = [(list(_sights(timeline, at)), list(_first_track(timeline, at))) for at in range(end)]
    for source in timeline.sources:
        for element in source.element_list.elements:
            family = [each for each in found.elements if each.id.split("~")[0] == element.id]
            there = {at for each in family for span in each.spans for at in range(span.in_frame, span.out_frame)}
            clear = {
                at
                for each in family
                for span in uncovered(each.spans, each.obscured)
                for at in range(span.in_frame, span.out_frame)
            }
            expected, expected_clear = _expected(timeline, frames, source.media, element)
            assert expected <= there
            assert expected_clear <= clear
            if element.kind in SEEN_ONLY or not _stretched(timeline):
                assert there == expected
                assert clear == expected_clear


@settings(max_examples=10)
@given(timelines())
def test_every_cut_that_operations_make_is_one_that_can_be_rendered(timeline: Timeline) -> None:
    assert list(transition_findings(timeline)) == []
    late = {"OVERLAY_OUTSIDE"}  # layers and words stay where they are when the cut becomes shorter
    errors = [each for each in validate(timeline, lambda _: True) if each.severity == "error"]
    assert [each for each in errors if each.code not in late] == []
    assert Timeline.model_validate_json(timeline.model_dump_json(exclude_none=True)) == timeline
    assert differences(timeline, timeline) == []


@settings(max_examples=10)
@given(timelines())
def test_a_blur_is_seen_on_the_frames_that_show_its_media_and_on_no_other(timeline: Timeline) -> None:
    for blur in timeline.blurs:
        clips = sum(clip.frames for clip in timeline.clips)
        expected = {
            at
            for at in range(clips)
            for sight in _sights(timeline, at)
            if sight.media == blur.media and blur.span.in_frame <= sight.frame < blur.span.out_frame
        }
        assert {at for span in blur_in_cut(timeline, blur) for at in range(span.in_frame, span.out_frame)} == expected
