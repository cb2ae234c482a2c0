"""Two processes want a right's last run at the same moment: one gets it, the other is told who has it."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_servers.rights import recording, runs
from holdback_servers.rights.answers import ContractGiven, RightGiven
from holdback_servers.rights.tables import METADATA

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLANNER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from holdback_base.database import Database
from holdback_base.problem import Problem
from holdback_servers.rights import runs
from holdback_servers.rights.tables import METADATA

path, publication, right = sys.argv[1:]
now = datetime(2026, 11, 22, 12, tzinfo=UTC)
database = Database(Path(path), METADATA)
print("ready", flush=True)
sys.stdin.readline()
try:
    database.submit(lambda c: runs.reserve(c, publication, [(right, now)], now=now, by=publication)).result()
    print("reserved")
except Problem as problem:
    print(problem.code, *(each["publication"] for each in problem.details["taken"]))
database.close()
"""


def test_one_of_two_processes_gets_the_last_run(tmp_path: Path) -> None:
    path = tmp_path / "rights.sqlite"
    shape = {"ref": "film:a", "kind": "grant", "media": ["all"], "territories": ["WORLD"], "start": NOW, "max_runs": 5}
    contract = ContractGiven(counterparty="A", direction="in", status="active")
    database = Database(path, METADATA)
    try:
        made = database.submit(
            lambda c: recording.record(
                c,
                contract,
                [RightGiven.model_validate({**shape, "external_key": f"r{number}"}) for number in range(5)],
                new_id=id_maker(lambda: NOW),
                now=NOW,
                by="person:robin",
            )
        ).result()
        rights = [each.id for each in made.rights]
        taken = [(right, NOW.replace(hour=number)) for right in rights for number in range(12, 16)]
        database.submit(lambda c: runs.reserve(c, "pub_before", taken, now=NOW, by="person:robin")).result()
        for right in rights:
            assert sorted(_race(path, right)) == ["RUNS_EXHAUSTED", "reserved"]
        counts = database.submit(lambda c: runs.counts(c, rights)).result()
        assert [(each.taken, each.left) for each in counts.values()] == [(5, 0)] * 5
    finally:
        database.close()


def _race(path: Path, right: str) -> list[str]:
    """What each of two planners was told."""
    planners = [
        subprocess.Popen(
            [sys.executable, "-c", PLANNER, str(path), publication, right],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for publication in ("pub_1", "pub_2")
    ]
    for each in planners:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in planners:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    told = [each.communicate(timeout=300)[0].split() for each in planners]
    winner = next(name for name, words in zip(("pub_1", "pub_2"), told, strict=True) if words == ["reserved"])
    assert all(winner in words for words in told if words != ["reserved"])
    return [words[0] for words in told]
