"""Perceptual hashes: alike stays near, unlike stays far, nothing says nothing."""

import numpy as np
import pytest
from holdback_servers.assets.looking import bits_apart, is_flat, nine_by_eight, picture_hash


def _scene(seed: int, rows: int = 54, columns: int = 96) -> np.ndarray:
    """A picture of soft large shapes."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    waves = [
        chance.uniform(10, 40) * np.sin(chance.uniform(-9, 9) * x + chance.uniform(-9, 9) * y + k) for k in range(6)
    ]
    return np.clip(120 + sum(waves), 0, 255)


def test_brightness_that_rises_to_the_right_sets_every_bit() -> None:
    rising = np.tile(np.arange(9.0), (8, 1))
    assert picture_hash(rising) == -1
    assert picture_hash(rising[:, ::-1]) == 0


def test_the_first_bit_is_the_sign() -> None:
    luma = np.zeros((8, 9))
    luma[0, 1:] = 1
    assert picture_hash(luma) == -(2**63)


def test_another_shape_has_no_hash() -> None:
    with pytest.raises(ValueError, match="8 rows of 9"):
        picture_hash(np.zeros((9, 8)))


@pytest.mark.parametrize("seed", range(12))
def test_another_size_grade_and_noise_keep_the_hash_near(seed: int) -> None:
    small, large = _scene(seed), _scene(seed, 360, 640)
    noisy = large * 0.8 + 20 + np.random.default_rng(seed).normal(0, 6, large.shape)
    assert bits_apart(picture_hash(nine_by_eight(small)), picture_hash(nine_by_eight(noisy))) <= 6


def test_unlike_pictures_lie_far_apart() -> None:
    hashes = [picture_hash(nine_by_eight(_scene(seed))) for seed in range(30)]
    apart = [bits_apart(one, other) for at, one in enumerate(hashes) for other in hashes[:at]]
    assert np.median(apart) > 24
    assert min(apart) > 8


def test_means_are_exact_where_fields_cut_through_pixels() -> None:
    luma = np.arange(10.0)[None, :].repeat(10, axis=0)
    small = nine_by_eight(luma)
    assert small.mean() == pytest.approx(luma.mean())
    assert small[0, 0] == pytest.approx((0 * 1 + 1 * (10 / 9 - 1)) / (10 / 9))


def test_black_and_plain_colours_are_flat() -> None:
    assert is_flat(nine_by_eight(np.full((54, 96), 16)))
    assert not is_flat(nine_by_eight(_scene(1)))
