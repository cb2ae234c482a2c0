"""The README's commands are commands that exist, with options that exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from holdback.command_line import app
from holdback.house import AGENTS
from holdback.rooms import ROOMS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/README.md")]
COMMAND: Any = typer.main.get_command(app)


def told() -> list[tuple[str, str]]:
    """Every `holdback ...` in a shell block or in a line of code, with the page it is on."""
    found: list[tuple[str, str]] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
        steps = [step.strip() for line in shell.splitlines() for step in line.split("&&")]
        steps += re.findall(r"(?<!`)`((?:\.venv/bin/)?holdback [^`\n]+)`(?!`)", text)
        found += [(page.name, step) for step in steps if re.match(r"(\S*/)?holdback\s", step)]
    return sorted(set(found))


@pytest.mark.parametrize(("page", "line"), told(), ids=str)
def test_what_the_page_says_to_type_is_understood(page: str, line: str) -> None:
    words = shlex.split(line.replace("NAME", "rights"))[1:]
    command: Any = COMMAND
    while commands := getattr(command, "commands", None):
        assert words, f"{page}: {line}"
        assert words[0] in commands, f"{page}: {line}"
        name, command = words[0], commands[words.pop(0)]
    options = {option for each in command.params for option in each.opts if option.startswith("-")}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= options, f"{page}: {line}"
    if name in ("mcp", "serve"):
        assert words[0] in (ROOMS if name == "mcp" else (*ROOMS, *AGENTS)), f"{page}: {line}"


def test_the_readmes_two_commands_do_all_their_own_set_up() -> None:
    blocks = re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    whole = [block.strip() for block in blocks if "venv" in block]
    assert [block.split("&&")[-1].split()[0] for block in whole] == [".venv/bin/holdback", ".venv/bin/poe"]
    for block in whole:
        assert "\n" not in block
        assert block.startswith("python3 -m venv .venv && .venv/bin/pip install -qc constraints.txt -e ")


def test_the_command_table_names_every_command() -> None:
    rows = [
        row for row in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if row.startswith("| `holdback ")
    ]
    for name, command in COMMAND.commands.items():
        own = [row for row in rows if re.match(rf"\| `holdback {name}\b", row)]
        assert own, name
        for each in getattr(command, "commands", ()):
            assert any(re.search(rf"`(holdback {name} )?{each}\b", row) for row in own), f"{name} {each}"
