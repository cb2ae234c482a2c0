"""The ground of a process: several of one house share a home, and each writes an audit chain of its own."""

import contextlib
from pathlib import Path

import pytest
from holdback.foundation import lay_foundation
from holdback.stdio import run_stdio
from holdback_base.problem import Problem
from holdback_servers.settings import Settings
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
