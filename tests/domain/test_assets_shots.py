"""The shot detector: cuts are found, pans, flashes and noise are not cuts."""

from itertools import pairwise

from holdback_servers.assets.shots import ShotDetector, find_cuts
from hypothesis import given
from hypothesis import strategies as st

CUT = 60.0


def _scores(length: int, cuts: dict[int, float], calm: float = 1.0) -> list[float]:
    return [0.0] + [cuts.get(frame, calm) for frame in range(1, length)]


def test_a_cut_is_found_at_its_first_frame() -> None:
    assert find_cuts(_scores(100, {40: CUT})) == [40]


def test_a_pan_is_no_cut() -> None:
    assert find_cuts(_scores(100, {}, calm=25.0)) == []


def test_a_cut_in_a_pan_is_found_when_it_stands_out() -> None:
    assert find_cuts(_scores(100, {50: 90.0}, calm=20.0)) == [50]


def test_a_flash_is_no_cut() -> None:
    assert find_cuts(_scores(100, {50: CUT, 51: CUT})) == []


def test_noise_in_a_still_picture_is_no_cut() -> None:
    assert find_cuts(_scores(100, {50: 5.0}, calm=0.0)) == []


def test_a_shot_is_never_shorter_than_told() -> None:
    assert find_cuts(_scores(100, {40: CUT, 46: CUT}), shortest=12) == [40]
    assert find_cuts(_scores(100, {40: CUT, 46: CUT}), shortest=6) == [40, 46]


def test_a_cut_among_the_last_frames_is_found() -> None:
    assert find_cuts(_scores(50, {48: CUT})) == [48]
    assert find_cuts(_scores(50, {49: CUT})) == [49]


def test_a_shot_that_begins_for_another_reason_is_not_told_again() -> None:
    detector = ShotDetector(shortest=6)
    told: list[int | None] = []
    for frame, score in enumerate(_scores(60, {30: CUT})):
        told.append(detector.feed(score))
        if frame == 30:
            assert detector.begin(30)
        if frame == 34:
            assert not detector.begin(34)
    assert not any(told)


@given(st.lists(st.floats(0, 255), max_size=400), st.integers(1, 30))
def test_cuts_are_in_order_inside_the_media_and_apart(scores: list[float], shortest: int) -> None:
    edges = [0, *find_cuts(scores, shortest)]
    assert all(later - earlier >= shortest for earlier, later in pairwise(edges))
    assert all(edge < max(1, len(scores)) for edge in edges)
