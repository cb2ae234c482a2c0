"""A cut as AAF comes back with every frame, and the public reader of AAF sees the same cuts."""

import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.vocabulary import Rate, Span, timecode_to_frames
from holdback_servers.editing.interchange import Conformed, conform
from holdback_servers.editing.interchange.aaf_reading import read
from holdback_servers.editing.interchange.aaf_writing import write
from holdback_servers.editing.interchange.laying import sheet_of
from holdback_servers.editing.interchange.losses import losses
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation, SoundWanted
from holdback_servers.editing.parts import Marker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM, MUSIC, VOICE = ("sha256:" + each * 64 for each in "abc")
STARTS = {FILM: "10:00:00:00", VOICE: "23:59:00:00"}
RATES = [(24000, 1001), (24, 1), (25, 1), (30000, 1001), (50, 1), (60000, 1001)]
MIXING = ["dissolve", "wipe_left", "wipe_right", "wipe_up", "wipe_down", "dip_to_black", "dip_to_white"]
WHOLE = Span(in_frame=0, out_frame=5000)
SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)


def _sources(rate: Rate) -> list[CutFacts]:
    whole = Element(id="f", kind="programme", ref="film:x", name="x", spans=(WHOLE,))
    made = ElementList(rate=rate, frames=WHOLE.frames, elements=(whole,))
    return [
        CutFacts(media=FILM, element_list=made, width=640, height=360, title="Big Buck Bunny"),
        CutFacts(media=MUSIC, element_list=made, title="Big Buck Bunny music"),
        CutFacts(media=VOICE, element_list=made, title="/home/sam/Voice: take 2"),
    ]


def _order(**fields: Any) -> Any:
    return TypeAdapter(Operation).validate_python(fields)


@st.composite
def clips(draw: st.DrawFn) -> ClipWanted:
    start, length = draw(st.integers(1000, 3000)), draw(st.integers(12, 80))
    freeze = draw(st.sampled_from([None, None, None, 1, 2, 20]))
    speed = 100 if freeze else draw(st.sampled_from([100, 100, 100, 50, 200, 33, 150, 25, 400, 10]))
    return ClipWanted(media=FILM, in_frame=start, out_frame=start + length, speed=speed, freeze=freeze, reason="ü <b>")


