"""How much of what is too much in one house: its settings say it, within what keeps the guardian awake."""

from pathlib import Path

import pytest
from holdback.foundation import lay_foundation
from holdback_base.problem import Problem
from holdback_servers.settings import Settings, load_settings
from holdback_trust.guardian import LIMITS, Guardian
from holdback_trust.guardian.limits import AMOUNTS, MOST_TIMES


def read(home: Path, text: str) -> Settings:
    (home / "holdback.toml").write_text(f"[guardian]\n{text}\n", encoding="utf-8")
    return load_settings({}, home=home)


def guard(settings: Settings) -> Guardian:
    foundation = lay_foundation(settings, "gateway")
    foundation.audit.close()
    assert isinstance(foundation.enforcement.guard, Guardian)
    return foundation.enforcement.guard


def test_a_house_that_says_nothing_has_the_limits_of_every_house(tmp_path: Path) -> None:
    assert guard(Settings(home=tmp_path)).limits == LIMITS


def test_the_guardian_of_a_house_keeps_to_the_counts_of_its_settings(tmp_path: Path) -> None:
    limits = guard(read(tmp_path, "denials = [4, 8]\nwork = [600, 1440]")).limits
    assert limits.denials == ((4, "narrow"), (8, "suspend"))
    assert limits.work == ((600, "ask"), (1440, "suspend"))
    assert limits.first() == {**LIMITS.first(), "denials": 4, "work": 600}


@pytest.mark.parametrize("signal", AMOUNTS)
def test_a_limit_goes_from_one_to_ten_times_that_of_every_house(tmp_path: Path, signal: str) -> None:
    usual = [count for count, _ in getattr(LIMITS, signal)]
    most = [count * MOST_TIMES for count in usual]
    for counts in ([1, *usual[1:]], most):
        assert read(tmp_path, f"{signal} = {counts}").guardian == {signal: tuple(counts)}
    for counts in ([0, *usual[1:]], [*most[:-1], most[-1] + 1]):
        with pytest.raises(Problem, match=f"{signal} takes the counts 1 to "):
            read(tmp_path, f"{signal} = {counts}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("volum = [1, 2]", "there is no limit volum; those of a house are denials"),
        ("off-plan = [30]", "there is no limit off-plan"),
        ("instructions = [1, 3]", "there is no limit instructions"),
        ("volume = 4000", "write the count of each step in brackets"),
        ("volume = [4000]", "volume takes the counts 1 to 40000: block and 1 to 80000: suspend"),
        ("volume = [4000, 8000, 9000]", "volume takes the counts"),
        ("volume = [8000, 4000]", "the counts of volume rise from step to step"),
        ("volume = [4000, 4000]", "the counts of volume rise from step to step"),
        ('volume = ["many", 8000]', "valid integer"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_may_stand_there(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Problem) as told:
        read(tmp_path, text)
    assert told.value.message.startswith("The setting guardian")
    assert said in told.value.message
    assert str(tmp_path / "holdback.toml") in told.value.hint
