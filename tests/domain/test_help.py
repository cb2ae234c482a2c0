"""What `--help` says of the commands, and what it takes to say it."""

import subprocess
import sys

import pytest
from holdback.command_line import app
from typer.testing import CliRunner

GROUPS = ("", "audit", "approvals", "policy", "rights", "person", "agents", "guardian")
HEAVY = ("rich", "pydantic", "httpx", "mcp", "a2a", "sqlalchemy", "cryptography", "numpy")
SAYING = """
import sys
from holdback.command_line import main
sys.argv = ["holdback", "--help"]
try:
    main()
finally:
    print("loaded:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("group", GROUPS)
def test_what_a_command_does_is_said_on_one_line_of_a_list(group: str) -> None:
    told = CliRunner().invoke(app, [*group.split(), "--help"], env={"COLUMNS": "80"})
    assert told.exit_code == 0
    _, _, commands = told.output.partition("Commands:\n")
    lines = [line for line in commands.splitlines() if line.strip()]
    assert len(lines) > 1
    assert all(line.endswith(".") and not line.endswith("...") for line in lines), commands


@pytest.mark.processes
def test_help_loads_nothing_that_only_the_commands_need() -> None:
    told = subprocess.run([sys.executable, "-c", SAYING], capture_output=True, text=True, check=True)
    loaded = told.stdout.rpartition("loaded:")[2].split()
    assert "typer" in loaded
    assert set(HEAVY) & set(loaded) == set()
