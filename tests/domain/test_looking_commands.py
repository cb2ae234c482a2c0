"""Commands that only look: what they are pointed at is as it was afterwards, and a slip in its name is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from holdback import deciding, guarding, letting_in, proving
from holdback.exchange import Wanted, export_file, import_file, write_template
from holdback.foundation import lay_foundation
from holdback.rooms import open_room
from holdback.taking_in import Folder, run_ingest
from holdback_base.problem import Problem
from holdback_servers.settings import Settings, load_settings

Look = Callable[[Path], None]
LOOKS: dict[str, Look] = {
    "agents list": lambda home: letting_in.list_agents(home, as_json=False),
    "agents show": lambda home: letting_in.show_agent("compliance", home, as_json=False),
    "guardian list": lambda home: guarding.list_all(home, as_json=False),
    "person list": proving.tell_people,
    "rights export": lambda home: export_file(home.parent / "rights.csv", home, None, Wanted()),
}
SLIPS: dict[str, Look] = {
    **LOOKS,
    "agents admit": lambda home: letting_in.admit_agent(letting_in.Said("compliance"), home),
    "agents dismiss": lambda home: letting_in.dismiss_agent("compliance", home),
    "guardian show": lambda home: guarding.show("evt_1", home, as_json=False),
    "person sign-out": lambda home: proving.sign_out("sam", home),
    "approvals list": lambda home: deciding.tell_list(
        deciding.At(home, "http://127.0.0.1:9", "sam"), None, as_json=False
    ),
}


@pytest.mark.parametrize("command", SLIPS.values(), ids=SLIPS.keys())
def test_a_home_that_is_not_there_is_told_and_not_made(tmp_path: Path, command: Look) -> None:
    with pytest.raises(Problem, match=str(tmp_path / "elsewhere")) as told:
        command(tmp_path / "elsewhere")
    assert told.value.code == "FILE_MISSING"
    assert told.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Of a house that let an agent in and has a place for rights."""
    home = tmp_path / "home"
    foundation = lay_foundation(Settings(home=home), "gateway")
    open_room("rights", foundation).services.database.close()
    foundation.audit.close()
    letting_in.admit_agent(letting_in.Said("compliance"), home)
    return home


def test_looking_leaves_a_house_as_it_was(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _files(home)
    for look in LOOKS.values():
        look(home)
    assert _files(home) == before
    assert "compliance               of the house  level 200  let in" in capsys.readouterr().out


def test_the_level_told_of_an_agent_is_the_one_that_counts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "holdback.toml").write_text("[agents.compliance]\nlevel = 100\n", encoding="utf-8")
    letting_in.list_agents(home, as_json=False)
    letting_in.show_agent("compliance", home, as_json=False)
    told = capsys.readouterr().out
    assert "compliance               of the house  level 100" in told
    assert "level          100" in told


def test_what_is_only_tried_makes_no_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "films").mkdir()
    write_template(tmp_path / "rights.csv")
    with pytest.raises(SystemExit):  # nothing is filled in
        import_file(tmp_path / "rights.csv", tmp_path / "home", None, "UTC", apply=False)
    run_ingest(Folder(tmp_path / "films", preview=True), tmp_path / "home")
    assert "nothing was taken in" in capsys.readouterr().out
    assert not (tmp_path / "home").exists()


def test_a_folder_that_is_not_there_makes_no_home(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="There is no folder"):
        run_ingest(Folder(tmp_path / "films"), tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_a_house_that_is_to_be_has_the_people_of_its_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "holdback.toml").write_text(
        '[[people]]\nid = "person:zoe"\nname = "Zoe"\nroles = ["editor"]\n', encoding="utf-8"
    )
    proving.tell_people(tmp_path)
    assert capsys.readouterr().out.startswith(load_settings({}, home=tmp_path).people[0].id)
    assert [each.name for each in tmp_path.iterdir()] == ["holdback.toml"]


def _files(home: Path) -> dict[str, bytes]:
    return {
        str(each.relative_to(home)): each.read_bytes()
        for each in sorted(home.rglob("*"))
        if each.is_file() and each.suffix not in (".sqlite-shm", ".sqlite-wal")
    }
