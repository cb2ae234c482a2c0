"""Which pieces go into the cut: about the subject, in order, exactly as long as asked."""

from fractions import Fraction

import pytest
from holdback_agents.editing_assistant.choice import Piece, choose, trimmed
from holdback_base.problem import Problem
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
