"""Which pieces go into the cut: about the subject, in order, exactly as long as asked."""

from fractions import Fraction
from itertools import pairwise

import pytest
from holdback_agents.editing_assistant.choice import Piece, choose, chosen, spread, trimmed, without
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span
from hypothesis import given
from hypothesis import strategies as st

RATE = Fraction(24)


def _piece(kind: str, start: int, end: int, text: str) -> Piece:
    return Piece(kind=kind, in_frame=start, out_frame=end, text=text)


def test_marked_pieces_come_before_logged_shots_and_stay_in_the_films_order() -> None:
    pieces = [
        _piece("log", 0, 500, "a butterfly and a rabbit"),
        _piece("marker", 700, 800, "butterflies close"),
        _piece("marker", 600, 690, "the butterfly settles"),
        _piece("marker", 900, 990, "a nut"),
    ]
    picks = choose(pieces, "the butterfly scene", 180, RATE)
    assert [(pick.in_frame, pick.frames) for pick in picks] == [(600, 90), (700, 90)]
    assert picks[0].reason.startswith("marked by the logger: the butterfly settles")


def test_pieces_that_overlap_are_not_taken_twice() -> None:
    pieces = [_piece("marker", 10, 110, "fox"), _piece("log", 0, 200, "fox"), _piece("log", 300, 400, "fox")]
    picks = choose(pieces, "fox", 150, RATE)
    assert [pick.in_frame for pick in picks] == [10, 300]


def test_a_subject_that_nobody_described_is_not_found() -> None:
    with pytest.raises(Problem, match="described as 'a dragon'"):
        choose([_piece("log", 0, 10, "a fox")], "a dragon", 10, RATE)


def test_too_little_footage_is_said_with_how_much_there_is() -> None:
    with pytest.raises(Problem, match=r"for 2\.0 s, not 15\.0 s"):
        choose([_piece("log", 0, 48, "a fox")], "fox", 360, RATE)


@given(st.lists(st.integers(20, 400), min_size=1, max_size=12), st.data())
def test_trimmed_lengths_add_up_and_only_the_longest_lose(lengths: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(len(lengths) * 20, sum(lengths)))
    kept = trimmed(lengths, total, shortest=12)
    assert sum(kept) == total
    assert all(new <= old for new, old in zip(kept, lengths, strict=True))
    cut_to = max(kept)
    assert all(new == old for new, old in zip(kept, lengths, strict=True) if old < cut_to - 1)


def test_of_a_film_that_nobody_described_shots_from_all_over_it_are_taken_and_that_is_said() -> None:
    shots = [_piece("shot", start, start + 240, "") for start in range(0, 2400, 240)]
    picks, notes = chosen(shots, "the harbour", 240, RATE, "Our film")
    assert [(pick.in_frame, pick.frames) for pick in picks] == [(330, 60), (810, 60), (1530, 60), (2010, 60)]
    assert "Nobody has described the shots of Our film" in notes[0]
    assert all(pick.confidence < 50 for pick in picks)


def test_what_was_measured_or_said_of_other_things_does_not_describe_a_film() -> None:
    shots = [_piece("shot", start, start + 240, "") for start in range(0, 2400, 240)]
    measured = [_piece("silence", 0, 100, "no sound for 4.2 s"), _piece("transcript", 200, 260, "good evening")]
    picks, notes = chosen([*shots, *measured], "the harbour", 240, RATE, "Our film")
    assert (len(picks), "Nobody has described" in notes[0]) == (4, True)
    spoken, told = chosen([*shots, _piece("transcript", 480, 720, "in the harbour")], "harbour", 48, RATE, "Our film")
    assert (len(spoken), told) == (1, ())


def test_a_film_that_somebody_described_is_searched_and_needs_no_note() -> None:
    pieces = [_piece("shot", 0, 240, ""), _piece("log", 240, 480, "the harbour at dawn")]
    picks, notes = chosen(pieces, "the harbour", 48, RATE, "Our film")
    assert ([pick.in_frame for pick in picks], notes) == ([240], ())


def test_one_long_shot_gives_its_middle() -> None:
    picks = spread([_piece("shot", 0, 2400, "")], 240, RATE)
    assert [(pick.in_frame, pick.out_frame) for pick in picks] == [(1080, 1320)]


