"""Cutting by value: what each operation makes of a timeline, and what it refuses."""

from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_base.elements import Box, CutFacts, Element, ElementKind, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.derivation import derive_elements
from holdback_servers.editing.differences import differences
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation, SoundWanted
from holdback_servers.editing.validation import validate
from pydantic import TypeAdapter

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM, CUE, BED, OTHER = (f"sha256:{digit * 64}" for digit in "abcd")
LOGO = Box(x=450, y=100, width=100, height=100)
CORNER = Box(x=0, y=0, width=100, height=100)
_OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])


def _spans(*ends: tuple[int, int]) -> tuple[Span, ...]:
    return tuple(Span(in_frame=start, out_frame=end) for start, end in ends)


def _element(name: str, kind: ElementKind, spans: tuple[Span, ...], box: Box | None = None) -> Element:
    return Element(id=name, kind=kind, ref=f"{kind}:{name}", name=name, spans=spans, box=box)


def _facts(media: str, frames: int, *elements: Element, rate: int = 24, sound_only: bool = False) -> CutFacts:
    made = ElementList(rate=Rate(num=rate), frames=frames, elements=elements)
    size = {} if sound_only else {"width": 640, "height": 360}
    return CutFacts(media=media, element_list=made, title=media[7:8], **size)


FILM_FACTS = _facts(
    FILM,
    1000,
    _element("film", "programme", _spans((0, 1000))),
    _element("logo", "logo", _spans((100, 200)), LOGO),
    _element("bug", "logo", _spans((0, 1000)), CORNER),
    _element("score", "music_master", _spans((0, 500))),
    _element("actor", "talent", _spans((150, 400)), LOGO),
)
CUE_FACTS = _facts(CUE, 100, _element("cue", "music_master", _spans((0, 100))), rate=25, sound_only=True)
BED_FACTS = _facts(BED, 2000, _element("bed", "music_master", _spans((0, 2000))), sound_only=True)


def _cut(*ends: tuple[int, int], music: tuple[SoundWanted, ...] = (), **more: Any) -> Timeline:
    clips = [ClipWanted(media=FILM, in_frame=start, out_frame=end) for start, end in ends]
    maker = Maker("tl_1", "person:sam", NOW)
    return create(maker, title="Cut", sources=[FILM_FACTS, CUE_FACTS], clips=clips, music=music, **more)


def _revised(old: Timeline, *operations: dict[str, Any], sources: tuple[CutFacts, ...] = ()) -> Timeline:
    return revise(old, _OPERATIONS.validate_python(operations), sources, Maker("tl_2", "person:sam", NOW), 2)


def _elements(timeline: Timeline) -> dict[str, Element]:
    return {each.id: each for each in derive_elements(timeline).elements}


def test_elements_come_with_the_frames_that_clips_use() -> None:
    found = _elements(_cut((150, 170), (0, 10), (195, 210)))
    assert found["film"].spans == _spans((0, 45))
    assert found["logo"].spans == _spans((0, 20), (30, 35))
    assert found["actor"].spans == _spans((0, 20), (30, 45))


def test_muting_the_films_sound_takes_its_music_out_and_leaves_what_is_seen() -> None:
    found = _elements(_revised(_cut((100, 200)), {"op": "mute_track", "track": "programme"}))
    assert set(found) == {"film", "logo", "bug", "actor"}


def test_a_silence_takes_music_out_on_its_frames_only() -> None:
    silent = {"op": "mute_track", "track": "programme", "span": {"in_frame": 10, "out_frame": 20}}
    assert _elements(_revised(_cut((0, 50)), silent))["score"].spans == _spans((0, 10), (20, 50))


