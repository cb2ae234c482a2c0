"""The policies that a house adds: every `*.cedar` in its folder, checked before any of them counts.

A house's policies can forbid more, and permit no more than scopes, plans and tasks leave: those forbid the rest
already. One that cannot be read, or that speaks of what there is not, stops the start: a house whose rules are silently
less than they say is worse than none.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from holdback_base.problem import CODES, Problem

from holdback_trust.grants import ROLE_SCOPES
from holdback_trust.policy import engine
from holdback_trust.policy.asking import LOCAL_READER, LOCAL_WRITER
from holdback_trust.policy.deciding import OWN, Policies, built_in, schema_text
from holdback_trust.task_policy import POLICY_ID

SUFFIX = ".cedar"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|;|\s+|[^\s";/]+|.', re.DOTALL)
_SAYING = ("principal", "action", "resource", "conditions")
_ROLES = frozenset({*ROLE_SCOPES, LOCAL_READER, LOCAL_WRITER})


class Piece(NamedTuple):
    """One policy as it stands in a file; `line` is that of its first word, counted from 1."""

    line: int
    text: str


def house_policies(folder: Path, capabilities: Collection[str] = ()) -> Policies:
    """The policies of a house whose own lie in the folder; those that every house has, where there are none.

    Args:
        capabilities: the tools that the rooms offer, as `rights.decide_clearance`; where they are given, a policy that
            names another tool of such a room is a mistake.

    Raises:
        Problem: INVALID_ARGUMENT with the file, the line and the cure, for the first mistake.
    """
    texts = {path.name: _text(path) for path in _files(folder)}
    if not texts:
        return OWN
    taken = {each.name: "what every house has" for each in engine.told(built_in())} | {POLICY_ID: "each task's own"}
    for name, text in texts.items():
        taken |= check_policies(folder / name, text, taken, capabilities)
    return Policies(texts)


def check_policies(path: Path, text: str, taken: Mapping[str, str], capabilities: Collection[str]) -> dict[str, str]:
    """Check one file's text: the ids of its policies, each with the file's name.

    Args:
        taken: ids that count elsewhere already, and where.

    Raises:
        Problem: INVALID_ARGUMENT, as `house_policies` does.
    """
    schema, found = engine.parse_schema(schema_text()), dict[str, str]()
    for piece in pieces(text):
        told = _parsed(path, piece)
        name = told.notes.get("id", "")
        if told.template:
            raise _mistake(path, piece.line, "a template decides nothing", "Write the name instead of the ?slot.")
        if not name:
            raise _mistake(path, piece.line, "the policy has no name", 'Write @id("...") above it.')
        if name in taken or name in found:
            where = taken.get(name) or path.name
            raise _mistake(path, piece.line, f"{name} is the name of a policy of {where}", "Give it another @id.")
        if (code := told.notes.get("code", "PERMISSION_DENIED")) not in CODES:
            raise _mistake(path, piece.line, f"{code} is no code", "Take one of docs/errors.md, or leave @code out.")
        for _, error in engine.mistakes(piece.text, schema):
            cure = "Speak only of what `holdback policy show --schema` has; ask with has first for what may be absent."
            raise _mistake(path, piece.line, f"the policy {name} does not hold to the schema: {error}", cure)
        _check_depth(path, piece, told)
        _check_names(path, piece, told, capabilities)
        _check_others(path, piece, told)
        found[name] = path.name
    return found


def pieces(text: str) -> list[Piece]:
    """The policies of a text, one by one, with what stands after the last of them."""
    found: list[Piece] = []
    line, start, chunk = 1, 0, ""
    for part in _TOKEN.findall(text):
        if not start and not part.isspace() and not part.startswith("//"):
            start = line
        if start:
            chunk += part
        line += part.count("\n")
        if part == ";":
            found.append(Piece(start, chunk))
            start, chunk = 0, ""
    return [*found, Piece(start, chunk)] if start else found


def _parsed(path: Path, piece: Piece) -> engine.Told:
    try:
        return engine.told(piece.text)[0]
    except (ValueError, IndexError) as error:
        raise _mistake(
            path, piece.line + _further(piece.text, str(error)), str(error), "Correct the policy as Cedar writes it."
        ) from error


def _further(text: str, error: str) -> int:
    """How many lines below its first a policy goes wrong: there its beginning fails as the whole does."""
    lines = text.splitlines()
    for number in range(1, len(lines)):
        try:
            engine.told("\n".join(lines[:number]))
        except ValueError as said:
            if str(said) == error:
                return number - 1
    return len(lines) - 1


def _check_depth(path: Path, piece: Piece, told: engine.Told) -> None:
    try:
        engine.gather_policies({told.name: told})
    except ValueError as error:
        cure = "Ask whether a [set].contains(...) instead of chaining && or ||, or write several policies."
        raise _mistake(path, piece.line, f"the policy {told.name} is nested too deeply", cure) from error


def _check_names(path: Path, piece: Piece, told: engine.Told, capabilities: Collection[str]) -> None:
    rooms = {each.partition(".")[0] for each in capabilities}
    for kind, name in _named([told.shape[part] for part in _SAYING]):
        line = piece.line + _below(piece.text, kind, name)
        if kind == "Role" and name not in _ROLES:
            raise _mistake(path, line, f"there is no role {name}", f"The roles are {', '.join(sorted(_ROLES))}.")
        if kind == "Task":
            raise _mistake(path, line, "a task is named by its own policy only", "Ask for principal.task instead.")
        if kind == "Capability" and name.partition(".")[0] in rooms and name not in capabilities:
            room = name.partition(".")[0]
            raise _mistake(path, line, f"{room} offers no {name}", "Take a tool of docs/tools.md.")


def _check_others(path: Path, piece: Piece, told: engine.Told) -> None:
    """Roles and attributes of who asked for an approval, or of somebody by name, are a mistake. A door knows those of
    who acts, and for whom: anybody else is in no role, and cannot be evaluated."""
    for node in _nodes(told.shape["conditions"]):
        for how in (".", "has", "in", "is"):
            asked: dict[str, Any] = node.get(how) or {}
            within = _named([asked.get("in"), asked.get("right")])
            if _is_other(asked.get("left")) and (how in {".", "has"} or "Role" in dict(within)):
                cure = "Compare by name, with == or in a [set]; ask the rest of principal or context.person."
                what = f"the policy {told.name} asks of somebody else what nobody knows here"
                raise _mistake(path, piece.line, what, cure)


def _is_other(part: Any) -> bool:
    match part:
        case {"Value": {"__entity": {"type": "Person" | "Agent"}}}:
            return True
        case {".": {"left": {"Var": "context"}, "attr": "asked_by"}}:
            return True
        case _:
            return False


def _named(part: Any) -> Iterator[tuple[str, str]]:
    """Type and id of every entity that is named, however it is written."""
    for node in _nodes(part):
        if isinstance(kind := node.get("type"), str) and isinstance(name := node.get("id"), str):
            yield kind, name


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for each in cast(list[Any], part):
            yield from _nodes(each)
    elif isinstance(part, dict):
        node = cast(dict[str, Any], part)
        yield node
        for each in node.values():
            yield from _nodes(each)


def _below(text: str, kind: str, name: str) -> int:
    """How many lines below its first a policy names this; none where it is written with escapes."""
    found = re.search(rf"\b{kind}\s*::\s*{re.escape(json.dumps(name))}", text)
    return text.count("\n", 0, found.start()) if found else 0


def _files(folder: Path) -> list[Path]:
    """In the order of their names; none where there is no such folder."""
    try:
        return sorted(each for each in folder.iterdir() if each.name.endswith(SUFFIX))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not folder.is_symlink():
            return []
        cure = "Make it a folder that the house may read, or take it away."
        raise Problem("INVALID_ARGUMENT", f"{folder} cannot be read: {error}.", cure) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _mistake(path, 1, f"it cannot be read: {error}", "Give the house a readable file in UTF-8.") from error


def _mistake(path: Path, line: int, what: str, cure: str) -> Problem:
    return Problem("INVALID_ARGUMENT", f"{path}, line {line}: {what.rstrip('.')}.", cure)
