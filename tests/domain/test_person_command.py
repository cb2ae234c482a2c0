"""`holdback person`: what whoever may read the home makes for people to sign in with."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from holdback.people import home_credentials
from holdback.proving import print_code, set_up_factor, sign_out, tell_people
from holdback_base.problem import Problem
from pyotp import TOTP

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PEOPLE = '[[people]]\nid = "person:sam"\nname = "Sam"\nroles = ["editor"]\n'


def clock() -> datetime:
    return NOW


class Typing(io.StringIO):
    """Somebody at the terminal who types what the authenticator shows for the key that was printed."""

    def __init__(self, printed: pytest.CaptureFixture[str], steps: int = 0) -> None:
        super().__init__()
        self.printed, self.steps, self.said = printed, steps, ""

    def readline(self, *_: object) -> str:
        self.said = self.printed.readouterr().out
        address = next(line for line in self.said.splitlines() if line.startswith("otpauth://"))
        secret = parse_qs(urlsplit(address).query)["secret"][0]
        return TOTP(secret).at(int(NOW.timestamp()) + 30 * self.steps) + "\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "holdback.toml").write_text(PEOPLE, encoding="utf-8")
    return tmp_path


def test_a_code_is_printed_alone_and_works(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_code("sam", home, clock)
    said = capsys.readouterr()
    assert home_credentials(home, clock).use_code("person:sam", said.out.strip())
    assert "person:sam" in said.err
    until = (NOW + timedelta(minutes=5)).astimezone()
    assert f"until {until:%H:%M:%S} {until.tzname()}." in said.err


def test_who_made_a_code_for_whom_is_on_record_and_the_code_is_not(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_code("person:sam", home, clock)
    code = capsys.readouterr().out.strip()
    text = "".join(each.read_text("utf-8") for each in (home / "audit").glob("people*.jsonl"))
    rows = [json.loads(line) for line in text.splitlines()]
    told = [(each["actor"], each["resource"]) for each in rows if each.get("action") == "person.code"]
    assert told == [("person:local", "person:sam")]
    assert code not in text


def test_nobody_gets_a_code_under_a_name_that_nobody_has(home: Path) -> None:
    with pytest.raises(Problem, match="Nobody here is called person:zoe") as told:
        print_code("zoe", home, clock)
    assert told.value.hint == "Choose one of person:sam."


def test_where_an_issuer_signs_people_in_no_codes_are_made(home: Path) -> None:
    oidc = '[oidc]\nissuer = "https://issuer.example"\nclient_id = "holdback"\n'
    (home / "holdback.toml").write_text(PEOPLE + oidc, encoding="utf-8")
    with pytest.raises(Problem, match="signs people in"):
        print_code("sam", home, clock)


def test_a_second_factor_is_in_force_once_its_digits_were_typed(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typing = Typing(capsys)
    monkeypatch.setattr("sys.stdin", typing)
    set_up_factor("sam", home, remove=False, clock=clock)
    assert "otpauth://totp/" in typing.said
    tell_people(home)
    assert "person:sam  Sam  editor  second factor" in capsys.readouterr().out
    set_up_factor("sam", home, remove=True)
    tell_people(home)
    assert "no second factor\n" in capsys.readouterr().out


def test_a_second_factor_whose_digits_are_wrong_changes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Typing(capsys, steps=9))
    with pytest.raises(Problem, match="nothing was changed"):
        set_up_factor("sam", home, remove=False, clock=clock)
    assert not home_credentials(home, clock).has_factor("person:sam")


def test_signing_out_counts_from_now_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sign_out("sam", home, clock)
    assert home_credentials(home, clock).signed_out("person:sam", NOW)
    assert "signed out everywhere" in capsys.readouterr().out


def test_a_home_without_a_house_gives_no_code_that_would_let_nobody_in(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="There is no house in") as told:
        print_code("sam", tmp_path / "another", clock)
    assert "--home" in told.value.hint
    assert not (tmp_path / "another").exists()
