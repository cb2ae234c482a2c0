"""The ground of a process: several of one house share a home, and each writes an audit chain of its own."""

import contextlib
from pathlib import Path

import pytest
from holdback.foundation import lay_foundation
from holdback.stdio import open_local, run_stdio
from holdback_base.problem import Problem
from holdback_servers.settings import Settings, StorySetting
from holdback_trust.audit_check import verify


def test_a_second_process_of_one_name_writes_a_chain_of_its_own(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with contextlib.ExitStack() as processes:
        for _ in range(3):
            foundation = lay_foundation(settings, "gateway")
            processes.callback(foundation.audit.close)
            foundation.audit.append(actor="person:sam", action="test.begin")
    report = verify(tmp_path / "audit")
    assert report.ok
    assert [(chain.name, chain.rows) for chain in report.chains] == [("gateway", 1), ("gateway-2", 1), ("gateway-3", 1)]


def test_a_server_that_does_not_exist_leaves_no_home_behind(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="There is no server archive") as caught:
        run_stdio("archive", Settings(home=tmp_path / "home"))
    assert caught.value.code == "NOT_FOUND"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("person", "known"), [("person:sam", {"ruling"}), ("person:kim", set[str]())])
def test_the_person_at_this_machine_knows_the_stories_that_the_settings_give_that_person(
    tmp_path: Path, person: str, known: set[str]
) -> None:
    sams = StorySetting(people=frozenset({"person:sam"}), agents=frozenset({"agent:compliance"}))
    others = StorySetting(people=frozenset({"person:alex"}))
    foundation, door = open_local(
        "rights", Settings(home=tmp_path, person=person, stories={"ruling": sams, "merger": others})
    )
    try:
        assert door.local is not None
        assert door.local.stories == known
    finally:
        door.services.database.close()
        foundation.audit.close()
