"""Gaps are filled to the frame whenever they can be: compared with every order of every choice that there is."""

from itertools import pairwise, product

import pytest
from holdback_base.problem import Problem
from holdback_servers.schedule.plans import Choice, Filling, fill_gap
from hypothesis import given
from hypothesis import strategies as st


def _choices(*frames: int, at_most: int = 1) -> list[Choice]:
    return [Choice(f"f{n}", each, at_most) for n, each in enumerate(frames)]


def test_a_gap_is_filled_with_the_fewest_pieces_that_fit_exactly() -> None:
    assert fill_gap(1000, _choices(250, 250, 500, 1000)).keys == ("f3",)
    assert sorted(fill_gap(750, _choices(250, 250, 500, 1000)).keys) in (["f0", "f2"], ["f1", "f2"])


def test_a_gap_that_cannot_be_filled_says_the_nearest_below_and_above() -> None:
    assert fill_gap(100, _choices(30, 45, 120)) == Filling(("f0", "f1"), 75, 20)
    assert fill_gap(100, _choices(250)) == Filling((), 0, None)
    assert fill_gap(100, []) == Filling((), 0, None)


def test_nothing_goes_out_twice_in_a_row_even_if_the_gap_stays_open() -> None:
    assert fill_gap(100, _choices(50, at_most=5)) == Filling(("f0",), 50, None)
    assert fill_gap(130, [Choice("a", 50, 5), Choice("b", 30, 1)]).keys == ("a", "b", "a")


def test_of_a_group_only_one_goes_out() -> None:
    grouped = [Choice("a", 50, 3, "cars"), Choice("b", 50, 1, "cars"), Choice("c", 40)]
    assert sorted(fill_gap(100, grouped).keys) == ["a", "c"]


def test_no_more_pieces_than_allowed_are_used() -> None:
    assert fill_gap(100, _choices(50, 25, 25), 2).frames == 75


def test_too_many_ways_are_refused_with_the_cure() -> None:
    with pytest.raises(Problem, match="too many ways") as caught:
        fill_gap(3 * 3600 * 60, [Choice(f"f{n}", 2000 + n, 50) for n in range(200)])
    assert (caught.value.code, caught.value.hint) == ("TOO_LARGE", "Give fewer of them, or a smaller at_most.")


def test_ten_minutes_of_many_fillers_are_filled_at_once() -> None:
    fillers = [Choice(f"f{n}", 250 + 37 * n, 3) for n in range(30)]
    found = fill_gap(15_000, fillers)
    lengths = {each.key: each.frames for each in fillers}
    assert sum(lengths[key] for key in found.keys) == 15_000


@given(
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 3), st.sampled_from(["", "", "g"])), max_size=3),
)
def test_no_order_of_any_choice_comes_nearer(frames: int, given_: list[tuple[int, int, str]]) -> None:
    choices = [Choice(f"f{n}", length, often, group) for n, (length, often, group) in enumerate(given_)]
    found = fill_gap(frames, choices)
    best, fewest = _best(frames, choices)
    assert (found.frames, len(found.keys)) == (best, fewest)
    assert _allowed(found.keys, choices)
    assert sum(next(c.frames for c in choices if c.key == key) for key in found.keys) == found.frames


def _allowed(keys: tuple[str, ...], choices: list[Choice]) -> bool:
    by_key = {each.key: each for each in choices}
    groups = [by_key[key].group for key in keys if by_key[key].group]
    often = all(keys.count(each.key) <= each.at_most for each in choices)
    return often and len(groups) == len(set(groups)) and all(a != b for a, b in pairwise(keys))


def _best(frames: int, choices: list[Choice]) -> tuple[int, int]:
    """Of all sequences the one that fills most, with the fewest pieces."""
    found = [(0, 0)]
    for count in range(1, sum(1 if each.group else each.at_most for each in choices) + 1):
        for some in product(choices, repeat=count):
            total = sum(each.frames for each in some)
            if total <= frames and _allowed(tuple(each.key for each in some), choices):
                found.append((total, -count))
    best = max(found)
    return best[0], -best[1]
