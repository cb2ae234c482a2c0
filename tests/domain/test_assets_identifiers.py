"""Identifiers of works and recordings: their usual form, and every slip of one digit found."""

import re

import pytest
from holdback_base.problem import Problem
from holdback_servers.assets.identifiers import checked, mod_37_36
from holdback_servers.assets.model import Identifier
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("scope", "given_as", "usual"),
    [
        ("EIDR", "10.5240/7791-8534-2C23-9030-8610-5", "10.5240/7791-8534-2C23-9030-8610-5"),
        ("eidr", "https://doi.org/10.5240/779185342c23903086105", "10.5240/7791-8534-2C23-9030-8610-5"),
        ("ISAN", "0000-0000-D07A-0090-Q-0000-0000-X", "0000-0000-D07A-0090-Q-0000-0000-X"),
        ("ISAN", "ISAN 00000000D07A0090", "0000-0000-D07A-0090-Q"),
        ("ISRC", "uss1z9900001", "US-S1Z-99-00001"),
        ("ISWC", "T0345246801", "T-034.524.680-1"),
        ("house", " Tape 12 ", "Tape 12"),
    ],
)
def test_an_identifier_is_kept_in_its_usual_form(scope: str, given_as: str, usual: str) -> None:
    assert checked(Identifier(scope=scope, value=given_as)).value == usual


@pytest.mark.parametrize(
    ("scope", "wrong"),
    [
        ("EIDR", "10.5240/7791-8534-2C23-9030-8610-6"),
        ("EIDR", "10.5237/7791-8534-2C23-9030-8610-5"),
        ("ISAN", "0000-0000-D07A-0090-Q-0000-0000-Y"),
        ("ISAN", "0000-0000-D07A-0090-R"),
        ("ISRC", "US-S1Z-99-0001"),
        ("ISWC", "T-034.524.680-2"),
    ],
)
def test_a_wrong_one_is_refused_with_an_example(scope: str, wrong: str) -> None:
    with pytest.raises(Problem, match=re.escape(wrong)) as caught:
        checked(Identifier(scope=scope, value=wrong))
    assert scope in caught.value.hint


@given(st.text("0123456789ABCDEF", min_size=20, max_size=20), st.integers(0, 19), st.sampled_from("0123456789ABCDEF"))
def test_one_digit_mistaken_in_an_eidr_is_always_noticed(digits: str, place: int, other: str) -> None:
    right = Identifier(scope="EIDR", value=f"10.5240/{digits}{mod_37_36(digits)}")
    assert checked(right).value.replace("-", "").endswith(digits + mod_37_36(digits))
    slipped = digits[:place] + other + digits[place + 1 :]
    if slipped != digits:
        with pytest.raises(Problem):
            checked(Identifier(scope="EIDR", value=f"10.5240/{slipped}{mod_37_36(digits)}"))
