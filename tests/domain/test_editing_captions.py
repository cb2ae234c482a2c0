"""Captions: where they stand in the cut, what is refused, and what validation says of them and of impossible things."""

from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_base.elements import CutFacts, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation, SoundWanted
from holdback_servers.editing.parts import Layer, LayerClip
from holdback_servers.editing.validation import validate
from holdback_servers.editing.words import captions_in_cut
from pydantic import TypeAdapter

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM, VOICE = "sha256:" + "a" * 64, "sha256:" + "b" * 64
_OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])


def _cut(*ends: tuple[int, int], voice: tuple[SoundWanted, ...] = (), **more: Any) -> Timeline:
    sources = [
        CutFacts(
            media=FILM, element_list=ElementList(rate=Rate(num=24), frames=1000, elements=()), width=640, height=360
        ),
        CutFacts(media=VOICE, element_list=ElementList(rate=Rate(num=48), frames=2000, elements=())),
    ]
    clips = [ClipWanted(media=FILM, in_frame=start, out_frame=end) for start, end in ends]
    maker = Maker("tl_1", "person:sam", NOW)
    return create(maker, title="Cut", sources=sources, clips=clips, voice=voice, **more)


def _revised(old: Timeline, *operations: dict[str, Any]) -> Timeline:
    return revise(old, _OPERATIONS.validate_python(operations), [], Maker("tl_2", "person:sam", NOW), 2)


def _line(text: str, start: int, end: int, media: str | None = None) -> dict[str, Any]:
    return {"text": text, "span": {"in_frame": start, "out_frame": end}, "media": media}


def _captions(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"op": "set_captions", "language": "en", "lines": list(lines), **more}


def _stand(timeline: Timeline) -> list[tuple[int, int, str]]:
    return [(span.in_frame, span.out_frame, text) for span, text in captions_in_cut(timeline, "en")]


def test_captions_of_a_media_go_with_its_picture_through_cuts_speeds_and_repeats() -> None:
    cut = _revised(_cut((100, 148), (110, 130), (500, 540)), _captions(_line("Hello there", 96, 120, FILM)))
    assert _stand(cut) == [(0, 20, "Hello there"), (48, 58, "Hello there")]
    slow = _revised(cut, {"op": "set_speed", "clip": "c1", "speed": 50})
    assert _stand(slow)[0] == (0, 40, "Hello there")
    held = _revised(cut, {"op": "freeze", "clip": "c1", "frames": 20})
    assert _stand(held) == [(20, 30, "Hello there")]


def test_a_line_that_goes_on_over_a_split_stays_one() -> None:
    cut = _revised(_cut((100, 148)), _captions(_line("Hello there", 100, 148, FILM)))
    assert _stand(_revised(cut, {"op": "split_clip", "clip": "c1", "at_frame": 110})) == [(0, 48, "Hello there")]


def test_captions_of_a_voice_stand_where_it_is_heard_at_its_own_rate() -> None:
    cut = _cut((0, 96), voice=(SoundWanted(media=VOICE, in_frame=12, at_frame=24),))
    spoken = _revised(cut, _captions(_line("Listen", 48, 96, VOICE)))
    assert _stand(spoken) == [(36, 60, "Listen")]
    assert _stand(_revised(spoken, {"op": "mute_track", "track": "voice"})) == []


def test_captions_of_the_cut_stay_where_they_are_and_are_cut_off_at_its_end() -> None:
    cut = _revised(_cut((0, 96)), _captions(_line("Second", 60, 90), _line("First", 10, 40)))
    assert _stand(_revised(cut, {"op": "trim_clip", "clip": "c1", "out_frame": 72})) == [
        (10, 40, "First"),
        (60, 72, "Second"),
    ]


def test_captions_of_a_language_are_replaced_and_taken_away() -> None:
    cut = _revised(_cut((0, 96)), _captions(_line("One", 0, 48)))
    again = _revised(cut, {**_captions(_line("Two", 0, 48), burnt=True), "language": "EN"})
    assert [each.text for each in again.captions[0].lines] == ["Two"]
    assert again.changes == ("Captions in en: 1 line, burnt into the picture.",)
    assert _revised(again, _captions()).captions == ()


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (_captions(), "NOT_FOUND"),
        ({**_captions(_line("One", 0, 10)), "language": "xx-yy"}, "LANGUAGE_UNKNOWN"),
        (_captions(_line("One", 0, 97)), "SPAN_OUTSIDE_MEDIA"),
        (_captions(_line("One", 0, 1001, FILM)), "SPAN_OUTSIDE_MEDIA"),
        (_captions(_line("One", 0, 10, "sha256:" + "f" * 64)), "CUT_STATEMENT_REQUIRED"),
        (_captions(_line("映画", 0, 10), burnt=True), "INVALID_ARGUMENT"),
    ],
)
def test_captions_that_cannot_be_are_refused(operation: dict[str, Any], code: str) -> None:
    with pytest.raises(Problem) as caught:
        _revised(_cut((0, 96)), operation)
    assert caught.value.code == code


