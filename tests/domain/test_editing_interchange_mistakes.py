"""Files of other programs with mistakes in them: each is told with its place and the cure."""

from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.captioning import broken, read_captions, write_captions
from holdback_servers.editing.interchange import Conformed, conform, export, read
from holdback_servers.editing.operations import Maker, create
from holdback_servers.editing.orders import ClipWanted

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM = "sha256:" + "a" * 64
NTSC, PAL = Rate(num=30000, den=1001), Rate(num=25)
HEAD = "TITLE: T\nFCM: NON-DROP FRAME\n\n"


def _source(rate: Rate, media: str = FILM, title: str = "Interview") -> CutFacts:
    whole = Element(id="f", kind="programme", ref="film:x", name="x", spans=(Span(in_frame=0, out_frame=5000),))
    made = ElementList(rate=rate, frames=5000, elements=(whole,))
    return CutFacts(media=media, element_list=made, width=640, height=360, title=title)


def _taken(text: str, form: Any = "edl", rate: Rate = PAL, **named: Any) -> Conformed:
    sources = named.pop("sources", [_source(rate)])
    return conform(
        read(text, form, rate), sources, Maker("tl_1", "person:sam", NOW), given=named.get("given", {}), starts={}
    )


def _event(times: str, kind: str = "C       ", reel: str = "INTERVIE", number: int = 1) -> str:
    return f"{number:03}  {reel} V     {kind} {times}\n"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (_event("00:00:01:00 00:00:02:00 10:00:00:00 10:00:02:00"), "INVALID_ARGUMENT", "Event 001: its source lasts"),
        (_event("00:00:01:30 00:00:02:00 10:00:00:00 10:00:01:00"), "TIMECODE_INVALID", "Event 001: 00:00:01:30"),
        ("001  nonsense\n", "INVALID_ARGUMENT", "Line 4"),
        (_event("00:00:01:00 00:00:02:00 10:00:00:00 10:00:01:00", reel="A001"), "NOT_FOUND", "'A001'"),
        (_event("00:10:00:00 00:10:01:00 10:00:00:00 10:00:01:00"), "SPAN_OUTSIDE_MEDIA", "Event 001"),
        (
            _event("00:00:01:00 00:00:02:00 10:00:00:00 10:00:01:00")
            + _event("00:00:01:00 00:00:02:00 10:00:02:00 10:00:03:00", number=2),
            "TIMELINE_INVALID",
            "Event 002: the picture on frame 50 has a gap",
        ),
        (
            _event("00:00:01:00 00:00:02:00 10:00:00:00 10:00:01:00") + "M2   INTERVIE  -025.0   00:00:01:00\n",
            "INVALID_ARGUMENT",
            "speed of -100 percent",
        ),
        ("", "INVALID_ARGUMENT", "no event on the picture track"),
    ],
)
def test_a_mistake_in_a_list_is_told_with_its_event(text: str, code: str, said: str) -> None:
    with pytest.raises(Problem) as refused:
        _taken(HEAD + text)
    assert refused.value.code == code
    assert said in refused.value.message
    assert refused.value.hint


def test_a_name_that_two_sources_have_is_asked_about_and_taken_as_told() -> None:
    text = HEAD + _event("00:00:01:00 00:00:02:00 10:00:00:00 10:00:01:00")
    twins = [_source(PAL), _source(PAL, "sha256:" + "b" * 64)]
    with pytest.raises(Problem) as refused:
        _taken(text, sources=twins)
    assert refused.value.code == "CONFLICT"
    taken = _taken(text, sources=twins, given={"INTERVIE": twins[1].media})
    assert taken.timeline.clips[0].media == twins[1].media


def test_a_slow_clip_of_odd_length_shows_every_frame_it_should() -> None:
    text = HEAD + _event("00:00:01:00 00:00:01:03 10:00:00:00 10:00:00:05") + "M2   INTERVIE   012.5   00:00:01:00\n"
    taken = _taken(text)
    shown = [clip.source_frame(k) for clip in taken.timeline.clips for k in range(clip.frames)]
    assert shown == [25, 25, 26, 26, 27]
    assert "held" in taken.remarks[0].message


