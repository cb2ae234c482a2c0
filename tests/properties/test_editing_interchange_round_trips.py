"""What leaves comes back: every frame of picture and sound, through every format, at every rate of the trade."""

from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.vocabulary import Rate, Span, timecode_to_frames
from holdback_servers.editing.interchange import conform, export, read
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, SoundWanted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM, MUSIC, VOICE = ("sha256:" + each * 64 for each in "abc")
FRAMES = 5000
RATES = [(24000, 1001), (24, 1), (25, 1), (30000, 1001), (50, 1), (60000, 1001)]
STARTS = {FILM: "10:00:00:00", VOICE: "23:59:00:00"}
MIXING = ["dissolve", "wipe_left", "wipe_right", "wipe_up", "wipe_down", "dip_to_black", "dip_to_white"]
WHOLE = Span(in_frame=0, out_frame=FRAMES)


def _sources(rate: Rate) -> list[CutFacts]:
    whole = Element(id="f", kind="programme", ref="film:x", name="x", spans=(WHOLE,))
    made = ElementList(rate=rate, frames=FRAMES, elements=(whole,))
    return [
        CutFacts(media=FILM, element_list=made, width=640, height=360, title="Big Buck Bunny"),
        CutFacts(media=MUSIC, element_list=made, title="Big Buck Bunny music"),
        CutFacts(media=VOICE, element_list=made, title="Voice/over: take 2"),
    ]


def _order(**fields: Any) -> Any:
    from holdback_servers.editing.orders import Operation

    return TypeAdapter(Operation).validate_python(fields)


@st.composite
def clips(draw: st.DrawFn) -> ClipWanted:
    start = draw(st.integers(1000, 3000))
    length = draw(st.integers(12, 80))
    speed = draw(st.sampled_from([100, 100, 100, 50, 200, 33, 150, 25, 400]))
    freeze = draw(st.sampled_from([None, None, None, 1, 20]))
    return ClipWanted(
        media=FILM,
        in_frame=start,
        out_frame=start + length,
        speed=100 if freeze else speed,
        freeze=freeze,
        reason=draw(st.sampled_from(["", "the leap", "ünïcode & <b>"])),
    )