def test_replaced_music_is_gone_and_the_new_one_fills_the_cut() -> None:
    first = _cut((0, 300), music=(SoundWanted(media=CUE),))
    assert _elements(first)["cue"].spans == _spans((0, 96))
    second = _revised(first, {"op": "replace_music", "media": BED, "mute_programme": True}, sources=(BED_FACTS,))
    found = _elements(second)
    assert "cue" not in found
    assert "score" not in found
    assert found["bed"].spans == _spans((0, 300))


def test_music_that_is_too_short_is_repeated_and_follows_a_longer_cut() -> None:
    first = _revised(_cut((0, 200)), {"op": "replace_music", "media": CUE})
    assert [(each.at_frame, each.source.frames) for each in first.track("music").clips] == [(0, 96), (96, 96), (192, 8)]
    longer = _revised(first, {"op": "trim_clip", "clip": "c1", "out_frame": 210})
    assert longer.track("music").clips[-1].record.out_frame == 210


def test_a_blur_hides_an_element_only_where_it_covers_all_of_it() -> None:
    whole = _revised(_cut((90, 210)), {"op": "blur", "element": "logo"})
    assert _elements(whole)["logo"].obscured == _elements(whole)["logo"].spans
    part = {"x": 450, "y": 100, "width": 99, "height": 100}
    assert not _elements(_revised(_cut((90, 210)), {"op": "blur", "box": part}))["logo"].obscured
    early = {"op": "blur", "box": LOGO.model_dump(), "span": {"in_frame": 0, "out_frame": 60}}
    assert _elements(_revised(_cut((90, 210)), early))["logo"].obscured == _spans((10, 60))


def test_an_actor_who_is_blurred_but_still_heard_is_not_obscured() -> None:
    blurred = _revised(_cut((150, 200)), {"op": "blur", "element": "actor"})
    assert _elements(blurred)["actor"].obscured == ()
    silent = _revised(blurred, {"op": "mute_track", "track": "programme"})
    assert _elements(silent)["actor"].obscured == _spans((0, 50))


def test_a_blur_goes_with_the_picture_when_clips_are_trimmed_and_moved() -> None:
    blurred = _revised(_cut((0, 50), (100, 200)), {"op": "blur", "element": "logo"})
    changed = _revised(
        blurred,
        {"op": "move_clip", "clip": "c2", "before": "c1"},
        {"op": "trim_clip", "clip": "c2", "in_frame": 120, "out_frame": 220},
    )
    logo = _elements(changed)["logo"]
    assert logo.spans == logo.obscured == _spans((0, 80))


def test_a_reframe_moves_boxes_and_cuts_off_what_is_outside() -> None:
    found = _elements(_revised(_cut((100, 200)), {"op": "reframe", "aspect": "9:16"}))
    assert "bug" not in found
    assert found["logo"].box is not None
    assert 310 <= found["logo"].box.x <= 350
    assert 310 <= found["logo"].box.width <= 330
    left = _revised(_cut((100, 200)), {"op": "reframe", "aspect": "9:16", "centre_x": 0})
    assert set(_elements(left)) == {"film", "bug", "score", "actor"}
    assert _elements(left)["actor"].box is None


def test_a_blur_in_the_picture_as_it_was_does_not_mind_a_reframe_in_the_same_request() -> None:
    orders = (
        {"op": "reframe", "aspect": "9:16", "centre_x": 480},
        {"op": "blur", "box": LOGO.model_dump()},
    )
    for each in (orders, orders[::-1]):
        logo = _elements(_revised(_cut((100, 200)), *each))["logo"]
        assert logo.obscured == logo.spans


def test_two_places_of_one_element_are_listed_as_two() -> None:
    apart = _revised(
        _cut((100, 150), (150, 200)),
        {"op": "reframe", "aspect": "9:16", "centres": [{"clip": "c2", "centre_x": 560}]},
    )
    found = _elements(apart)
    assert found["logo"].spans == _spans((0, 50))
    assert found["logo~2"].spans == _spans((50, 100))


