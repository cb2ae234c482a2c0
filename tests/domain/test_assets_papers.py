"""The papers of a version: elements, shot logs and provenance, as plain values."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from holdback_base.elements import Notice
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span, timecode_to_frames
from holdback_servers.assets.model import (
    FieldValue,
    LogEntry,
    Segment,
    TechnicalFacts,
    VideoFacts,
    check_provenance,
    check_succession,
    log_span,
    missing_refs,
)
from holdback_servers.assets.papers import DeclaredElement, declared_list, describe_shots, one_element, whole_ref

RATE = Rate(num=24)
FACTS = TechnicalFacts(
    container="mov",
    size_bytes=1,
    frames=1440,
    rate=RATE,
    start_timecode="10:00:00:00",
    start_frame=864000,
    video=VideoFacts(
        codec="h264", pixel_format="yuv420p", bit_depth=8, width=640, height=360, display_aspect="16:9", rate=RATE
    ),
)


def _ids() -> Callable[[str], str]:
    numbers = itertools.count(1)
    return lambda kind: f"{kind}_{next(numbers)}"


def _element(**fields: Any) -> DeclaredElement:
    return DeclaredElement.model_validate({"kind": "programme", "ref": "film:x", "name": "X"} | fields)


def _shot(number: int, start: int, end: int) -> Segment:
    keyframe = "sha256:" + f"{number:064x}"
    return Segment(
        id=f"seg_{number}",
        version_id="ver_1",
        kind="shot",
        in_frame=start,
        out_frame=end,
        method="auto",
        keyframe=keyframe,
    )


SHOTS = [_shot(1, 0, 106), _shot(2, 106, 151)]


def test_an_element_without_spans_is_in_all_of_the_media() -> None:
    listed = declared_list([_element()], FACTS, _ids())
    assert listed.elements[0].spans == (Span(in_frame=0, out_frame=1440),)
    assert (listed.rate, listed.frames, listed.elements[0].id) == (RATE, 1440, "el_1")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"spans": [{"in_frame": 1400, "out_frame": 1441}]}, "SPAN_OUTSIDE_MEDIA"),
        ({"obscured": [{"in_frame": 0, "out_frame": 2000}]}, "SPAN_OUTSIDE_MEDIA"),
        ({"ref": "Big Buck Bunny"}, "INVALID_ARGUMENT"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Problem) as caught:
        declared_list([_element(**fields)], FACTS, _ids())
    assert caught.value.code == code


def test_two_elements_cannot_share_an_id() -> None:
    with pytest.raises(Problem) as caught:
        declared_list([_element(id="film"), _element(id="film")], FACTS, _ids())
    assert "film" in caught.value.message


def test_a_notice_beyond_the_media_is_refused() -> None:
    notice = Notice(kind="credit", text="(c)", span=Span(in_frame=0, out_frame=1500))
    with pytest.raises(Problem) as caught:
        declared_list([_element()], FACTS, _ids(), notices=(notice,))
    assert caught.value.code == "SPAN_OUTSIDE_MEDIA"


@pytest.mark.parametrize(
    ("kind", "title", "ref", "element"),
    [
        ("master", "Big Buck Bunny!", "film:big-buck-bunny", "programme"),
        ("music", "Meadow Waltz", "music:meadow-waltz", "music_master"),
        ("voice", "Ada Voss", "talent:ada-voss", "talent"),
        ("logo", "???", "logo:untitled", "logo"),
    ],
)
def test_media_without_declared_elements_is_one_element(kind: Any, title: str, ref: str, element: str) -> None:
    assert whole_ref(kind, title) == ref
    made = one_element(kind, title, None)
    assert (made.kind, made.ref) == (element, ref)
    assert one_element(kind, title, "film:own").ref == "film:own"


def test_a_log_entry_on_a_detected_shot_describes_it() -> None:
    entry = LogEntry(in_timecode="10:00:00:00", out_timecode="10:00:04:12", description="Daisies", tags=("flower",))
    described = describe_shots(SHOTS, [entry], FACTS, "ver_1", _ids())
    assert [(segment.id, segment.text, segment.out_frame) for segment, _ in described] == [
        ("seg_1", "Daisies", 106),
        ("seg_2", "", 151),
    ]
    assert described[0][1] is entry


def test_a_log_entry_elsewhere_is_a_segment_of_its_own_with_the_nearest_keyframe() -> None:
    entry = LogEntry(in_frame=100, out_frame=140, description="He turns")
    segment = describe_shots(SHOTS, [entry], FACTS, "ver_1", _ids())[-1][0]
    assert (segment.kind, segment.in_frame, segment.out_frame, segment.method) == ("log", 100, 140, "imported")
    assert segment.keyframe == SHOTS[1].keyframe


def test_a_marker_never_describes_a_shot() -> None:
    entry = LogEntry(in_frame=0, out_frame=106, description="Use this", kind="marker")
    described = describe_shots(SHOTS, [entry], FACTS, "ver_1", _ids())
    assert [(segment.kind, segment.text) for segment, _ in described] == [
        ("shot", ""),
        ("shot", ""),
        ("marker", "Use this"),
    ]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (LogEntry(in_frame=5, out_frame=5), "RANGE_INVALID"),
        (LogEntry(in_frame=5), "INVALID_ARGUMENT"),
        (LogEntry(in_frame=5, in_timecode="10:00:00:05", out_frame=9), "INVALID_ARGUMENT"),
        (LogEntry(in_frame=5, out_frame=1441), "SPAN_OUTSIDE_MEDIA"),
        (LogEntry(in_timecode="09:59:59:00", out_timecode="10:00:01:00"), "SPAN_OUTSIDE_MEDIA"),
        (LogEntry(in_timecode="10:00:00:24", out_timecode="10:00:02:00"), "TIMECODE_INVALID"),
    ],
)
def test_a_log_entry_that_cannot_be_is_refused(entry: LogEntry, code: str) -> None:
    with pytest.raises(Problem) as caught:
        log_span(entry, FACTS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("start", "written", "cure"),
    [("01:00:00;00", "01:10:00:02", "01:10:00;02"), ("01:00:00:00", "01:10:00;02", "01:10:00:02")],
)
def test_a_timecode_that_counts_otherwise_than_the_media_names_no_frame(start: str, written: str, cure: str) -> None:
    rate = Rate(num=30000, den=1001)
    first, drop = timecode_to_frames(start, rate), ";" in start
    told = {"frames": 50_000, "rate": rate, "start_timecode": start, "start_frame": first, "drop_frame": drop}
    facts = FACTS.model_copy(update=told)
    with pytest.raises(Problem) as caught:
        facts.frame_at(written)
    assert (caught.value.code, caught.value.hint) == ("TIMECODE_INVALID", f"Write {cure} if that is what is meant.")
    assert facts.timecode(facts.frame_at(cure)) == cure
    free = facts.model_copy(update={"start_timecode": None, "start_frame": 0, "drop_frame": False})
    assert free.frame_at("00:10:00;00") == 17982


def test_only_the_refs_that_are_left_out_are_missing() -> None:
    source = declared_list([_element(), _element(ref="music:waltz")], FACTS, _ids())
    assert missing_refs(["film:x"], [source, source]) == ["music:waltz"]
    assert missing_refs(["music:waltz", "film:x", "logo:y"], [source]) == []


def test_an_automatic_value_needs_its_configuration_and_confidence() -> None:
    check_provenance("auto", 870, "urn:holdback:detector:shots:1")
    check_provenance("manual", None, None)
    for confidence, config in ((None, "urn:x"), (900, None)):
        with pytest.raises(Problem):
            check_provenance("auto", confidence, config)


@pytest.mark.parametrize(
    ("earlier", "later", "passes"),
    [("manual", "manual", True), ("manual", "imported", True), ("manual", "auto", False), ("auto", "auto", True)],
)
def test_a_machine_does_not_replace_what_a_person_entered(earlier: Any, later: Any, passes: bool) -> None:
    current = FieldValue.model_validate(
        {"id": "evt_1", "target": "ast_1", "field": "genre", "value": "x", "method": earlier, "by": "person:sam"}
        | {"at": "2026-11-22T12:00:00Z"}
    )
    if passes:
        check_succession(current, later)
        return
    with pytest.raises(Problem) as caught:
        check_succession(current, later)
    assert caught.value.code == "CONFLICT"
