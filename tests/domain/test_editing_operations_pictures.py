"""Transitions, speeds, held frames, splits, layers, end cards and moving regions: what each makes, what it refuses."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from holdback_base.elements import Box, CutFacts, Element, ElementKind, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing import operations as editing_operations
from holdback_servers.editing.answers import timeline_view
from holdback_servers.editing.derivation import derive_elements
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation, SoundWanted
from holdback_servers.editing.parts import Blur
from pydantic import TypeAdapter

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM, STILL, BED = (f"sha256:{digit * 64}" for digit in "abc")
_OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])


def _element(name: str, kind: ElementKind, start: int, end: int, box: Box | None = None) -> Element:
    spans = (Span(in_frame=start, out_frame=end),)
    return Element(id=name, kind=kind, ref=f"thing:{name}", name=name, spans=spans, box=box)


def _facts(media: str, frames: int, *elements: Element, rate: int = 24, sound_only: bool = False) -> CutFacts:
    made = ElementList(rate=Rate(num=rate), frames=frames, elements=elements)
    size = {} if sound_only else {"width": 640, "height": 360}
    return CutFacts(media=media, element_list=made, title=media[7:8], **size)


SOURCES = (
    _facts(
        FILM,
        1000,
        _element("film", "programme", 0, 1000),
        _element("early", "logo", 0, 100),
        _element("late", "logo", 200, 300),
        _element("score", "music_master", 0, 1000),
    ),
    _facts(STILL, 1, _element("brand", "logo", 0, 1), rate=25),
    _facts(BED, 2000, _element("bed", "music_master", 0, 2000), sound_only=True),
)


def _cut(*ends: tuple[int, int], music: tuple[SoundWanted, ...] = ()) -> Timeline:
    clips = [ClipWanted(media=FILM, in_frame=start, out_frame=end) for start, end in ends]
    return create(Maker("tl_1", "person:sam", NOW), title="Cut", sources=SOURCES, clips=clips, music=music)


def _revised(old: Timeline, *operations: dict[str, Any]) -> Timeline:
    return revise(old, _OPERATIONS.validate_python(operations), [], Maker("tl_2", "person:sam", NOW), 2)


def _refused(old: Timeline, *operations: dict[str, Any]) -> Problem:
    with pytest.raises(Problem) as caught:
        _revised(old, *operations)
    assert caught.value.hint
    return caught.value


def _on(timeline: Timeline, name: str) -> list[tuple[int, int]]:
    """The frames of an element, wherever in the picture it stands."""
    found = [each for each in derive_elements(timeline).elements if each.id.split("~")[0] == name]
    return [(span.in_frame, span.out_frame) for each in found for span in each.spans]


def test_every_operation_that_can_be_asked_for_is_one_that_is_done() -> None:
    asked = set(get_args(get_args(Operation)[0]))
    done = {*editing_operations._PICTURE, *editing_operations._REST}
    assert {each.__name__ for each in asked - done} == {"BlurRegion"}


def test_a_dissolve_shows_and_sounds_the_handles_on_both_sides_and_keeps_the_length() -> None:
    cut = _cut((150, 198), (310, 350))
    assert _on(cut, "late") == []
    mixed = _revised(cut, {"op": "add_transition", "clip": "c2", "before": 12, "after": 6})
    assert mixed.frames == cut.frames == 88
    assert _on(mixed, "late") == [(36, 38), (50, 54)]
    assert mixed.changes == ("Dissolve x3 into c2, 18 f (12 f before the cut).",)


def test_a_dip_needs_no_handles_and_fades_in_and_out() -> None:
    cut = _revised(
        _cut((0, 48)),
        {"op": "add_transition", "clip": "c1", "kind": "dip_to_black"},
        {"op": "add_transition", "kind": "dip_to_white"},
    )
    assert [(each.kind, each.clip, each.before, each.after) for each in cut.transitions] == [
        ("dip_to_black", "c1", 0, 12),
        ("dip_to_white", None, 12, 0),
    ]
    assert [each.record.in_frame for each in timeline_view(cut).transitions] == [0, 36]


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ({"clip": "c2", "before": 7}, "needs 7 frames of c2's media before its in; 5 are there"),
        ({"clip": "c3", "after": 9}, "needs 9 frames of c2's media behind its out; 0 are there"),
        ({"clip": "c1", "after": 4}, "cannot stand there"),
        ({"clip": None, "before": 4}, "cannot stand there"),
        ({"clip": "c1", "kind": "dip_to_black", "before": 3}, "nothing is before the first clip"),
        ({"clip": None, "kind": "dip_to_black", "before": 3, "after": 2}, "0 follow"),
        ({"clip": "c2", "kind": "dip_to_black", "before": 60}, "Clip c1 has 48 frames; its transitions x4 take 60"),
    ],
)
def test_a_transition_that_does_not_fit_is_refused_with_what_is_there(operation: dict[str, Any], said: str) -> None:
    cut = _cut((100, 148), (5, 1000), (100, 120))
    problem = _refused(cut, {"op": "add_transition", **operation})
    assert problem.code == "TIMELINE_INVALID"
    assert said in problem.message


def test_the_last_frame_that_there_is_can_be_a_handle_and_the_one_behind_it_cannot() -> None:
    cut = _cut((900, 990), (100, 148))
    _revised(cut, {"op": "add_transition", "clip": "c2", "after": 10})
    assert "10 are there" in _refused(cut, {"op": "add_transition", "clip": "c2", "after": 11}).message
    slow = _revised(cut, {"op": "set_speed", "clip": "c1", "speed": 50})
    _revised(slow, {"op": "add_transition", "clip": "c2", "after": 20})
    assert "20 are there" in _refused(slow, {"op": "add_transition", "clip": "c2", "after": 21}).message


def test_two_transitions_may_fill_a_clip_but_not_share_a_frame_of_it() -> None:
    cut = _cut((100, 148), (200, 220), (300, 340))
    into = {"op": "add_transition", "clip": "c2", "after": 8}
    _revised(cut, into, {"op": "add_transition", "clip": "c3", "before": 12})
    problem = _refused(cut, into, {"op": "add_transition", "clip": "c3", "before": 13})
    assert "Clip c2 has 20 frames; its transitions x4 and x5 take 21" in problem.message


def test_stretched_sound_counts_as_far_as_it_may_stray_and_a_picture_does_not() -> None:
    made = ElementList(
        rate=Rate(num=24),
        frames=100,
        elements=(_element("cue", "music_master", 20, 30), _element("mark", "logo", 20, 30)),
    )
    source = CutFacts(media=FILM, element_list=made, width=640, height=360)
    clips = [ClipWanted(media=FILM, in_frame=0, out_frame=60, speed=50)]
    cut = create(Maker("tl_1", "person:sam", NOW), title="Cut", sources=[source], clips=clips)
    assert _on(cut, "mark") == [(40, 60)]
    assert _on(cut, "cue") == [(38, 62)]


def test_a_trim_that_takes_a_handle_away_is_refused_unless_the_transition_goes_too() -> None:
    mixed = _revised(_cut((0, 48), (20, 60)), {"op": "add_transition", "clip": "c2", "before": 10})
    trim = {"op": "trim_clip", "clip": "c2", "in_frame": 5}
    assert "before its in; 5 are there" in _refused(mixed, trim).message
    assert _revised(mixed, trim, {"op": "remove_overlay", "overlay": "x3"}).transitions == ()
    shorter = _revised(mixed, trim, {"op": "add_transition", "clip": "c2", "before": 5})
    assert [each.before for each in shorter.transitions] == [5]


def test_a_transition_goes_with_the_clip_that_it_comes_before() -> None:
    mixed = _revised(_cut((0, 48), (20, 60), (100, 150)), {"op": "add_transition", "clip": "c2", "before": 10})
    moved = _revised(mixed, {"op": "move_clip", "clip": "c2"})
    assert moved.clips[-1].id == moved.transitions[0].clip == "c2"
    assert _revised(mixed, {"op": "remove_clip", "clip": "c2"}).transitions == ()
    assert "only one clip" in _refused(mixed, {"op": "move_clip", "clip": "c2", "before": "c1"}).message


def test_half_the_speed_fills_twice_the_frames_and_music_that_lay_under_all_still_does() -> None:
    first = _revised(_cut((90, 110)), {"op": "replace_music", "media": BED})
    slow = _revised(first, {"op": "set_speed", "clip": "c1", "speed": 50})
    assert slow.frames == 40
    assert _on(slow, "early") == [(0, 20)]
    assert _on(slow, "bed") == [(0, 40)]
    assert "Clip c1 runs at 50 percent of its speed, was 100: it lasts 1 s 16 f." in slow.changes


def test_a_faster_clip_needs_more_handle_for_the_same_transition() -> None:
    cut = _revised(_cut((0, 48), (10, 60)), {"op": "set_speed", "clip": "c2", "speed": 200})
    _revised(cut, {"op": "add_transition", "clip": "c2", "before": 5})
    assert "5 are there" in _refused(cut, {"op": "add_transition", "clip": "c2", "before": 6}).message


def test_a_held_frame_is_seen_for_its_frames_and_not_heard() -> None:
    held = _revised(_cut((90, 110)), {"op": "freeze", "clip": "c1", "frame": 99, "frames": 30})
    assert held.frames == 30
    assert _on(held, "early") == [(0, 30)]
    assert _on(held, "score") == []
    assert _on(_revised(_cut((90, 110)), {"op": "freeze", "clip": "c1", "frame": 100, "frames": 9}), "early") == []
    again = _revised(held, {"op": "freeze", "clip": "c1", "frames": 0})
    assert (again.clips[0].source, again.clips[0].freeze) == (Span(in_frame=99, out_frame=110), None)


def test_a_still_of_another_rate_can_be_held_but_not_run() -> None:
    still = {"media": STILL, "in_frame": 0, "out_frame": 1}
    shown = _revised(_cut((300, 340)), {"op": "insert_clip", "new": {**still, "freeze": 24}})
    assert _on(shown, "brand") == [(40, 64)]
    assert _refused(_cut((300, 340)), {"op": "insert_clip", "new": still}).code == "TIMELINE_INVALID"
    assert _refused(shown, {"op": "freeze", "clip": "c2", "frames": 0}).code == "TIMELINE_INVALID"


def test_a_split_changes_nothing_but_the_number_of_clips() -> None:
    cut = _revised(_cut((90, 110), (200, 220)), {"op": "set_speed", "clip": "c1", "speed": 50})
    shaped = _revised(cut, {"op": "reframe", "aspect": "9:16", "centres": [{"clip": "c1", "centre_x": 300}]})
    parts = _revised(shaped, {"op": "split_clip", "clip": "c1", "at_frame": 97})
    assert [clip.id for clip in parts.clips] == ["c1", "c3", "c2"]
    assert parts.frames == shaped.frames
    assert derive_elements(parts).sha256() == derive_elements(shaped).sha256()
    assert parts.changes[0] == "Clip c1 split at frame 97 of its media; c3 follows."


def test_a_clip_that_is_split_twice_is_told_in_one_sentence() -> None:
    twice = [{"op": "split_clip", "clip": "c1", "at_frame": 97}, {"op": "split_clip", "clip": "c2", "at_frame": 103}]
    parts = _revised(_cut((90, 110)), *twice)
    assert parts.changes == ("Clip c1 split at frame 97, 103 of its media; c2, c3 follow.",)


@pytest.mark.parametrize(("speed", "at", "cure"), [(100, 90, "such as 91"), (100, 110, "such as 109"), (30, 92, "93")])
def test_a_split_that_would_change_the_cut_is_refused_with_a_frame_that_would_not(
    speed: int, at: int, cure: str
) -> None:
    cut = (
        _revised(_cut((90, 110)), {"op": "set_speed", "clip": "c1", "speed": speed})
        if speed != 100
        else _cut((90, 110))
    )
    problem = _refused(cut, {"op": "split_clip", "clip": "c1", "at_frame": at})
    assert problem.code == "INVALID_ARGUMENT"
    assert cure in problem.hint


def test_a_layer_over_all_hides_what_is_under_it_and_one_in_a_box_does_not() -> None:
    over = {"op": "add_layer_clip", "new": {"media": FILM, "in_frame": 500, "out_frame": 510}, "at_frame": 5}
    assert _on(_revised(_cut((0, 40)), over), "early") == [(0, 5), (15, 40)]
    box = {"x": 0, "y": 0, "width": 1000, "height": 1000}
    for open_to_sight in ({"box": box}, {"opacity": 900}, {"fade_in": 2}):
        assert _on(_revised(_cut((0, 40)), {**over, **open_to_sight}), "early") == [(0, 40)]


def test_a_layer_stands_in_its_box_and_is_taken_away_by_its_id() -> None:
    corner = {"x": 750, "y": 50, "width": 200, "height": 200}
    new = {"media": STILL, "in_frame": 0, "out_frame": 1, "freeze": 20}
    shown = _revised(_cut((300, 340)), {"op": "add_layer_clip", "new": new, "at_frame": 10, "box": corner})
    assert _on(shown, "brand") == [(10, 30)]
    assert shown.changes == ('V2: v2 from "b" at x 750, y 50 on 00:00:00:10 to 00:00:01:06, holding frame 0 for 20 f.',)
    gone = _revised(shown, {"op": "remove_overlay", "overlay": "v2"})
    assert gone.layers == ()
    assert gone.changes == ("V2: v2 taken away.",)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"at_frame": 31}, "SPAN_OUTSIDE_MEDIA"),
        ({"at_frame": 8}, "CONFLICT"),
        ({"at_frame": 20, "fade_in": 6, "fade_out": 6}, "INVALID_ARGUMENT"),
        ({"at_frame": 20, "box": {"x": 900, "y": 0, "width": 200, "height": 10}}, "INVALID_ARGUMENT"),
    ],
)
def test_a_layer_clip_that_does_not_fit_is_refused(fields: dict[str, Any], code: str) -> None:
    over = {"op": "add_layer_clip", "new": {"media": FILM, "in_frame": 500, "out_frame": 510}, "at_frame": 0}
    assert _refused(_revised(_cut((0, 40)), over), {**over, **fields}).code == code


def test_a_layer_clip_may_end_with_the_last_clip_and_begin_where_another_ends() -> None:
    over = {"op": "add_layer_clip", "new": {"media": FILM, "in_frame": 500, "out_frame": 510}}
    cut = _revised(
        _cut((0, 40)), {**over, "at_frame": 30}, {**over, "at_frame": 20}, {**over, "at_frame": 20, "layer": "V3"}
    )
    assert [[each.at_frame for each in layer.clips] for layer in cut.layers] == [[20, 30], [20]]


def test_an_end_card_comes_after_the_last_clip_and_its_still_is_in_the_list() -> None:
    first = _revised(_cut((300, 340)), {"op": "replace_music", "media": BED})
    card = {"op": "set_end_card", "lines": ["The film", "(c) Us"], "frames": 48, "media": STILL}
    ended = _revised(first, card)
    assert ended.frames == 88
    assert _on(ended, "brand") == [(40, 88)]
    assert _on(ended, "bed") == [(0, 88)]
    notices = derive_elements(ended).notices
    assert [(each.text, each.span) for each in notices] == [("The film\n(c) Us", Span(in_frame=40, out_frame=88))]
    assert _revised(ended, {"op": "set_end_card", "frames": 0}).frames == 40
    assert _refused(first, {"op": "set_end_card", "frames": 48}).code == "INVALID_ARGUMENT"


def test_a_source_s_own_credit_counts_only_where_it_is_seen_alone() -> None:
    credit = {"kind": "credit", "text": "Film by Us", "span": {"in_frame": 100, "out_frame": 140}}
    film = SOURCES[0].model_dump()
    film["element_list"]["notices"] = [credit]
    source = CutFacts.model_validate(film)
    clips = [ClipWanted(media=FILM, in_frame=start, out_frame=start + 40) for start in (100, 500)]
    cut = create(Maker("tl_1", "person:sam", NOW), title="Cut", sources=[source], clips=clips)
    over = {"media": FILM, "in_frame": 500, "out_frame": 510}
    changed = _revised(
        cut,
        {"op": "add_transition", "clip": "c2", "before": 5, "after": 5},
        {"op": "add_layer_clip", "new": over, "at_frame": 0, "box": {"x": 0, "y": 0, "width": 100, "height": 100}},
    )
    assert [each.span for each in derive_elements(changed).notices] == [Span(in_frame=10, out_frame=35)]


def test_a_region_that_moves_hides_a_thing_only_on_the_frames_where_it_covers_it() -> None:
    logo = Box(x=100, y=100, width=100, height=100)
    made = ElementList(rate=Rate(num=24), frames=100, elements=(_element("mark", "logo", 0, 100, logo),))
    source = CutFacts(media=FILM, element_list=made, width=640, height=360)
    clips = [ClipWanted(media=FILM, in_frame=0, out_frame=60)]
    cut = create(Maker("tl_1", "person:sam", NOW), title="Cut", sources=[source], clips=clips)
    path = [
        {"frame": 10, "box": {"x": 100, "y": 100, "width": 100, "height": 100}},
        {"frame": 20, "box": {"x": 100, "y": 100, "width": 100, "height": 100}},
        {"frame": 30, "box": {"x": 500, "y": 100, "width": 100, "height": 100}},
    ]
    blurred = _revised(cut, {"op": "blur", "media": FILM, "path": path, "style": "pixelate"})
    (mark,) = derive_elements(blurred).elements
    assert mark.obscured == (Span(in_frame=10, out_frame=21),)
    assert blurred.blurs[0].box == Box(x=100, y=100, width=500, height=100)
    assert "Pixelation b2" in blurred.changes[0]
    assert _refused(cut, {"op": "blur", "path": path}).code == "INVALID_ARGUMENT"
    assert _refused(cut, {"op": "blur", "media": FILM, "path": path[::-1]}).code == "INVALID_ARGUMENT"


def test_a_path_over_hours_of_media_costs_only_the_frames_that_the_cut_shows() -> None:
    hours = 24 * 3600 * 10
    mark = _element("mark", "logo", 0, hours, Box(x=100, y=100, width=100, height=100))
    made = ElementList(rate=Rate(num=24), frames=hours, elements=(mark,))
    source = CutFacts(media=FILM, element_list=made, width=640, height=360)
    clips = [ClipWanted(media=FILM, in_frame=1000, out_frame=1048)]
    cut = create(Maker("tl_1", "person:sam", NOW), title="Cut", sources=[source], clips=clips)
    box = {"x": 90, "y": 90, "width": 200, "height": 200}
    path = [{"frame": at, "box": box} for at in range(0, hours, hours // 400)]
    blurred = _revised(cut, {"op": "blur", "media": FILM, "path": path})
    asked: list[int] = []

    class Watched(Blur):
        def box_at(self, frame: int) -> Box:
            asked.append(frame)
            return super().box_at(frame)

    watched = Watched.model_validate(blurred.blurs[0].model_dump())
    (found,) = derive_elements(blurred.model_copy(update={"blurs": (watched,)})).elements
    assert found.obscured == (Span(in_frame=0, out_frame=48),)
    assert set(asked) == set(range(1000, 1048))


def test_a_box_on_the_screen_follows_a_picture_that_moves_through_a_reframe() -> None:
    follow = [{"frame": 0, "centre_x": 200}, {"frame": 47, "centre_x": 800}]
    shape = {"op": "reframe", "aspect": "9:16", "centres": [{"clip": "c1", "centre_x": 500, "path": follow}]}
    shaped = _revised(_cut((0, 48)), shape)
    blurred = _revised(shaped, {"op": "blur", "box": {"x": 400, "y": 400, "width": 200, "height": 200}})
    (region,) = blurred.blurs
    assert region.span == Span(in_frame=0, out_frame=48)
    early, late = region.box_at(0), region.box_at(47)
    assert early.x + early.width < late.x


def test_the_configurations_that_took_part_are_kept_with_every_revision() -> None:
    clips = [ClipWanted(media=FILM, in_frame=0, out_frame=48)]
    maker = Maker("tl_1", "agent:editor", NOW, "", "urn:holdback:brain:rules:1")
    first = create(maker, title="Cut", sources=SOURCES, clips=clips)
    by_hand = _revised(first, {"op": "trim_clip", "clip": "c1", "out_frame": 40})
    other = maker._replace(ai_config="urn:house:cutter:2")
    orders = _OPERATIONS.validate_python([{"op": "trim_clip", "clip": "c1", "out_frame": 30}])
    assert by_hand.ai_configs == ("urn:holdback:brain:rules:1",)
    assert revise(by_hand, orders, [], other, 3).ai_configs == ("urn:holdback:brain:rules:1", "urn:house:cutter:2")