def test_undescribed_footage_that_is_too_short_says_how_long_it_is() -> None:
    with pytest.raises(Problem, match=r"lasts 2\.0 s, not 15\.0 s"):
        spread([_piece("shot", 0, 48, "")], 360, RATE)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=20), st.data())
def test_spread_picks_are_in_order_apart_within_their_shots_and_exactly_long_enough(
    lengths: list[int], data: st.DataObject
) -> None:
    starts = [sum(lengths[:number]) for number in range(len(lengths))]
    shots = [_piece("shot", start, start + length, "") for start, length in zip(starts, lengths, strict=True)]
    frames = data.draw(st.integers(1, sum(lengths)))
    picks = spread(shots, frames, RATE)
    assert sum(pick.frames for pick in picks) == frames
    assert all(one.out_frame <= other.in_frame for one, other in pairwise(picks))
    for pick in picks:
        assert any(shot.in_frame <= pick.in_frame < pick.out_frame <= shot.out_frame for shot in shots)


def test_pieces_are_cut_around_what_must_not_be_seen_and_short_remains_are_dropped() -> None:
    pieces = [_piece("shot", 0, 100, ""), _piece("shot", 100, 200, ""), _piece("shot", 200, 300, "")]
    left = without(pieces, [Span(in_frame=95, out_frame=150), Span(in_frame=205, out_frame=300)], RATE)
    assert [(each.in_frame, each.out_frame) for each in left] == [(0, 95), (150, 200)]


def test_a_pick_never_jumps_to_black_or_flashes_and_avoids_a_held_picture() -> None:
    pieces = [
        _piece("log", 0, 240, "a fox"),
        _piece("black", 0, 30, ""),
        _piece("flashing", 200, 240, ""),
        _piece("freeze", 30, 60, ""),
    ]
    picks = choose(pieces, "fox", 120, RATE)
    shown = {frame for pick in picks for frame in range(pick.in_frame, pick.out_frame)}
    assert sum(pick.frames for pick in picks) == 120
    assert not shown & {*range(30), *range(30, 60), *range(200, 240)}


def test_a_pick_is_not_cut_in_the_middle_of_a_word_where_the_shot_leaves_room() -> None:
    words = [Span(in_frame=start, out_frame=start + 9) for start in range(0, 100, 10)]
    told = [f"{each.in_frame}-{each.out_frame} 950 and" for each in words]
    spoken = Piece(kind="transcript", in_frame=0, out_frame=99, text="and so on", fields={"words": told})
    (pick,) = choose([_piece("log", 5, 200, "a fox"), spoken], "fox", 51, RATE)
    assert not any(word.in_frame < end < word.out_frame for word in words for end in (pick.in_frame, pick.out_frame))
    assert "no word is cut" in pick.reason
    assert pick.confidence > 75


def test_where_every_cut_would_split_the_speech_that_is_said_and_counts_against_the_pick() -> None:
    spoken = _piece("transcript", 0, 300, "a long sentence")
    (pick,) = choose([_piece("log", 10, 100, "a fox"), spoken], "fox", 90, RATE)
    assert "a word is cut" in pick.reason
    assert pick.confidence < 75


def test_silence_is_avoided_within_a_shot_and_said_where_it_cannot_be() -> None:
    quiet = _piece("silence", 0, 100, "")
    (pick,) = choose([_piece("log", 0, 220, "a fox"), quiet], "fox", 100, RATE)
    assert pick.in_frame >= 90
    (silent,) = choose([_piece("log", 0, 100, "a fox"), quiet], "fox", 100, RATE)
    assert "most of it is silent" in silent.reason
    assert silent.confidence < pick.confidence


def test_what_is_said_about_the_subject_is_taken_too() -> None:
    picks = choose([_piece("transcript", 50, 150, "look, a fox"), _piece("log", 0, 40, "a hen")], "fox", 90, RATE)
    assert picks[0].reason.startswith("said there: look, a fox")


def test_what_is_left_out_of_the_film_does_not_take_what_is_known_of_it_away() -> None:
    black = _piece("black", 0, 6, "")
    left = without([_piece("log", 0, 100, "a fox"), black], [Span(in_frame=0, out_frame=50)], RATE)
    assert black in left
    assert [(each.in_frame, each.out_frame) for each in left if each.kind == "log"] == [(50, 100)]