def test_a_cut_of_a_cut_knows_what_both_are_made_of() -> None:
    first = _revised(_cut((100, 200)), {"op": "blur", "element": "logo"})
    credited = _revised(first, {"op": "add_credit", "text": "Thanks", "span": {"in_frame": 40, "out_frame": 100}})
    made = CutFacts(media=OTHER, element_list=derive_elements(credited), width=640, height=360)
    again = create(
        Maker("tl_9", "person:sam", NOW),
        title="Again",
        sources=[made],
        clips=[ClipWanted(media=OTHER, in_frame=50, out_frame=80)],
    )
    found = derive_elements(again)
    logo = next(each for each in found.elements if each.id == "logo")
    assert logo.obscured == logo.spans == _spans((0, 30))
    assert [(each.text, each.span.frames) for each in found.notices] == [("Thanks", 30)]


def test_an_editor_reads_what_changed() -> None:
    old = _cut((0, 48), (100, 148))
    new = _revised(
        old,
        {"op": "trim_clip", "clip": "c1", "in_frame": 12, "out_frame": 42},
        {"op": "remove_clip", "clip": "c2"},
        {"op": "insert_clip", "new": {"media": FILM, "in_frame": 300, "out_frame": 324, "reason": "the wing"}},
        {"op": "mute_track", "track": "programme"},
        {"op": "add_credit", "text": "Film © Us", "span": {"in_frame": 0, "out_frame": 54}},
        {"op": "reframe", "aspect": "9:16"},
        {"op": "set_loudness"},
    )
    assert differences(old, old) == []
    assert list(new.changes) == [
        "Length 4 s is now 2 s 6 f.",
        "Clip c2 removed, 2 s.",
        "Clip c1 trimmed: starts 12 f later, ends 6 f earlier.",
        'Clip c3 (the wing) from "a" inserted at 00:00:01:06 to 00:00:02:06.',
        "The film's own sound is muted.",
        'Credit t4 "Film © Us" at the bottom on 00:00:00:00 to 00:00:02:06.',
        "Picture reframed from 640 x 360 to 9:16, 720 x 1280, centred at 500 thousandths.",
        "Loudness target -14 LUFS, peak -1 dBTP.",
    ]


