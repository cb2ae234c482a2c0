"""Curves of sound and motion: what is kept of them, and what is read back for some frames."""

import json
from fractions import Fraction

import pytest
from holdback_base.vocabulary import Span
from holdback_servers.assets.looking.curves import KeptMotion, KeptSound, energy_in, grid_of, motion_in, onsets_in
from holdback_servers.assets.looking.motion import motion_json
from hypothesis import given
from hypothesis import strategies as st

RATE = Fraction(25)
SOUND = KeptSound(
    sample_rate=48000, samples_per_pixel=2400, start_ms=200, energy=(-20, -6, -30, -96), onsets_ms=(0, 100, 390)
)
"""Four tenths of a second, first heard a fifth of a second after the first picture."""


def _span(first: int, end: int) -> Span:
    return Span(in_frame=first, out_frame=end)


def test_motion_is_told_in_levels_a_second_for_every_tenth() -> None:
    kept = json.loads(motion_json([0.0, 2.0, 4.0, 6.0, 10.0], (0,), RATE))
    assert kept == {"version": 1, "step": 2, "motion": [50, 125, 250]}


def test_the_step_to_another_shot_is_no_motion() -> None:
    still_then_still = [0.0] * 10 + [90.0] + [0.0] * 9
    assert set(json.loads(motion_json(still_then_still, (0, 10), RATE))["motion"]) == {0}
    assert max(json.loads(motion_json(still_then_still, (0,), RATE))["motion"]) > 1000


def test_energy_lies_at_the_frames_on_which_it_is_heard() -> None:
    assert energy_in(SOUND, _span(0, 20), 5, RATE) == (-96, -6, -30, -96)
    assert energy_in(SOUND, _span(5, 10), 1, RATE) == (-20, -20, -6, -6, -6)


def test_onsets_are_frames_of_the_picture() -> None:
    assert onsets_in(SOUND, _span(0, 100), RATE) == (5, 7, 14)
    assert onsets_in(SOUND, _span(6, 14), RATE) == (7,)


def test_motion_is_read_on_another_grid_by_its_most() -> None:
    kept = KeptMotion(step=2, motion=(1, 9, 3, 4))
    assert motion_in(kept, _span(0, 10), 4) == (9, 4, 0)
    assert motion_in(kept, _span(3, 6), 2) == (9, 3)


@given(st.integers(0, 500), st.integers(1, 500), st.sampled_from([RATE, Fraction(24000, 1001), Fraction(48000)]))
def test_all_curves_of_a_span_are_of_one_length(first: int, length: int, rate: Fraction) -> None:
    span = _span(first, first + length)
    step = grid_of(span, rate)
    lengths = {len(energy_in(SOUND, span, step, rate)), len(motion_in(KeptMotion(step=2, motion=(1,)), span, step))}
    assert lengths == {-(-length // step)}


@pytest.mark.parametrize(("seconds", "most"), [(300, 3000), (600, 3000), (7200, 3000)])
def test_a_long_span_has_no_more_values_than_an_answer_holds(seconds: int, most: int) -> None:
    frames = 25 * seconds
    assert frames / grid_of(_span(0, frames), RATE) <= max(most, frames / 2 if seconds < 300 else most)
