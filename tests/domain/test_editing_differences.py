"""What changed between two cuts, told as one editor tells another, also where they share no history."""

from datetime import UTC, datetime
from typing import Any

from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.differences import differences
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation
from pydantic import TypeAdapter

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM = f"sha256:{'a' * 64}"
_OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])
_WHOLE = Element(id="film", kind="programme", ref="film:x", name="x", spans=(Span(in_frame=0, out_frame=1000),))
FACTS = CutFacts(
    media=FILM,
    element_list=ElementList(rate=Rate(num=25), frames=1000, elements=(_WHOLE,)),
    title="Film",
    width=640,
    height=360,
)


def _cut(name: str, *ends: tuple[int, int], orders: tuple[dict[str, Any], ...] = ()) -> Timeline:
    clips = [ClipWanted(media=FILM, in_frame=start, out_frame=end) for start, end in ends]
    made = create(Maker(f"{name}_1", "person:sam", NOW), title="Cut", sources=[FACTS], clips=clips)
    if not orders:
        return made
    return revise(made, _OPERATIONS.validate_python(orders), [], Maker(f"{name}_2", "person:sam", NOW), 2)


def _words(text: str) -> dict[str, Any]:
    return {"op": "add_credit", "text": text, "kind": "lower_third", "span": {"in_frame": 0, "out_frame": 60}}


def _dissolve(clip: str, frames: int = 5) -> dict[str, Any]:
    return {"op": "add_transition", "clip": clip, "before": frames, "after": frames}


LAYER = {
    "op": "add_layer_clip",
    "new": {"media": FILM, "in_frame": 500, "out_frame": 520},
    "at_frame": 10,
    "box": {"x": 0, "y": 0, "width": 300, "height": 300},
}
SHOTS = ((100, 150), (300, 350), (600, 650))


def test_cuts_of_two_families_that_show_the_same_do_not_differ() -> None:
    one = _cut("tl", *SHOTS, orders=(_dissolve("c2"), LAYER, _words("Hello"), _dissolve("c3", 4)))
    other = _cut("im", *SHOTS, orders=(_dissolve("c3", 4), _words("Hello"), _dissolve("c2"), LAYER))
    assert {each.id for each in one.transitions} != {each.id for each in other.transitions}
    assert differences(one, other) == []


def test_what_another_program_changed_is_told_by_the_clips_that_show_it() -> None:
    one = _cut("tl", *SHOTS, orders=(_dissolve("c2"), _words("Hello")))
    other = _cut("im", (700, 720), (100, 150), (600, 640), orders=(_words("Bye"),))
    told = differences(one, other)
    assert "Clip old c2 removed, 2 s." in told
    assert 'Clip c1 from "Film" inserted at 00:00:00:00 to 00:00:00:20.' in told
    assert "Clip c3 trimmed: ends 10 f earlier." in told
    assert any(each.startswith("Dissolve") and each.endswith("into old c2, 10 f (5 f before the cut), taken away.")
               for each in told)  # fmt: skip
    assert any(each.startswith("Lower third") and '"Bye"' in each for each in told)
    assert any(each.startswith("Lower third") and each.endswith('"Hello" taken away.') for each in told)
    assert not any("Order" in each for each in told)


def test_clips_that_were_only_moved_are_told_as_a_new_order() -> None:
    told = differences(_cut("tl", *SHOTS), _cut("im", SHOTS[2], SHOTS[0], SHOTS[1]))
    assert told == ["Order is now c1, c2, c3; it was c2, c3, c1."]