UNKNOWN_CLIP = {"media": OTHER, "in_frame": 0, "out_frame": 5}
SMALL = {"x": 0, "y": 0, "width": 9, "height": 9}


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "trim_clip", "clip": "c1", "out_frame": 0}, "EMPTY_CUT"),
        ({"op": "trim_clip", "clip": "c1", "out_frame": 1001}, "SPAN_OUTSIDE_MEDIA"),
        ({"op": "trim_clip", "clip": "c1", "in_frame": -1}, "SPAN_OUTSIDE_MEDIA"),
        ({"op": "remove_clip", "clip": "c1"}, "EMPTY_CUT"),
        ({"op": "remove_clip", "clip": "c7"}, "NOT_FOUND"),
        ({"op": "replace_clip", "clip": "c1", "by": UNKNOWN_CLIP}, "CUT_STATEMENT_REQUIRED"),
        ({"op": "replace_clip", "clip": "c1", "by": {"media": CUE, "in_frame": 0, "out_frame": 5}}, "INVALID_ARGUMENT"),
        ({"op": "replace_music", "media": OTHER}, "CUT_STATEMENT_REQUIRED"),
        ({"op": "blur", "box": {"x": 950, "y": 0, "width": 100, "height": 100}}, "INVALID_ARGUMENT"),
        ({"op": "blur", "box": SMALL, "span": {"in_frame": 0, "out_frame": 900}}, "SPAN_OUTSIDE_MEDIA"),
        ({"op": "blur"}, "INVALID_ARGUMENT"),
        ({"op": "blur", "element": "nobody"}, "NOT_FOUND"),
        ({"op": "blur", "element": "film"}, "INVALID_ARGUMENT"),
        ({"op": "add_credit", "text": "  ", "span": {"in_frame": 0, "out_frame": 50}}, "INVALID_ARGUMENT"),
        ({"op": "add_credit", "text": "a\x1b[31m", "span": {"in_frame": 0, "out_frame": 50}}, "INVALID_ARGUMENT"),
        ({"op": "add_credit", "text": "映画", "span": {"in_frame": 0, "out_frame": 50}}, "INVALID_ARGUMENT"),
        ({"op": "add_credit", "text": "Film", "span": {"in_frame": 0, "out_frame": 101}}, "SPAN_OUTSIDE_MEDIA"),
        ({"op": "reframe", "aspect": "9:16", "width": 721, "height": 1280}, "INVALID_ARGUMENT"),
        ({"op": "reframe", "aspect": "9:16", "width": 720, "height": 720}, "INVALID_ARGUMENT"),
        ({"op": "reframe", "aspect": "1:1", "centres": [{"clip": "c9", "centre_x": 1}]}, "NOT_FOUND"),
        ({"op": "remove_overlay", "overlay": "b1"}, "NOT_FOUND"),
        ({"op": "mute_track", "track": "music", "span": {"in_frame": 90, "out_frame": 101}}, "SPAN_OUTSIDE_MEDIA"),
        ({"op": "add_sound", "track": "voice", "sound": {"media": CUE, "at_frame": 100}}, "SPAN_OUTSIDE_MEDIA"),
        ({"op": "add_sound", "track": "voice", "sound": {"media": CUE, "out_frame": 97}}, "SPAN_OUTSIDE_MEDIA"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_by_its_code(operation: dict[str, Any], code: str) -> None:
    old = _cut((0, 100))
    with pytest.raises(Problem) as refused:
        _revised(old, operation)
    assert refused.value.code == code
    assert refused.value.hint


def test_pictures_of_two_rates_are_not_mixed() -> None:
    other = _facts(OTHER, 100, _element("x", "programme", _spans((0, 100))), rate=25)
    wanted = {"op": "insert_clip", "new": {"media": OTHER, "in_frame": 0, "out_frame": 50}}
    with pytest.raises(Problem, match="rates are not mixed") as refused:
        _revised(_cut((0, 100)), wanted, sources=(other,))
    assert refused.value.code == "TIMELINE_INVALID"


def test_a_second_statement_with_other_elements_is_a_conflict() -> None:
    other = _facts(FILM, 1000, _element("film", "programme", _spans((0, 1000))))
    with pytest.raises(Problem) as refused:
        _revised(_cut((0, 100)), {"op": "set_loudness"}, sources=(other,))
    assert refused.value.code == "CONFLICT"


def test_a_credit_left_behind_by_a_shorter_cut_stops_a_render() -> None:
    credited = _revised(
        _cut((0, 100)), {"op": "add_credit", "text": "Film", "span": {"in_frame": 52, "out_frame": 100}}
    )
    shorter = _revised(credited, {"op": "trim_clip", "clip": "c1", "out_frame": 90})
    found = {(each.code, each.severity) for each in validate(shorter, lambda _: True)}
    assert found == {("OVERLAY_OUTSIDE", "error")}


def test_validation_warns_of_what_an_editor_would_see() -> None:
    cut = _revised(
        _cut((0, 3), (10, 60), music=(SoundWanted(media=CUE, out_frame=20),)),
        {"op": "add_credit", "text": "Too quick to read", "span": {"in_frame": 0, "out_frame": 24}},
        {"op": "blur", "element": "logo"},
    )
    codes = [each.code for each in validate(cut, lambda _: True)]
    assert codes == ["FLASH_CLIP", "SOUND_GAP", "CREDIT_TOO_SHORT", "BLUR_UNSEEN"]
    silent = _revised(cut, {"op": "mute_track", "track": "programme"}, {"op": "mute_track", "track": "music"})
    assert "NO_SOUND" in [each.code for each in validate(silent, lambda _: True)]
