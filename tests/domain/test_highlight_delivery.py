"""What the delivery wants beside the rights: a shape that keeps the subject, a fade at the end, captions."""

from datetime import UTC, datetime
from typing import Any

from holdback_agents.contracts import Brief
from holdback_agents.editing_assistant.choice import Pick, Piece
from holdback_agents.editing_assistant.delivery import caption_operations, closing, delivery_operations
from holdback_base.vocabulary import TimeRange
from holdback_servers.editing.orders import Operation
from pydantic import TypeAdapter

WINDOW = TimeRange(start=datetime(2026, 11, 24, tzinfo=UTC), end=datetime(2026, 12, 24, tzinfo=UTC))
FILM = "sha256:" + "a" * 64
VOICE = "sha256:" + "b" * 64
CLIPS: list[dict[str, Any]] = [
    {"id": "c1", "media": FILM, "in_frame": 0, "out_frame": 100},
    {"id": "c2", "media": FILM, "in_frame": 500, "out_frame": 600},
]


def _brief(aspect: str) -> Brief:
    return Brief.model_validate(
        {"subject": "fox", "seconds": 5, "platforms": ("x",), "territories": ("GB",), "window": WINDOW}
        | {"aspect": aspect}
    )


def _pick(focus: int | None) -> Pick:
    return Pick(in_frame=0, out_frame=100, reason="logged", confidence=70, focus_x=focus)


def _moving(clip: str, *places: int) -> dict[str, Any]:
    path = [{"frame": 20 * number, "centre_x": place} for number, place in enumerate(places)]
    return {"clip": clip, "centre_x": places[0], "path": path}


def _reframe(focus: int | None, suggested: list[dict[str, Any]]) -> dict[str, Any]:
    picks = (_pick(focus), _pick(300))
    operations = delivery_operations(_brief("9:16"), CLIPS, picks, frames=200, rate=24, suggested=suggested)
    return next(each for each in operations if each["op"] == "reframe")


def test_a_subject_that_nobody_logged_is_followed_where_it_was_seen() -> None:
    seen = _moving("c1", 200, 400)
    assert _reframe(None, [seen])["centres"] == [seen, {"clip": "c2", "centre_x": 300}]


def test_what_a_person_logged_is_followed_only_along_a_path_that_means_the_same_subject() -> None:
    near, elsewhere = _moving("c1", 380, 460), _moving("c1", 700, 900)
    assert _reframe(420, [near])["centres"][0] == near
    assert _reframe(420, [elsewhere])["centres"][0] == {"clip": "c1", "centre_x": 420}
    assert _reframe(420, [])["centres"][0] == {"clip": "c1", "centre_x": 420}


def test_a_picture_that_keeps_its_shape_is_not_cut_out() -> None:
    operations = delivery_operations(_brief("16:9"), CLIPS, (_pick(1), _pick(2)), frames=200, rate=24)
    assert [each["op"] for each in operations] == ["set_loudness", "add_transition"]


def test_a_cut_fades_out_in_half_a_second_unless_it_is_very_short() -> None:
    assert (closing(120, 24), closing(95, 24), closing(360, 25)) == (12, 0, 12)
    fade = delivery_operations(_brief("16:9"), CLIPS, (_pick(1), _pick(2)), frames=120, rate=24)[1]
    assert fade == {"op": "add_transition", "kind": "dip_to_black", "before": 12, "after": 0}


def _said(start: int, end: int, text: str, language: str = "en") -> Piece:
    return Piece(kind="transcript", in_frame=start, out_frame=end, text=text, fields={"language": language})


def test_captions_hold_what_is_said_in_the_clips_and_in_the_voice_by_language() -> None:
    film = (_said(10, 50, "Look there"), _said(200, 240, "Not in the cut"), Piece(kind="log", in_frame=0, out_frame=9))
    voice = (_said(0, 48000, "Im Garten", "de"),)
    operations = caption_operations([(FILM, film), (VOICE, voice)], CLIPS)
    assert [(each["language"], [line["text"] for line in each["lines"]]) for each in operations] == [
        ("de", ["Im Garten"]),
        ("en", ["Look there"]),
    ]
    assert operations[1]["lines"][0]["span"] == {"in_frame": 10, "out_frame": 50}
    assert operations[1]["lines"][0]["media"] == FILM


def test_what_is_said_in_a_language_that_nobody_knows_is_of_an_undetermined_one() -> None:
    (operation,) = caption_operations([(FILM, (_said(10, 50, "Look there", "no language!"),))], CLIPS)
    assert operation["language"] == "und"


def test_where_nothing_was_written_down_there_are_no_captions() -> None:
    assert caption_operations([(FILM, (Piece(kind="log", in_frame=0, out_frame=90, text="a fox"),))], CLIPS) == []


def test_the_cutting_room_takes_every_operation_as_it_is() -> None:
    delivery = delivery_operations(
        _brief("1:1"),
        CLIPS,
        (_pick(None), _pick(300)),
        frames=200,
        rate=24,
        suggested=[_moving("c1", 200, 400)],
    )
    operations = [*delivery, *caption_operations([(FILM, (_said(10, 50, "Look there"),))], CLIPS)]
    taken = TypeAdapter(list[Operation]).validate_python(operations)
    assert [each.op for each in taken] == ["set_loudness", "add_transition", "reframe", "set_captions"]
