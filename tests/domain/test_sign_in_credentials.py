"""Codes of one use and second factors, as they lie in a home."""

import itertools
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from holdback_agents.gateway.authority.credentials import (
    MOST_TRIES,
    MOST_WRONG,
    Credentials,
    factor_address,
    new_secret,
    shows,
)
from holdback_base.problem import Problem
from pyotp import TOTP

SAM, ALEX = "person:sam", "person:alex"


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def credentials(tmp_path: Path, clock: Clock) -> Credentials:
    return Credentials(tmp_path / "people", clock)


def test_a_code_works_once_however_it_is_typed(credentials: Credentials) -> None:
    code, _ = credentials.new_code(SAM)
    assert credentials.use_code(SAM, code.lower().replace("-", " ").replace("0", "o").replace("1", "l"))
    assert not credentials.use_code(SAM, code)


def test_a_code_is_for_one_person_and_the_next_one_replaces_it(credentials: Credentials) -> None:
    first, _ = credentials.new_code(SAM)
    assert not credentials.use_code(ALEX, first)
    second, _ = credentials.new_code(SAM)
    assert not credentials.use_code(SAM, first)
    assert credentials.use_code(SAM, second)


@pytest.mark.parametrize(("seconds", "works"), [(299, True), (300, False), (3000, False)])
def test_a_code_ends_after_five_minutes(credentials: Credentials, clock: Clock, seconds: int, works: bool) -> None:
    code, expires = credentials.new_code(SAM)
    assert expires == clock.now + timedelta(minutes=5)
    clock.forward(seconds=seconds)
    assert credentials.use_code(SAM, code) is works


def test_a_code_is_worthless_after_five_wrong_tries(credentials: Credentials) -> None:
    code, _ = credentials.new_code(SAM)
    for _ in range(MOST_TRIES):
        assert not credentials.use_code(SAM, "AAAA-AAAA")
    assert not credentials.use_code(SAM, code)


def test_everybody_waits_after_too_many_wrong_tries_in_a_minute(credentials: Credentials, clock: Clock) -> None:
    code, _ = credentials.new_code(SAM)
    for number in range(MOST_WRONG):
        credentials.use_code(f"person:nobody-{number}", "AAAA-AAAA")
    with pytest.raises(Problem, match="too many wrong tries"):
        credentials.use_code(SAM, code)
    clock.forward(seconds=60)
    assert credentials.use_code(SAM, code)


def test_what_lies_in_the_home_is_for_its_owner_and_holds_no_code(
    credentials: Credentials, tmp_path: Path, clock: Clock
) -> None:
    code, _ = credentials.new_code(SAM)
    credentials.set_factor(SAM, new_secret())
    files = list((tmp_path / "people").iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    assert not any(code.replace("-", "") in each.read_text("utf-8").upper() for each in files)


def test_no_code_is_made_twice(credentials: Credentials) -> None:
    codes = {credentials.new_code(SAM)[0] for _ in range(50)}
    assert len(codes) == 50


def _digits(secret: str, clock: Clock, steps: int = 0) -> str:
    return TOTP(secret).at(int(clock.now.timestamp()) + 30 * steps)


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_second_factor_may_be_half_a_minute_off(
    credentials: Credentials, clock: Clock, steps: int, right: bool
) -> None:
    secret = new_secret()
    credentials.set_factor(SAM, secret)
    assert credentials.use_factor(SAM, _digits(secret, clock, steps)) is right


def test_digits_count_once_even_for_a_gateway_that_begins_again(
    credentials: Credentials, tmp_path: Path, clock: Clock
) -> None:
    secret = new_secret()
    credentials.set_factor(SAM, secret)
    digits = _digits(secret, clock)
    assert credentials.use_factor(SAM, digits)
    assert not credentials.use_factor(SAM, digits)
    assert not Credentials(tmp_path / "people", clock).use_factor(SAM, digits)
    clock.forward(seconds=30)
    assert credentials.use_factor(SAM, _digits(secret, clock))


def test_guessing_digits_ends_after_five_tries_until_minutes_have_passed(
    credentials: Credentials, clock: Clock
) -> None:
    secret = new_secret()
    credentials.set_factor(SAM, secret)
    wrong = (each for each in map("{:06}".format, itertools.count()) if not shows(secret, each, clock.now))
    for _ in range(MOST_TRIES):
        assert not credentials.use_factor(SAM, next(wrong))
    with pytest.raises(Problem, match="too many wrong tries"):
        credentials.use_factor(SAM, _digits(secret, clock))
    clock.forward(minutes=5)
    assert credentials.use_factor(SAM, _digits(secret, clock))


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345\n"])
def test_what_are_no_digits_is_wrong(credentials: Credentials, typed: str) -> None:
    credentials.set_factor(SAM, new_secret())
    assert not credentials.use_factor(SAM, typed)


def test_a_factor_whose_file_is_broken_lets_nobody_in(credentials: Credentials, tmp_path: Path, clock: Clock) -> None:
    secret = new_secret()
    credentials.set_factor(SAM, secret)
    next((tmp_path / "people").glob("*.factor")).write_text("{", encoding="utf-8")
    assert credentials.has_factor(SAM)
    assert not credentials.use_factor(SAM, _digits(secret, clock))
    assert credentials.remove_factor(SAM)
    assert not credentials.has_factor(SAM)


def test_who_was_signed_out_is_so_from_that_instant_on(credentials: Credentials, tmp_path: Path, clock: Clock) -> None:
    before = clock.now
    assert not credentials.signed_out(SAM, before)
    clock.forward(seconds=1)
    credentials.sign_out(SAM)
    assert credentials.signed_out(SAM, before)
    assert not credentials.signed_out(SAM, clock.now + timedelta(seconds=1))
    next((tmp_path / "people").glob("*.out")).write_text("{", encoding="utf-8")
    assert credentials.signed_out(SAM, clock.now + timedelta(seconds=1)), "a note that cannot be read counts"


def test_an_authenticator_is_told_whose_key_it_is_and_of_which_house() -> None:
    address = factor_address("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", SAM, "Holdback home")
    assert (
        address
        == "otpauth://totp/Holdback%20home:person%3Asam?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Holdback%20home"
    )
