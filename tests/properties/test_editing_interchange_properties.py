"""Every exported cut keeps its frames: read back by OpenTimelineIO and its CMX 3600 adapter, at every rate."""

from datetime import UTC, datetime
from typing import Any

import opentimelineio as otio
import pytest
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span, timecode_to_frames
from holdback_servers.editing.interchange import export
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create
from holdback_servers.editing.orders import ClipWanted, SoundWanted
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM, MUSIC = "sha256:" + "a" * 64, "sha256:" + "b" * 64
FRAMES = 5000
RATES = [(24000, 1001), (24, 1), (25, 1), (30000, 1001), (50, 1), (60000, 1001)]


@st.composite
def cuts(draw: st.DrawFn) -> Timeline:
    num, den = draw(st.sampled_from(RATES))
    rate = Rate(num=num, den=den)
    whole = Element(id="f", kind="programme", ref="film:x", name="x", spans=(Span(in_frame=0, out_frame=FRAMES),))
    made = ElementList(rate=rate, frames=FRAMES, elements=(whole,))
    starts = draw(st.lists(st.tuples(st.integers(0, FRAMES - 100), st.integers(1, 100)), min_size=1, max_size=5))
    return create(
        Maker("tl_1", "person:sam", NOW),
        title="A film: über alles",
        sources=[
            CutFacts(media=FILM, element_list=made, width=640, height=360, title="Big Buck Bunny"),
            CutFacts(media=MUSIC, element_list=made, title="Big Buck Bunny music"),
        ],
        clips=[ClipWanted(media=FILM, in_frame=start, out_frame=start + length) for start, length in starts],
        music=[SoundWanted(media=MUSIC, in_frame=7)],
    )


@given(cuts(), st.booleans())
def test_an_edl_read_back_has_the_same_frames(timeline: Timeline, american: bool) -> None:
    begin = "01:00:00:00" if american else "10:00:00:00"
    starts = {FILM: "10:00:00:00"}
    text = export(timeline, "edl", begin, starts).text
    rate = timeline.rate
    events = [line.split() for line in text.splitlines() if line[:3].isdigit()]
    assert text.splitlines()[1] == "FCM: NON-DROP FRAME"
    position = timecode_to_frames(begin, rate)
    offset = timecode_to_frames("10:00:00:00", rate)
    for (_, record), event in zip(timeline.placed(), events, strict=False):
        clip = timeline.clips[int(event[0]) - 1]
        read = [timecode_to_frames(each, rate) for each in event[4:8]]
        assert read == [
            clip.source.in_frame + offset,
            clip.source.out_frame + offset,
            position + record.in_frame,
            position + record.out_frame,
        ]
    assert [event[2] for event in events] == ["AA/V"] * len(timeline.clips) + ["A3"]
    assert len({event[1] for event in events}) == 2
    assert "/" not in text.replace("AA/V", "")


@given(cuts())
def test_the_adapter_of_opentimelineio_reads_the_edl_alike(timeline: Timeline) -> None:
    text = export(timeline, "edl", "10:00:00:00", {}).text
    read: Any = otio.adapters.read_from_string(text, "cmx_3600", rate=timeline.rate.nominal)
    picture = next(track for track in read.tracks if track.kind == otio.schema.TrackKind.Video)
    spans = [(clip.source_range.start_time.value, clip.source_range.duration.value) for clip in picture]
    assert spans == [(clip.source.in_frame, clip.source.frames) for clip in timeline.clips]


@given(cuts())
def test_an_otio_read_back_has_the_same_frames_and_no_path(timeline: Timeline) -> None:
    text = export(timeline, "otio", "10:00:00:00", {FILM: "10:00:00:00"}).text
    read: Any = otio.adapters.read_from_string(text, "otio_json")
    offset = timecode_to_frames("10:00:00:00", timeline.rate)
    spans = [(c.source_range.start_time.value - offset, c.source_range.duration.value) for c in read.tracks[0]]
    assert spans == [(clip.source.in_frame, clip.source.frames) for clip in timeline.clips]
    assert read.duration().value == timeline.frames
    urls = {c.media_reference.target_url for track in read.tracks for c in track}
    assert urls == {f"urn:{FILM}", f"urn:{MUSIC}"}


def _at(num: int, den: int) -> Timeline:
    rate = Rate(num=num, den=den)
    whole = Element(id="f", kind="programme", ref="film:x", name="x", spans=(Span(in_frame=0, out_frame=FRAMES),))
    made = CutFacts(
        media=FILM, element_list=ElementList(rate=rate, frames=FRAMES, elements=(whole,)), width=64, height=36
    )
    wanted = [ClipWanted(media=FILM, in_frame=1700, out_frame=1900)]
    return create(Maker("tl_1", "person:sam", NOW), title="T", sources=[made], clips=wanted)


def test_drop_frame_skips_the_numbers_that_do_not_exist() -> None:
    text = export(_at(30000, 1001), "edl", "00:59:58;00", {FILM: "00:00:00;00"}).text
    assert "FCM: DROP FRAME" in text
    assert "00:00:56;20 00:01:03;12 00:59:58;00 01:00:04;20" in text


def test_drop_frame_where_there_is_none_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        export(_at(25, 1), "edl", "10:00:00;00", {})
    assert refused.value.code == "TIMECODE_INVALID"
