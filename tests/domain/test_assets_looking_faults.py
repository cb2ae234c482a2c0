"""Black, frozen and flashing pictures: found where they are, and nowhere else."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from holdback_servers.assets.looking.faults import PictureFaults
from holdback_servers.assets.looking.flashing import FlashMeter, Transfer
from holdback_servers.assets.looking.grids import CHROMA, COLUMNS, LUMA, ROWS, GridPile, Grids
from holdback_servers.assets.looking.runs import Run, Runs, joined, without
from hypothesis import given
from hypothesis import strategies as st

RATE = Fraction(25)
Picture = tuple[float | np.ndarray, float, float]
GREY: Picture = (100, 128, 128)
BLACK: Picture = (16, 128, 128)
RED: Picture = (63, 102, 240)
"""Pure red of BT.709 in 8 bits."""


def _piled(pictures: Iterable[Picture]) -> list[Grids]:
    pile, piled = GridPile(), []
    for luma, blue, red in pictures:
        grid = np.empty(LUMA + 2 * CHROMA)
        grid[:LUMA] = np.broadcast_to(luma, (ROWS, COLUMNS)).reshape(-1)
        grid[LUMA : LUMA + CHROMA], grid[LUMA + CHROMA :] = blue, red
        piled.append(pile.add(np.clip(np.rint(grid), 0, 255).astype(np.uint8)))
    return [grids for grids in [*piled, pile.take()] if grids is not None]


def _faults(pictures: Iterable[Picture]) -> tuple[list[Run], list[Run]]:
    faults = PictureFaults(RATE)
    for grids in _piled(pictures):
        faults.feed(grids)
    return faults.finish()


def _flashes(pictures: Iterable[Picture], transfer: Transfer = "SDR") -> list[Run]:
    meter = FlashMeter(float(RATE), transfer)
    for grids in _piled(pictures):
        meter.feed(grids)
    return meter.finish()


def _moving(count: int, seed: int = 1) -> list[Picture]:
    chance = np.random.default_rng(seed)
    return [(chance.uniform(60, 140, (ROWS, COLUMNS)), 128, 128) for _ in range(count)]


def test_grids_know_their_frames_whatever_is_taken_at_once() -> None:
    piled = _piled(_moving(50))
    assert [(grids.first, len(grids)) for grids in piled] == [(0, 24), (24, 24), (48, 2)]
    assert piled[0].scores()[0] == 0
    assert all(score > 0 for score in piled[1].scores())


def test_black_is_found_to_the_frame_from_a_fifth_of_a_second_on() -> None:
    black, frozen = _faults([*_moving(30), *[BLACK] * 5, *_moving(30), *[BLACK] * 4, *_moving(3), *[BLACK] * 6])
    assert black == [(30, 35), (72, 78)]
    assert frozen == []


def test_a_lit_corner_is_not_black() -> None:
    lit = np.full((ROWS, COLUMNS), 16.0)
    lit[:11, :11] = 180  # a little over a fiftieth
    assert _faults([(lit, 128, 128)] * 30)[0] == []


def test_a_freeze_is_found_from_its_first_frame() -> None:
    _, frozen = _faults([*_moving(10), *[GREY] * 50, *_moving(10), *[GREY] * 49, *_moving(10)])
    assert frozen == [(10, 60)]


def test_coding_noise_does_not_hide_a_freeze() -> None:
    chance = np.random.default_rng(3)
    still = [(100 + (chance.random((ROWS, COLUMNS)) < 0.1), 128, 128) for _ in range(60)]
    assert _faults([*_moving(10), *still])[1] == [(10, 70)]


def test_a_small_thing_that_moves_is_no_freeze() -> None:
    pictures: list[Picture] = []
    for frame in range(80):
        luma = np.full((ROWS, COLUMNS), 100.0)
        luma[20, frame] = 160
        pictures.append((luma, 128, 128))
    assert _faults(pictures)[1] == []


def test_a_slow_fade_is_no_freeze() -> None:
    assert _faults([(100 + frame / 10, 128, 128) for frame in range(100)])[1] == []


def test_what_is_black_is_not_called_frozen_too() -> None:
    black, frozen = _faults([*_moving(5), *[BLACK] * 60, *[GREY] * 55])
    assert black == [(5, 65)]
    assert frozen == [(65, 120)]


def _blinking(count: int, every: int, dark: Picture = GREY, bright: Picture = (180, 128, 128)) -> list[Picture]:
    return [bright if frame // every % 2 else dark for frame in range(count)]


def test_four_flashes_a_second_are_harmful() -> None:
    found = _flashes([*[GREY] * 50, *_blinking(50, 3), *[GREY] * 50])
    assert len(found) == 1
    assert found[0][0] == 53  # the first change
    assert 95 <= found[0][1] <= 125


def test_three_flashes_a_second_are_not_harmful() -> None:
    three = [*[(180, 128, 128), GREY] * 3, *[GREY] * 19]
    assert _flashes([*[GREY] * 10, *three, *three, *[GREY] * 30]) == []


def test_flashing_over_a_fifth_of_the_picture_is_not_harmful_and_over_a_third_it_is() -> None:
    def partly(share: float) -> list[Picture]:
        bright = np.full((ROWS, COLUMNS), 100.0)
        bright[:, : round(COLUMNS * share)] = 180
        return [(bright, 128, 128) if frame % 2 else GREY for frame in range(60)]

    assert _flashes(partly(0.2)) == []
    assert _flashes(partly(0.34)) != []


def test_small_changes_and_changes_among_bright_pictures_are_no_flashes() -> None:
    assert _flashes(_blinking(60, 1, GREY, (110, 128, 128))) == []
    assert _flashes(_blinking(60, 1, (220, 128, 128), (235, 128, 128))) == []  # 170 and 200 cd/m2


def test_a_cut_or_a_fade_is_no_flash() -> None:
    assert (
        _flashes([*[BLACK] * 40, *[(200, 128, 128)] * 40, *[(200 - frame * 4, 128, 128) for frame in range(40)]]) == []
    )


def test_saturated_red_is_a_flash_even_where_it_is_dark() -> None:
    dim_red: Picture = (35, 118, 190)
    assert _flashes(_blinking(60, 2, (35, 128, 128), dim_red)) != []
    assert _flashes(_blinking(60, 2, (35, 128, 128), (35, 190, 118))) == []  # as blue as the other was red


def test_hdr_is_judged_by_its_own_light() -> None:
    low, high = (130, 128, 128), (150, 128, 128)
    assert _flashes(_blinking(60, 2, low, high), "PQ") != []  # 110 and 190 cd/m2
    assert _flashes(_blinking(60, 2, (90, 128, 128), (105, 128, 128)), "PQ") == []  # 26 and 44
    assert _flashes(_blinking(60, 2, (40, 128, 128), (70, 128, 128)), "HLG") == []


@given(st.lists(st.booleans(), max_size=80), st.integers(1, 9))
def test_runs_are_as_long_as_asked_and_hold_throughout(held: Sequence[bool], shortest: int) -> None:
    runs = Runs(shortest)
    for frame, holds in enumerate(held):
        runs.feed(frame, holds)
    found = runs.end(len(held))
    assert all(end - start >= shortest and all(held[start:end]) for start, end in found)
    inside = {frame for start, end in found for frame in range(start, end)}
    for frame, holds in enumerate(held):
        if holds and frame not in inside:
            around = [at for at in range(len(held)) if all(held[min(at, frame) : max(at, frame) + 1])]
            assert len(around) < shortest


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda p: (p[0], p[0] + p[1])), max_size=8)


@given(SPANS, SPANS)
def test_what_is_left_of_runs_is_frame_by_frame_what_the_others_do_not_hold(one: list[Run], other: list[Run]) -> None:
    def frames(runs: list[Run]) -> set[int]:
        return {frame for start, end in runs for frame in range(start, end)}

    assert frames(without(one, other)) == frames(one) - frames(other)
    whole = joined(one)
    assert frames(whole) == frames(one)
    assert all(first[1] < second[0] for first, second in pairwise(whole))
