"""Where a house answers and where it lives, as a person says it: a slip is told before anything is begun."""

from pathlib import Path

import pytest
from holdback.holding import held
from holdback.reaching import house_url, library_folders, whole_address
from holdback.serve import placed, run_one, run_up
from holdback_base.problem import Problem
from holdback_servers.settings import Settings, load_settings


def test_what_is_given_is_where_the_house_answers(tmp_path: Path) -> None:
    assert house_url(Settings(home=tmp_path), "https://holdback.example/") == "https://holdback.example"


def test_a_home_on_which_no_house_is_up_is_told(tmp_path: Path) -> None:
    for _ in ("never", "not any more"):
        with pytest.raises(Problem, match="No house is up on the home") as told:
            house_url(Settings(home=tmp_path), None)
        assert (told.value.code, str(tmp_path) in told.value.hint) == ("UNAVAILABLE", True)
        with held(tmp_path) as answers_at:
            answers_at("http://127.0.0.1:8701")


def test_a_house_that_was_killed_is_not_up_though_it_could_not_say_so(tmp_path: Path) -> None:
    (tmp_path / "up.lock").touch()
    (tmp_path / "up.url").write_text("http://127.0.0.1:8701", encoding="utf-8")
    with pytest.raises(Problem, match="No house is up"):
        house_url(Settings(home=tmp_path), None)


@pytest.mark.parametrize(
    "given", ["", "127.0.0.1:8700", "localhost", "ftp://a.example", "http://", "http://a:b", "http://[::1"]
)
def test_an_address_that_is_not_whole_is_told(given: str) -> None:
    with pytest.raises(Problem, match="is no whole address") as told:
        whole_address(given, "--gateway")
    assert "http://" in told.value.hint


def test_a_library_is_a_folder_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "film.mov").touch()
    assert library_folders(None, "--library") is None
    assert library_folders([tmp_path, Path("~")], "--library") == [tmp_path, tmp_path]
    for wrong in (tmp_path / "nope", tmp_path / "film.mov"):
        with pytest.raises(Problem, match=f"--library {wrong}: there is no such folder") as told:
            library_folders([tmp_path, wrong], "--library")
        assert (told.value.code, bool(told.value.hint)) == ("FILE_MISSING", True)


@pytest.mark.parametrize(
    ("said", "told"),
    [("assets", "is no whole address"), ("assets=nowhere", "is no whole address"), ("asets=http://a.example", "asets")],
)
def test_what_stands_elsewhere_is_checked_before_the_house_is_opened(tmp_path: Path, said: str, told: str) -> None:
    with pytest.raises(Problem, match=told):
        run_up(Settings(home=tmp_path / "home", port=0), [said])
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("rights=http://127.0.0.1:8765", "http://127.0.0.1:8765/mcp/rights"),
        ("rights=http://127.0.0.1:8765/mcp/rights/", "http://127.0.0.1:8765/mcp/rights"),
        ("compliance=http://127.0.0.1:8765/", "http://127.0.0.1:8765"),
    ],
)
def test_a_server_elsewhere_is_found_without_the_path_that_is_always_the_same(said: str, address: str) -> None:
    assert placed(said)[1] == address


def test_an_agent_by_itself_needs_the_gateways_whole_address(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="is no whole address"):
        run_one("compliance", Settings(home=tmp_path / "home", port=0), "127.0.0.1:8700")
    assert not (tmp_path / "home").exists()


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Problem, match="cannot be read: Not a directory") as told:
        load_settings({}, home=tmp_path / "file")
    assert "--home" in told.value.hint
    with pytest.raises(Problem, match="cannot be used: Not a directory"), held(tmp_path / "file" / "home"):
        raise AssertionError("it is held")


def test_settings_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "holdback.toml").write_bytes(b'person = "\xff"')
    with pytest.raises(Problem, match="it is not UTF-8"):
        load_settings({}, home=tmp_path)
