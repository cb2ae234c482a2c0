"""Picks by what was measured: lively and loud footage first, cuts on shots, sounds and beats, and never in a word."""

from fractions import Fraction

from holdback_agents.editing_assistant.choice import Piece, choose, spread
from holdback_agents.editing_assistant.evidence import Curves, evidence_from
from holdback_agents.editing_assistant.placing import Room, placed
from holdback_base.vocabulary import Span
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = Fraction(24)


def _piece(kind: str, start: int, end: int, text: str = "", **fields: object) -> Piece:
    return Piece(kind=kind, in_frame=start, out_frame=end, text=text, fields=fields or None)


def _curves(frames: int, lively: Span, onsets: tuple[int, ...] = ()) -> Curves:
    """Nothing happens, but much and loudly in one span."""
    inside = [lively.in_frame <= frame < lively.out_frame for frame in range(0, frames, 2)]
    energy, motion = (tuple(high if each else low for each in inside) for high, low in ((-12, -40), (300, 20)))
    return Curves(step=2, energy=energy, motion=motion, onsets=onsets)


def _span(first: int, end: int) -> Span:
    return Span(in_frame=first, out_frame=end)


def test_of_pieces_that_say_the_same_the_one_in_which_much_happens_is_taken_and_says_so() -> None:
    logs = [_piece("log", start, start + 240, "a fox") for start in (0, 240, 480)]
    (pick,) = choose(logs, "fox", 240, RATE, curves=_curves(720, _span(480, 720)))
    (unmeasured,) = choose(logs, "fox", 240, RATE)
    assert (pick.in_frame, unmeasured.in_frame) == (480, 0)
    assert "much moves (more than in 83 % of the film)" in pick.reason
    assert "loud (more than in 83 % of the film)" in pick.reason
    assert pick.confidence == unmeasured.confidence + 6


def test_what_a_person_marked_comes_first_however_calm_it_is() -> None:
    pieces = [_piece("log", 20, 480, "a fox"), _piece("marker", 0, 20, "a fox")]
    (pick,) = choose(pieces, "fox", 20, RATE, curves=_curves(480, _span(20, 480)))
    assert pick.in_frame == 0
    assert pick.reason.startswith("marked by the logger")


def test_a_cut_within_a_shot_moves_to_the_sound_that_is_near_and_the_whole_stays_as_long() -> None:
    logs = [_piece("log", 0, 100, "a fox"), _piece("log", 400, 500, "a fox")]
    curves = Curves(step=2, onsets=(63, 457))
    picks = choose(logs, "fox", 120, RATE, curves=curves)
    assert [(each.in_frame, each.out_frame) for each in picks] == [(0, 63), (400, 457)]
    assert all("ends on a sound" in each.reason for each in picks)


def test_a_cut_falls_on_a_beat_of_the_music_that_is_laid() -> None:
    rooms = [Room(_span(0, 200), 60, 0), Room(_span(400, 600), 60, 400)]
    nothing = evidence_from((), Curves())
    plain = placed(rooms, nothing, RATE, shortest=12)
    on_beat = placed(rooms, nothing, RATE, shortest=12, beats=frozenset({56, 120}))
    assert [each.frames for each in plain] == [60, 60]
    assert [each.frames for each in on_beat] == [56, 64]


def test_no_scrap_of_another_shot_flashes_at_the_end_of_a_pick() -> None:
    pieces = [_piece("shot", 0, 98), _piece("shot", 98, 300), _piece("log", 0, 300, "a fox")]
    (pick,) = choose(pieces, "fox", 100, RATE)
    assert not {98, 300} & {*range(pick.in_frame + 1, pick.in_frame + 8), *range(pick.out_frame - 7, pick.out_frame)}


def test_of_a_film_that_nobody_described_the_lively_shot_of_each_stretch_is_taken() -> None:
    shots = [_piece("shot", start, start + 100) for start in range(0, 1000, 100)]
    picks = spread(shots, 120, RATE, curves=_curves(1000, _span(400, 500)))
    assert any(400 <= each.in_frame < each.out_frame <= 500 for each in picks)
    assert max(picks, key=lambda each: each.confidence).reason.count("much moves") == 1


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(12, 120), st.integers(12, 300)), min_size=1, max_size=5),
    st.sets(st.integers(0, 1500), max_size=30),
    st.sets(st.integers(0, 600), max_size=12),
)
def test_placed_picks_stay_in_their_rooms_and_last_what_they_should(
    wanted: list[tuple[int, int]], onsets: set[int], beats: set[int]
) -> None:
    rooms: list[Room] = []
    start = 0
    for frames, more in wanted:
        rooms.append(Room(_span(start, start + frames + more), frames, start))
        start += frames + more
    words = [f"{each}-{each + 8} 900 word" for each in range(0, start - 8, 40)]
    spoken = _piece("transcript", 0, start, "words", words=words)
    evidence = evidence_from([spoken], Curves(onsets=tuple(sorted(onsets))))
    spans = placed(rooms, evidence, RATE, shortest=12, beats=frozenset(beats))
    assert sum(each.frames for each in spans) == sum(each.frames for each in rooms)
    for room, span in zip(rooms, spans, strict=True):
        assert room.span.in_frame <= span.in_frame < span.out_frame <= room.span.out_frame
        assert abs(span.frames - room.frames) <= 6
        assert not {span.in_frame, span.out_frame} & evidence.in_words