def test_a_list_that_writes_drop_frame_with_colons_is_read_as_drop_frame() -> None:
    text = "FCM: DROP FRAME\n" + _event("00:00:59:28 00:01:00:04 00:00:59:28 00:01:00:04")
    taken = _taken(text, rate=NTSC)
    assert taken.timeline.clips[0].source == Span(in_frame=1798, out_frame=1802)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><fcpxml>&a;</fcpxml>', "declares entities"),
        ("<fcpxml><a></fcpxml>", "no well-formed XML"),
        ("<xmeml/>", "first element is 'xmeml'"),
        ("<fcpxml/>", "no sequence"),
        ("<fcpxml>" + "<a>" * 150 + "</a>" * 150 + "</fcpxml>", "nested too deeply"),
    ],
)
def test_hostile_or_broken_xml_is_refused(text: str, said: str) -> None:
    with pytest.raises(Problem) as refused:
        read(text, "fcpxml", None)
    assert said in refused.value.message


@pytest.mark.parametrize("text", ["{", "[]", '{"OTIO_SCHEMA": "Clip.2", "name": "x"}', "[" * 200 + "]" * 200])
def test_what_is_no_otio_timeline_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        read(text, "otio", None)
    assert refused.value.code == "INVALID_ARGUMENT"


def test_no_path_leaves_even_where_a_title_looks_like_one() -> None:
    source = _source(PAL, title="/home/sam/secret.mov")
    wanted = [ClipWanted(media=FILM, in_frame=0, out_frame=50)]
    made = create(Maker("tl_1", "person:sam", NOW), title="T", sources=[source], clips=wanted)
    text = export(made, "fcpxml", "10:00:00:00", {}).text
    assert 'src="home-sam-secret-mov-aaaaaaaa.mp4"' in text
    assert "file:" not in text


@pytest.mark.parametrize("rate", [Rate(num=24000, den=1001), PAL, NTSC, Rate(num=60000, den=1001)])
@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_captions_come_back_on_the_same_frames(form: Any, rate: Rate) -> None:
    lines = [(Span(in_frame=k * 31 + 1, out_frame=k * 31 + 30), f"Line {k} & <more>") for k in range(200)]
    again = read_captions(write_captions(lines, rate, form), form, rate)
    assert [each.span for each in again] == [span for span, _ in lines]


def test_captions_are_broken_into_lines_that_can_be_read() -> None:
    lines = broken("The quick brown fox jumps over the lazy dog and then goes home to sleep")
    assert len(lines) == 2
    assert max(len(each) for each in lines) <= 42


@pytest.mark.parametrize(
    ("text", "line"), [("1\n00:00:02,000 --> 00:00:01,000\nHi\n", 2), ("1\nHi\n", 1), ("\n\n1\n0:9 --> x\nHi\n", 4)]
)
def test_a_mistake_in_captions_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Problem) as refused:
        read_captions(text, "srt", PAL)
    assert f"Line {line}" in refused.value.message


def test_left_and_right_of_the_pictures_sound_may_be_two_events() -> None:
    times = "00:00:01:00 00:00:02:00 10:00:00:00 10:00:01:00\n"
    rows = [
        f"{number:03}  INTERVIE {channel:<5} C        {times}" for number, channel in enumerate(("V", "A", "A2"), 1)
    ]
    taken = _taken(HEAD + "".join(rows)).timeline
    assert not taken.sound_tracks
    assert not taken.track("programme").muted
    assert not taken.track("programme").silences


def test_what_a_file_of_another_program_has_beyond_this_room_is_told_and_not_dropped_in_silence() -> None:
    cut = create(
        Maker("tl_1", "person:sam", NOW),
        title="Cut",
        sources=[_source(PAL)],
        clips=[ClipWanted(media=FILM, in_frame=start, out_frame=start + 50) for start in (0, 100)],
    )
    written = export(cut, "fcp7", "10:00:00:00", {}).text
    effect = "<filter><effect><name>Basic Motion</name><effectid>basic</effectid></effect></filter></clipitem>"
    moved = _taken(written.replace("</clipitem>", effect, 1), "fcp7").remarks
    head, last, tail = written.partition('<clipitem id="')
    off = head + last + tail.replace("<name>", "<enabled>FALSE</enabled><name>", 1)
    assert not _taken(written, "fcp7").remarks
    assert ["Basic Motion" in each.message for each in moved] == [True]
    with pytest.raises(Problem) as gap:
        _taken(off, "fcp7")
    assert any("switched off" in each.message for each in read(off, "fcp7", None).remarks)
    assert gap.value.code == "TIMELINE_INVALID"
    told = export(cut, "fcpxml", "10:00:00:00", {}).text
    softer = told.replace("</asset-clip>", '<adjust-volume amount="-6dB"/></asset-clip>', 1)
    assert softer != told
    assert ["levels" in each.message for each in _taken(softer, "fcpxml").remarks] == [True]
