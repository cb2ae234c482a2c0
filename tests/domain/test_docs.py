"""The pages in docs tell the truth: every code, reason, tool and configuration is what the program has.

`HOLDBACK_PIN=1 pytest tests/domain/test_docs.py` writes the tables anew.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from holdback.foundation import lay_foundation
from holdback.rooms import ROOMS, open_room
from holdback_base.problem import CODES
from holdback_servers.rights.report import ReasonCode
from holdback_servers.serving import Door
from holdback_servers.settings import Settings
from mcp_types import Tool

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCES = [path for room in ("base", "trust", "servers", "agents", "app") for path in (ROOT / room).rglob("*.py")]


def between(page: str, name: str, table: str) -> str:
    """What stands between the marks of the page, written anew first when that is wanted."""
    path = DOCS / page
    text = path.read_text(encoding="utf-8")
    found = re.fullmatch(rf"(.*<!-- {name}: begin[^\n]*-->\n)(.*)(<!-- {name}: end -->.*)", text, re.DOTALL)
    assert found is not None, f"{page} has no marks for {name}"
    if os.environ.get("HOLDBACK_PIN"):
        path.write_text(f"{found[1]}{table}{found[3]}", encoding="utf-8")
        return table
    return found[2]


def test_every_code_is_in_the_docs_with_its_meaning() -> None:
    lines = ["| code | what it means |", "|---|---|", *(f"| `{code}` | {meaning} |" for code, meaning in CODES.items())]
    table = "\n" + "\n".join(lines) + "\n\n"
    assert between("errors.md", "codes", table) == table


def test_every_code_that_the_source_raises_is_in_the_table_and_each_is_said_somewhere() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCES}
    raised = {code: path for path, text in texts.items() for code in re.findall(r'\bProblem\(\s*"([^"]*)"', text)}
    text = "".join(source for path, source in texts.items() if path.name != "problem.py")
    assert raised.keys() <= CODES.keys(), {code: raised[code] for code in raised.keys() - CODES.keys()}
    assert [code for code in CODES if code not in text] == []


def test_every_reason_of_a_verdict_is_explained() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8").partition("## Reasons are not errors")[2]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == set(get_args(ReasonCode))


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Door]]:
    foundation = lay_foundation(Settings(home=tmp_path_factory.mktemp("home")), "gateway")
    opened = [open_room(name, foundation) for name in ROOMS]
    yield opened
    for door in opened:
        door.services.database.close()
    foundation.audit.close()


def test_every_tool_is_in_the_docs_with_what_it_does_its_scope_and_its_hint(doors: list[Door]) -> None:
    table = "\n" + "\n".join(section(door) for door in doors)
    assert between("tools.md", "tools", table) == table


def section(door: Door) -> str:
    lines = [
        f"## {door.name}",
        "",
        door.mcp.description or "",
        "",
        "| tool | what it does | scope | hint |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{tool.name}` | {first_sentence(tool)} | `{door.scopes[tool.name]}` | {hint(tool)} |"
        for tool in door.listing
    ]
    return "\n".join(lines) + "\n"


def first_sentence(tool: Tool) -> str:
    words = " ".join((tool.description or "").split())
    return words.partition(". ")[0].rstrip(".").replace("|", "\\|") + "."


def hint(tool: Tool) -> str:
    hints = tool.annotations
    assert hints is not None
    kind = "reads" if hints.read_only_hint else "ends" if hints.destructive_hint else "writes"
    return f"{kind}, repeatable" if hints.idempotent_hint and not hints.read_only_hint else kind


def blocks(page: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_the_configurations_for_desktop_clients_are_json_that_starts_servers_that_exist() -> None:
    configured = [json.loads(block) for block in blocks("desktop-clients.md", "json")]
    servers = [server for each in configured for group in each.values() for server in group.items()]
    assert {name for name, _ in servers} == {f"holdback-{room}" for room in ROOMS}
    for name, server in servers:
        assert server["command"].startswith("/"), "hosts have another working directory"
        assert server["args"][:2] == ["mcp", name.removeprefix("holdback-")]
        assert set(server["args"][2:]) & {"--home"}


def test_the_settings_in_the_docs_are_settings() -> None:
    for block in blocks("desktop-clients.md", "toml"):
        Settings.model_validate({"home": Path("/home/me"), **tomllib.loads(block)})


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
