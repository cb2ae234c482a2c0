"""What holds for every cut: nothing that is used is left out of its element list, nothing unused gets in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_base.elements import Box, CutFacts, Element, ElementKind, ElementList, uncovered
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.derivation import HEARD_ONLY, SEEN_ONLY, derive_elements
from holdback_servers.editing.framing import covers, view
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation
from holdback_servers.editing.parts import Reframe
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FRAMES = 60
MEDIA = ("sha256:" + "a" * 64, "sha256:" + "b" * 64)
KINDS: tuple[ElementKind, ...] = ("programme", "music_master", "talent", "logo", "still")
_OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])


@st.composite
def spans(draw: st.DrawFn, length: int = FRAMES) -> Span:
    start = draw(st.integers(0, length - 1))
    return Span(in_frame=start, out_frame=draw(st.integers(start + 1, length)))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(st.integers(0, 999)), draw(st.integers(0, 999))
    return Box(x=x, y=y, width=draw(st.integers(1, 1000 - x)), height=draw(st.integers(1, 1000 - y)))


@st.composite
def facts(draw: st.DrawFn, media: str) -> CutFacts:
    elements = [
        Element(
            id=f"{media[7]}{number}",
            kind=draw(st.sampled_from(KINDS)),
            ref=f"thing:{number}",
            name=str(number),
            spans=(draw(spans()),),
            box=draw(st.none() | boxes()),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    whole = Element(id=media[7], kind="programme", ref="film:x", name="x", spans=(Span(in_frame=0, out_frame=FRAMES),))
    made = ElementList(rate=Rate(num=24), frames=FRAMES, elements=(whole, *elements))
    return CutFacts(media=media, element_list=made, width=640, height=360)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    sources = [draw(facts(media)) for media in MEDIA]
    wanted = [
        ClipWanted(media=draw(st.sampled_from(MEDIA)), in_frame=span.in_frame, out_frame=span.out_frame)
        for span in draw(st.lists(spans(), min_size=1, max_size=4))
    ]
    made = create(Maker("tl_1", "person:sam", NOW), title="T", sources=sources, clips=wanted)
    orders = [*draw(_orders(made))]
    return _revised(made, orders) if orders else made


@st.composite
def _orders(draw: st.DrawFn, timeline: Timeline) -> list[dict[str, Any]]:
    length = timeline.frames
    choices: list[st.SearchStrategy[dict[str, Any]]] = [
        st.builds(lambda on: {"op": "mute_track", "track": "programme", "muted": on}, st.booleans()),
        st.builds(lambda span: {"op": "mute_track", "track": "programme", "span": span.model_dump()}, spans(length)),
        st.builds(
            lambda box, span: {"op": "blur", "box": box.model_dump(), "span": span.model_dump()},
            boxes(),
            spans(length),
        ),
        st.builds(lambda x: {"op": "reframe", "aspect": "9:16", "centre_x": x}, st.integers(0, 1000)),
    ]
    return draw(st.lists(st.one_of(choices), max_size=4))


def _revised(timeline: Timeline, orders: list[dict[str, Any]]) -> Timeline:
    return revise(timeline, _OPERATIONS.validate_python(orders), [], Maker("tl_2", "person:sam", NOW), 2)


def _count(spans_of: tuple[Span, ...]) -> int:
    return sum(span.frames for span in spans_of)


def _family(elements: ElementList, name: str) -> tuple[Span, ...]:
    return tuple(span for each in elements.elements if each.id.split("~")[0] == name for span in each.spans)


@given(timelines())
def test_no_frame_of_the_films_is_lost_or_won(timeline: Timeline) -> None:
    found = derive_elements(timeline)
    assert found.frames == timeline.frames
    for media in MEDIA:
        used = sum(clip.source.frames for clip in timeline.clips if clip.media == media)
        assert _count(_family(found, media[7])) == used


@given(timelines())
def test_spans_are_in_order_apart_and_inside_the_cut_and_hidden_frames_are_among_them(timeline: Timeline) -> None:
    for element in derive_elements(timeline).elements:
        ends = [frame for span in element.spans for frame in (span.in_frame, span.out_frame)]
        assert ends == sorted(set(ends))
        assert ends[0] >= 0
        assert ends[-1] <= timeline.frames
        assert uncovered(element.obscured, element.spans) == ()


@given(timelines())
def test_an_element_is_there_exactly_when_some_clip_shows_it_or_lets_it_be_heard(timeline: Timeline) -> None:
    found = derive_elements(timeline)
    heard_on = uncovered((Span(in_frame=0, out_frame=timeline.frames),), timeline.track("programme").silences)
    for source in timeline.sources:
        for element in source.element_list.elements:
            expected: set[int] = set()
            for clip, record in timeline.placed():
                if clip.media != source.media:
                    continue
                shown = view((640, 360), (640, 360), timeline.reframe, clip.id)
                seen = element.kind not in HEARD_ONLY and (element.box is None or shown.in_cut(element.box))
                for frame in range(clip.source.in_frame, clip.source.out_frame):
                    if not any(span.in_frame <= frame < span.out_frame for span in element.spans):
                        continue
                    at = record.in_frame + frame - clip.source.in_frame
                    open_track = not timeline.track("programme").muted and any(
                        s.in_frame <= at < s.out_frame for s in heard_on
                    )
                    if seen or (element.kind not in SEEN_ONLY and open_track):
                        expected.add(at)
            there = {f for span in _family(found, element.id) for f in range(span.in_frame, span.out_frame)}
            assert there == expected


@given(timelines(), st.integers(0, 2**32))
def test_revisions_of_different_things_may_come_in_any_order(timeline: Timeline, seed: int) -> None:
    orders: list[dict[str, Any]] = [
        {"op": "add_credit", "text": "Film", "span": {"in_frame": 0, "out_frame": timeline.frames}},
        {"op": "blur", "box": {"x": 400, "y": 100, "width": 200, "height": 200}},
        {"op": "reframe", "aspect": "1:1", "centre_x": seed % 1001},
        {"op": "set_gain", "track": "programme", "gain": -60},
    ]
    one, other = _revised(timeline, orders), _revised(timeline, orders[seed % 4 :] + orders[: seed % 4])
    assert derive_elements(one).sha256() == derive_elements(other).sha256()


@given(timelines(), st.data())
def test_another_order_of_sources_is_the_same_cut(timeline: Timeline, data: st.DataObject) -> None:
    turned = timeline.model_copy(update={"sources": tuple(data.draw(st.permutations(timeline.sources)))})
    assert derive_elements(turned).sha256() == derive_elements(timeline).sha256()


@given(timelines())
def test_a_timeline_survives_its_own_json(timeline: Timeline) -> None:
    assert Timeline.model_validate_json(timeline.model_dump_json(exclude_none=True)) == timeline


@given(boxes(), st.integers(0, 1000), st.sampled_from([(640, 360), (720, 480), (853, 480), (1920, 1080)]))
def test_a_box_taken_to_the_cut_and_back_still_covers_what_was_seen_of_it(
    box: Box, centre: int, source: tuple[int, int]
) -> None:
    shown = view(source, (640, 360), Reframe(aspect="9:16", width=720, height=1280, centre_x=centre), "c1")
    there = shown.in_cut(box)
    if there is not None:
        back = shown.in_source(there)
        again = shown.in_cut(back) if back else None
        assert again is not None
        assert covers(again, there)


@pytest.mark.parametrize("aspect", [(9, 16), (1, 1), (4, 5), (16, 9)])
@given(st.integers(0, 1000))
def test_a_cut_out_lies_inside_the_canvas(aspect: tuple[int, int], centre: int) -> None:
    shape = Reframe(aspect="x", width=aspect[0] * 40, height=aspect[1] * 40, centre_x=centre)
    shown = view((640, 360), (640, 360), shape, "c1").shown
    assert 0 <= shown.left < shown.right <= 640
    assert 0 <= shown.top < shown.bottom <= 360
    assert abs(shown.width * aspect[1] - shown.height * aspect[0]) <= 2 * max(aspect)