@st.composite
def cuts(draw: st.DrawFn) -> Timeline:
    num, den = draw(st.sampled_from(RATES))
    rate = Rate(num=num, den=den)
    made = create(
        Maker("tl_1", "person:sam", NOW),
        title="A film: über alles",
        sources=_sources(rate),
        clips=draw(st.lists(clips(), min_size=2, max_size=6)),
        voice=[SoundWanted(media=VOICE, in_frame=50, out_frame=60, at_frame=0)] if draw(st.booleans()) else [],
        music=[SoundWanted(media=MUSIC, in_frame=7)] if draw(st.booleans()) else [],
    )
    orders = [
        _order(op="add_transition", clip=clip.id, kind=draw(st.sampled_from(MIXING)), before=before, after=after)
        for one, clip in zip(made.clips, made.clips[1:], strict=False)
        if (before := draw(st.integers(0, min(one.frames // 2, 4))))
        + (after := draw(st.integers(0, min(clip.frames // 2, 4))))
    ]
    if draw(st.booleans()) and made.clips[0].frames > 10:
        orders.append(_order(op="add_transition", clip="c1", kind="dip_to_black", before=0, after=3))
    if draw(st.booleans()) and made.clips[-1].frames > 10:
        orders.append(_order(op="add_transition", kind="dip_to_black", before=4, after=0))
    if draw(st.booleans()):
        orders.append(_order(op="set_end_card", lines=["Watch now"], frames=50))
    if draw(st.booleans()):
        orders.append(_order(op="mute_track", track="programme", span={"in_frame": 1, "out_frame": 2}))
    return revise(made, orders, [], Maker("tl_2", "person:sam", NOW), 2) if orders else made


def frames_of(made: Timeline) -> list[Any]:
    """What is seen on each frame of the first track, without its transitions."""
    return [(clip.media, clip.source_frame(k)) for clip, record in made.placed() for k in range(record.frames)]


def changes_of(made: Timeline) -> list[Any]:
    begins = {clip.id: record.in_frame for clip, record in made.placed()}
    return [(each.kind, begins.get(each.clip or "", -1), each.before, each.after) for each in made.transitions]


def heard_of(made: Timeline) -> list[Any]:
    """Each frame of sound: which beside the picture, and where the picture's own."""
    found: set[Any] = set()
    for track in made.sound_tracks:
        for sound in track.clips:
            for k in range(min(sound.source.frames, made.frames - sound.at_frame)):
                found.add((track.role, sound.at_frame + k, sound.media, sound.source.in_frame + k))
    own = made.track("programme")
    for clip, record in made.placed():
        for frame in range(record.in_frame, record.out_frame):
            if not clip.freeze and not own.muted and not any(s.in_frame <= frame < s.out_frame for s in own.silences):
                found.add(("programme", frame))
    return sorted(found, key=str)


def _file(made: Timeline, path: Path, start: str) -> Path:
    path.write_bytes(write(sheet_of(made, start, STARTS), made.made))
    return path


def _back(made: Timeline, path: Path, start: str = "10:00:00:00") -> Conformed:
    sheet = read(_file(made, path, start))
    starts = {media: timecode_to_frames(code, made.rate) for media, code in STARTS.items()}
    return conform(sheet, made.sources, Maker("tl_9", "person:sam", NOW), given={}, starts=starts)


def _same(made: Timeline, path: Path) -> None:
    again = _back(made, path).timeline
    assert again.rate.fraction == made.rate.fraction
    assert frames_of(again) == frames_of(made)
    assert changes_of(again) == changes_of(made)
    assert heard_of(again) == heard_of(made)
    assert (again.start, again.frames) == ("10:00:00:00", made.frames)
    assert (again.width, again.height) == (made.width, made.height)


@given(made=cuts())
@settings(SLOW, max_examples=3)
def test_a_cut_comes_back_from_aaf_with_every_frame(made: Timeline, tmp_path: Path) -> None:
    _same(made, tmp_path / "cut.aaf")


@pytest.mark.processes
@given(made=cuts())
@settings(SLOW, max_examples=60)
def test_sixty_cuts_come_back_from_aaf_with_every_frame(made: Timeline, tmp_path: Path) -> None:
    _same(made, tmp_path / "cut.aaf")


def _seen_by_others(made: Timeline, path: Path) -> None:
    """The lengths, first frames, transitions and speeds that OpenTimelineIO's adapter finds on the first track."""
    import opentimelineio as otio

    seen: Any = otio.adapters.read_from_file(str(_file(made, path, "01:00:00:00")))
    track = next(each for each in seen.tracks if each.kind == otio.schema.TrackKind.Video)
    found = [each for each in track if isinstance(each, otio.schema.Clip | otio.schema.Track | otio.schema.Stack)]
    assert [each.duration().value for each in found] == [clip.frames for clip in made.clips]
    start = timecode_to_frames(STARTS[FILM], made.rate)
    for one, clip in zip(found, made.clips, strict=True):
        warps = [each for each in one.effects if isinstance(each, otio.schema.LinearTimeWarp)]
        assert [round(each.time_scalar * 100) for each in warps] == [0 if clip.freeze else clip.speed] * len(warps)
        assert len(warps) == (clip.speed != 100 or (clip.freeze or 1) > 1) or clip.freeze == 1
        if not warps:
            assert one.source_range.start_time.value == start + clip.source.in_frame
    mixes = [each for each in track if isinstance(each, otio.schema.Transition)]
    assert [(each.in_offset.value, each.out_offset.value) for each in mixes] == [
        part for each in made.transitions for part in _mixes(each)
    ]
    assert seen.global_start_time.value == timecode_to_frames("01:00:00:00", made.rate)


def _mixes(change: Any) -> list[tuple[int, int]]:
    """A dip is two mixes with nothing between them."""
    whole = [(change.before, change.after)]
    return [each for each in ([(change.before, 0), (0, change.after)] if "dip" in change.kind else whole) if any(each)]


@given(made=cuts())
@settings(SLOW, max_examples=2)
def test_the_public_reader_of_aaf_sees_the_same_cuts(made: Timeline, tmp_path: Path) -> None:
    _seen_by_others(made, tmp_path / "cut.aaf")


@pytest.mark.processes
@given(made=cuts())
@settings(SLOW, max_examples=25)
def test_the_public_reader_of_aaf_sees_the_same_of_twenty_five_cuts(made: Timeline, tmp_path: Path) -> None:
    _seen_by_others(made, tmp_path / "cut.aaf")


def _dressed(rate: Rate) -> Timeline:
    """A cut with a layer, words, captions, a marker and an end card."""
    made = create(
        Maker("tl_1", "person:sam", NOW),
        title="Dressed",
        sources=_sources(rate),
        clips=[ClipWanted(media=FILM, in_frame=100, out_frame=180)],
        music=[SoundWanted(media=VOICE, in_frame=7)],
    )
    box = {"x": 100, "y": 100, "width": 250, "height": 250}
    new = {"media": FILM, "in_frame": 7, "out_frame": 8, "freeze": 30}
    line = {"text": "Hello", "span": {"in_frame": 12, "out_frame": 40}}
    orders = [
        _order(op="add_layer_clip", layer="V2", new=new, at_frame=20, box=box, opacity=500),
        _order(op="set_end_card", lines=["Watch now"], frames=50),
        _order(op="add_credit", text="Music by Ä", span={"in_frame": 10, "out_frame": 50}, kind="credit"),
        _order(op="set_captions", language="en", lines=[line]),
    ]
    marker = Marker(span=Span(in_frame=30, out_frame=42), name="Leap", note="check - the ü")
    return revise(made, orders, [], Maker("tl_2", "person:sam", NOW), 2).model_copy(update={"markers": (marker,)})


@pytest.mark.parametrize(("code", "rate"), [("01:00:00;00", (30000, 1001)), ("00:59:58;00", (60000, 1001))])
def test_drop_frame_and_layers_come_back_from_aaf(code: str, rate: tuple[int, int], tmp_path: Path) -> None:
    made = _dressed(Rate(num=rate[0], den=rate[1]))
    again = _back(made, tmp_path / "cut.aaf", code).timeline
    assert again.start == code
    assert frames_of(again) == frames_of(made)
    assert again.markers == made.markers
    told, expected = again.layers[0].clips[0], made.layers[0].clips[0]
    assert (told.record, told.box, told.opacity) == (expected.record, expected.box, expected.opacity)


def test_an_aaf_has_no_address_and_no_machine_in_it_and_the_same_cut_gives_the_same_bytes(tmp_path: Path) -> None:
    sheet = sheet_of(_dressed(Rate(num=25)), "10:00:00:00", STARTS)
    made = write(sheet, NOW)
    assert write(sheet, NOW) == made
    assert "home-sam-voice-take-2-cccccccc.wav".encode("utf-16le") in made
    assert all(each.encode("utf-16le") not in made for each in ("file://", sys.platform, socket.gethostname()))


def test_what_aaf_cannot_say_is_told() -> None:
    lost = " ".join(losses(sheet_of(_dressed(Rate(num=25)), "10:00:00:00", STARTS), "aaf"))
    assert all(each in lost for each in ("AAF", "credits and titles", "captions", "boxes, opacity", "end card"))