@st.composite
def timelines(draw: st.DrawFn, *, mixing: bool = True) -> Timeline:
    num, den = draw(st.sampled_from(RATES))
    rate = Rate(num=num, den=den)
    sources = _sources(rate)
    made = create(
        Maker("tl_1", "person:sam", NOW),
        title="A film: über alles",
        sources=sources,
        clips=draw(st.lists(clips(), min_size=1, max_size=5)),
        voice=[SoundWanted(media=VOICE, in_frame=50, out_frame=60, at_frame=0)] if draw(st.booleans()) else [],
        music=[SoundWanted(media=MUSIC, in_frame=7)] if draw(st.booleans()) else [],
    )
    orders = [
        _order(op="add_transition", clip=clip.id, kind=draw(st.sampled_from(MIXING)), before=before, after=after)
        for one, clip in zip(made.clips, made.clips[1:], strict=False)
        if mixing
        and (before := draw(st.integers(0, min(one.frames // 2, 4))))
        + (after := draw(st.integers(0, min(clip.frames // 2, 4))))
    ]
    carded = mixing and draw(st.booleans())
    if carded:
        orders.append(_order(op="set_end_card", lines=["The end"], frames=20))
    if mixing and draw(st.booleans()) and made.clips[0].frames > 10:
        orders.append(_order(op="add_transition", clip="c1", kind="dip_to_black", before=0, after=3))
    if mixing and draw(st.booleans()) and made.clips[-1].frames > 10:
        after = draw(st.integers(0, 3)) if carded else 0
        orders.append(_order(op="add_transition", kind="dip_to_black", before=4, after=after))
    if draw(st.booleans()):
        orders.append(_order(op="mute_track", track="programme"))
    elif made.frames > 12 and draw(st.booleans()):
        orders.append(_order(op="mute_track", track="programme", span={"in_frame": 4, "out_frame": 9}))
    if not orders:
        return made
    return revise(made, orders, [], Maker("tl_2", "person:sam", NOW), 2)


def frames_of(timeline: Timeline) -> list[tuple[Any, ...]]:
    """What is seen on each frame of the first track, without its transitions."""
    return [
        (clip.media, clip.source_frame(offset)) for clip, record in timeline.placed() for offset in range(record.frames)
    ]


def changes_of(timeline: Timeline) -> list[tuple[Any, ...]]:
    begins = {clip.id: record.in_frame for clip, record in timeline.placed()}
    return [(each.kind, begins.get(each.clip or "", -1), each.before, each.after) for each in timeline.transitions]


def heard_of(timeline: Timeline) -> list[tuple[Any, ...]]:
    """Each sound beside the picture, frame by frame, and where the picture's own is heard."""
    found: set[tuple[Any, ...]] = set()
    for track in timeline.sound_tracks:
        for sound in () if track.muted else track.clips:
            for offset in range(min(sound.source.frames, timeline.frames - sound.at_frame)):
                found.add((track.role, sound.at_frame + offset, sound.media, sound.source.in_frame + offset))
    own = timeline.track("programme")
    for clip, record in timeline.placed():
        for frame in range(record.in_frame, record.out_frame):
            if not clip.freeze and not own.muted and not any(s.in_frame <= frame < s.out_frame for s in own.silences):
                found.add(("programme", frame))
    return sorted(found, key=str)


def back(timeline: Timeline, form: Any, start: str = "10:00:00:00") -> Timeline:
    text = export(timeline, form, start, STARTS).text
    sheet = read(text, form, timeline.rate)
    starts = {media: timecode_to_frames(code, timeline.rate) for media, code in STARTS.items()}
    return conform(sheet, timeline.sources, Maker("tl_9", "person:sam", NOW), given={}, starts=starts).timeline


FORMATS = ["otio", "edl", "fcp7", "fcpxml"]


@pytest.mark.parametrize("form", FORMATS)
@given(made=timelines())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_cut_comes_back_with_every_frame(form: str, made: Timeline) -> None:
    again = back(made, form)
    assert again.rate.fraction == made.rate.fraction
    assert frames_of(again) == frames_of(made)
    assert changes_of(again) == changes_of(made)
    assert heard_of(again) == heard_of(made)
    assert again.frames == made.frames
    assert again.start == "10:00:00:00"


def _dressed(rate: Rate) -> Timeline:
    """A cut with a layer, an end card, words, captions and a speed."""
    made = create(
        Maker("tl_1", "person:sam", NOW),
        title="Dressed",
        sources=_sources(rate),
        clips=[
            ClipWanted(media=FILM, in_frame=100, out_frame=180),
            ClipWanted(media=FILM, in_frame=900, out_frame=940, speed=50),
        ],
    )
    box = {"x": 100, "y": 100, "width": 250, "height": 250}
    new = {"media": FILM, "in_frame": 7, "out_frame": 8, "freeze": 30}
    line = {"text": "Hello & <you>", "span": {"in_frame": 12, "out_frame": 40}}
    orders = [
        _order(op="add_layer_clip", layer="V2", new=new, at_frame=20, box=box, opacity=500),
        _order(op="set_end_card", lines=["Watch now"], frames=50),
        _order(op="add_credit", text="Music by Ä", span={"in_frame": 100, "out_frame": 150}, kind="credit"),
        _order(op="set_captions", language="en", lines=[line]),
    ]
    return revise(made, orders, [], Maker("tl_2", "person:sam", NOW), 2)


@pytest.mark.parametrize("form", ["otio", "fcpxml"])
@pytest.mark.parametrize(("num", "den"), RATES)
def test_layers_words_captions_and_the_end_card_come_back(form: str, num: int, den: int) -> None:
    made = _dressed(Rate(num=num, den=den))
    again = back(made, form)
    assert frames_of(again) == frames_of(made)
    assert again.frames == made.frames
    told, expected = again.layers[0].clips[0], made.layers[0].clips[0]
    assert (told.record, told.box, told.opacity) == (expected.record, expected.box, expected.opacity)
    assert [(each.text, each.span, each.kind) for each in again.credits] == [
        (each.text, each.span, each.kind) for each in made.credits
    ]
    assert again.captions == made.captions
    assert again.end_card is not None
    assert made.end_card is not None
    assert (again.end_card.lines, again.end_card.frames) == (made.end_card.lines, made.end_card.frames)


@pytest.mark.parametrize("form", ["edl", "fcp7"])
def test_what_a_format_cannot_say_is_told(form: Any) -> None:
    lost = " ".join(export(_dressed(Rate(num=25)), form, "10:00:00:00", STARTS).losses)
    assert "credits and titles" in lost
    assert "captions" in lost
    assert "black" in lost


@given(made=timelines(mixing=False))
@settings(max_examples=25, deadline=None)
def test_the_public_reader_of_fcp7_xml_sees_the_same_cuts(made: Timeline) -> None:
    import opentimelineio as otio

    text = export(made, "fcp7", "10:00:00:00", STARTS).text
    seen: Any = otio.adapters.read_from_string(text, "fcp_xml")
    track = next(each for each in seen.tracks if each.kind == otio.schema.TrackKind.Video)
    clips = [each for each in track if isinstance(each, otio.schema.Clip)]
    assert [each.duration().value for each in clips] == [clip.frames for clip in made.clips]
    plain = [(one, clip) for one, clip in zip(clips, made.clips, strict=True) if clip.speed == 100]
    start = timecode_to_frames(STARTS[FILM], made.rate)
    assert all(one.source_range.start_time.value in (clip.source.in_frame, clip.source.in_frame + start)
               for one, clip in plain)  # fmt: skip


@pytest.mark.parametrize(("code", "rate"), [("01:00:00;00", (30000, 1001)), ("00:59:58;00", (60000, 1001))])
@pytest.mark.parametrize("form", FORMATS)
def test_drop_frame_records_come_back(form: str, code: str, rate: tuple[int, int]) -> None:
    made = _dressed(Rate(num=rate[0], den=rate[1]))
    again = back(made, form, code)
    assert again.start == code
    assert frames_of(again) == frames_of(made)


@given(made=timelines())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_public_reader_of_lists_sees_transitions_and_speeds(made: Timeline) -> None:
    import opentimelineio as otio

    if any(each.kind.startswith("dip") for each in made.transitions):
        return
    text = export(made, "edl", "10:00:00:00", STARTS).text
    seen: Any = otio.adapters.read_from_string(text, "cmx_3600", rate=made.rate.nominal)
    track = next(each for each in seen.tracks if each.kind == otio.schema.TrackKind.Video)
    heads = {each.clip: each.before for each in made.transitions}
    tails = [heads.get(clip.id, 0) for clip in made.clips[1:]] + [0]
    lengths = [each.duration().value for each in track if isinstance(each, otio.schema.Clip)]
    if made.end_card is not None:
        assert lengths.pop() == made.end_card.frames
    assert lengths == [clip.frames + heads.get(clip.id, 0) - tail for clip, tail in zip(made.clips, tails, strict=True)]
    mixed = [each.out_offset.value for each in track if isinstance(each, otio.schema.Transition)]
    assert mixed == [each.before + each.after for each in made.transitions]
