"""What hosts and models see of each server: pinned as files, and what must be true of every tool.

`HOLDBACK_PIN=1 pytest tests/protocol/test_tool_surface.py` writes the files anew; read the difference first.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import holdback_servers
import pytest
from holdback.foundation import lay_foundation
from holdback.rooms import ROOMS, open_room
from holdback_servers.settings import Settings
from mcp.client import Client
from mcp_types import Tool

PINNED = Path(holdback_servers.__file__).parent
VERBS = {
    "assets": {"describe", "search", "get", "list", "ingest", "register", "update", "cancel", "record", "review"}
    | {"find", "remove", "restore", "place", "release", "retry", "export", "import", "transcribe"},
    "editing": {"create", "revise", "get", "list", "diff", "validate", "render", "export", "measure", "cancel"}
    | {"prove", "track", "suggest", "import"},
    "rights": {"check", "issue", "get", "revoke", "find", "list", "report", "assess", "record", "reserve", "settle"}
    | {"import", "export", "cancel"},
    "schedule": {"record", "list", "get", "propose", "hold", "commit", "cancel", "find", "explain", "extend", "lock"}
    | {"move", "plan", "apply", "fill", "retry", "export", "import", "reconcile", "subscribe"},
}


@pytest.fixture(scope="module")
def surface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Tool]]]:
    foundation = lay_foundation(Settings(home=tmp_path_factory.mktemp("home")), "gateway")
    doors = {name: open_room(name, foundation) for name in ROOMS}
    yield {name: door.worked_out_listing() for name, door in doors.items()}
    for door in doors.values():
        door.services.database.close()
    foundation.audit.close()


def every(surface: dict[str, list[Tool]]) -> Iterator[tuple[str, Tool]]:
    for room, tools in surface.items():
        for tool in tools:
            yield f"{room}.{tool.name}", tool


def shown(tool: Tool) -> dict[str, Any]:
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True)


@pytest.mark.parametrize("room", ROOMS)
def test_the_tools_are_what_was_agreed(surface: dict[str, list[Tool]], room: str) -> None:
    path = PINNED / room / "tools.json"
    now = json.dumps([shown(tool) for tool in surface[room]], indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("HOLDBACK_PIN"):
        path.write_text(now, encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(now), f"{path.name} differs; see HOLDBACK_PIN"


def test_a_door_lists_what_is_kept(surface: dict[str, list[Tool]], tmp_path: Path) -> None:
    foundation = lay_foundation(Settings(home=tmp_path), "gateway")
    door = open_room("rights", foundation)
    assert [shown(tool) for tool in door.listing] == [shown(tool) for tool in surface["rights"]]
    door.services.database.close()
    foundation.audit.close()


def test_no_server_is_pinned_that_does_not_exist() -> None:
    assert {path.parent.name for path in PINNED.glob("*/tools.json")} == set(ROOMS)


def test_every_tool_has_a_title_a_description_and_both_schemas(surface: dict[str, list[Tool]]) -> None:
    for name, tool in every(surface):
        assert tool.title, name
        assert len(tool.description or "") >= 40, name
        assert tool.output_schema, name
        assert tool.output_schema["type"] == "object", name
        assert tool.output_schema.get("properties") or tool.output_schema.get("additionalProperties"), name
        assert tool.input_schema["additionalProperties"] is False, name


def test_no_schema_carries_titles_of_pydantic_or_hidden_arguments(surface: dict[str, list[Tool]]) -> None:
    for name, tool in every(surface):
        for schema in (tool.input_schema, tool.output_schema or {}):
            assert not list(titles(schema)), name
        assert not {"call", "context", "ctx"} & tool.input_schema.get("properties", {}).keys(), name


def titles(schema: Any, *, named: bool = False) -> Iterator[str]:
    """Every `title` keyword; a property that happens to be called title is none."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "title" and not named and isinstance(value, str):
                yield value
            yield from titles(value, named=key in ("properties", "$defs") and not named)
    elif isinstance(schema, list):
        for each in schema:
            yield from titles(each)


def test_hints_are_honest(surface: dict[str, list[Tool]]) -> None:
    reading = {"describe", "search", "get", "list", "diff", "validate", "export", "check", "find", "propose"}
    reading |= {"report", "assess", "explain", "reconcile"}
    for name, tool in every(surface):
        hints = tool.annotations
        assert hints is not None, name
        assert None not in (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        reads = tool.name.partition("_")[0] in reading or tool.name == "plan_changes"  # other plans are jobs
        assert hints.read_only_hint is reads, name
        assert not (hints.read_only_hint and hints.destructive_hint), name
        assert hints.destructive_hint or not tool.name.startswith(("cancel_", "revoke_")), name
        assert hints.idempotent_hint or not hints.read_only_hint, name


def test_names_are_a_verb_and_a_noun_and_fit_behind_a_hosts_prefix(surface: dict[str, list[Tool]]) -> None:
    for room, tools in surface.items():
        for tool in tools:
            verb, _, noun = tool.name.partition("_")
            assert verb in VERBS[room], tool.name
            assert re.fullmatch(r"[a-z]+(_[a-z]+)?", noun), tool.name
            assert len(f"mcp__holdback-{room}__{tool.name}") <= 64, tool.name


def test_every_list_that_can_grow_is_paged(surface: dict[str, list[Tool]]) -> None:
    for name, tool in every(surface):
        answer = (tool.output_schema or {}).get("properties", {})
        if "items" in answer or tool.name.startswith(("list_", "search_")):
            assert "items" in answer, name
            assert "next_cursor" in answer, name
            assert {"cursor", "limit"} <= tool.input_schema["properties"].keys(), name


@pytest.mark.asyncio
@pytest.mark.parametrize("room", ROOMS)
async def test_a_client_lists_what_is_pinned(tmp_path: Path, room: str) -> None:
    foundation = lay_foundation(Settings(home=tmp_path), "gateway")
    door = open_room(room, foundation)
    async with Client(door.mcp) as client:
        listed = (await client.list_tools()).tools
    door.services.database.close()
    foundation.audit.close()
    pinned = json.loads((PINNED / room / "tools.json").read_text(encoding="utf-8"))
    assert [shown(tool) for tool in listed] == pinned