def test_captions_beside_the_picture_may_be_in_any_letters() -> None:
    assert _stand(_revised(_cut((0, 96)), _captions(_line("映画", 0, 48)))) == [(0, 48, "映画")]


def _codes(timeline: Timeline) -> set[str]:
    return {each.code for each in validate(timeline, lambda _: True)}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([_line("Hi", 0, 12)], "CAPTION_TOO_SHORT"),
        ([_line("Far too many words for one second", 0, 24)], "CAPTION_TOO_FAST"),
        ([_line("words " * 20, 0, 240)], "CAPTION_TOO_LONG"),
        ([_line("One", 0, 48), _line("Two", 40, 90)], "CAPTION_OVERLAP"),
        ([_line("Unseen", 900, 950, FILM)], "CAPTION_UNSEEN"),
    ],
)
def test_captions_that_cannot_be_read_are_found(lines: list[dict[str, Any]], code: str) -> None:
    fine = _revised(_cut((0, 240)), _captions(_line("Quite readable", 0, 48), _line("Indeed", 48, 90)))
    assert not {each for each in _codes(fine) if each.startswith("CAPTION")}
    assert {each for each in _codes(_revised(fine, _captions(*lines))) if each.startswith("CAPTION")} == {code}


def test_captions_of_pictures_that_are_muted_are_found() -> None:
    cut = _revised(_cut((0, 240)), _captions(_line("Quite readable", 0, 48, FILM)))
    assert "CAPTION_NOT_HEARD" not in _codes(cut)
    assert "CAPTION_NOT_HEARD" in _codes(_revised(cut, {"op": "mute_track", "track": "programme"}))


def test_a_timecode_that_does_not_exist_is_refused_and_found() -> None:
    with pytest.raises(Problem, match="does not exist"):
        _cut((0, 48), start="10:00:00:24")
    cut = _cut((0, 48), start="23:59:59:00")
    assert "TIMECODE_IMPOSSIBLE" in _codes(cut)
    assert "TIMECODE_IMPOSSIBLE" not in _codes(_cut((0, 48), start="10:00:00:00"))
    broken = cut.model_copy(update={"start": "10:00:00;00"})
    assert [each.severity for each in validate(broken, lambda _: True) if each.code == "TIMECODE_IMPOSSIBLE"] == [
        "error"
    ]


def test_an_end_card_that_is_too_short_to_read_is_found() -> None:
    card = {"op": "set_end_card", "lines": ["With thanks to everybody who made this film possible"]}
    assert "CREDIT_TOO_SHORT" in _codes(_revised(_cut((0, 48)), {**card, "frames": 48}))
    assert "CREDIT_TOO_SHORT" not in _codes(_revised(_cut((0, 48)), {**card, "frames": 72}))


def test_layers_that_overlap_flash_or_are_left_behind_are_found() -> None:
    over = {"op": "add_layer_clip", "new": {"media": FILM, "in_frame": 0, "out_frame": 10}}
    cut = _revised(_cut((0, 48)), {**over, "at_frame": 0}, {**over, "at_frame": 13})
    assert _codes(cut) == {"FLASH_CLIP"}
    shorter = _revised(cut, {"op": "trim_clip", "clip": "c1", "out_frame": 20})
    assert "OVERLAY_OUTSIDE" in _codes(shorter)
    one = cut.layers[0].clips[0]
    doubled = Layer(name="V2", clips=(one, LayerClip(clip=one.clip, at_frame=5)))
    assert "LAYER_OVERLAP" in _codes(cut.model_copy(update={"layers": (doubled,)}))


def test_a_layer_of_another_rate_is_found() -> None:
    cut = _cut((0, 48))
    other = cut.sources[0].model_copy(
        update={
            "media": "sha256:" + "c" * 64,
            "element_list": cut.sources[0].element_list.model_copy(update={"rate": Rate(num=25)}),
        }
    )
    clip = cut.clips[0].model_copy(update={"media": other.media, "source": Span(in_frame=0, out_frame=20)})
    layers = (Layer(name="V2", clips=(LayerClip(clip=clip, at_frame=0),)),)
    mixed = cut.model_copy(update={"layers": layers, "sources": (*cut.sources, other)})
    assert "MIXED_RATES" in _codes(mixed)
