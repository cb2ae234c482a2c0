"""How results, errors, schemas and cursors look on MCP's wire: small, and the same facts in text as in structure."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from holdback_base.problem import Problem
from holdback_trust.untrusted.marking import UNTRUSTED, Spots, paths, spots, tamed, visible, word
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ValidationError


def problem_result(problem: Problem) -> CallToolResult:
    """A tool error that a model can read and a program can act on."""
    return CallToolResult(
        content=[TextContent(type="text", text=visible(problem.line()))],
        structured_content=problem.as_dict(),
        is_error=True,
    )


def answer_result(answer: BaseModel) -> CallToolResult:
    """The typed object as structure without absent fields, and the same facts as compact text.

    Where other people's words stand is said in `_meta`; in the text they are in quotation marks, on one line.
    """
    structure = answer.model_dump(mode="json", exclude_none=True)
    at = spots(type(answer))
    prose = callable(getattr(answer, "text", None))
    text = visible(tamed(answer).text()) if prose else compact_text(structure, at)
    marked = paths(structure, at)
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=structure,
        _meta={UNTRUSTED: list(marked)} if marked else None,
    )


def argument_problem(tool: str, error: ValidationError) -> Problem:
    """What a caller got wrong in the arguments: the first mistake, with where it stands; all of them in details."""
    mistakes = [
        {"at": ".".join(str(part) for part in each["loc"]) or tool, "message": each["msg"]}
        for each in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    first = mistakes[0]
    return Problem(
        "INVALID_ARGUMENT",
        f"{tool}: {first['at']}: {first['message'].rstrip('.')}.",
        "Read the tool's input schema and correct the argument.",
        mistakes=mistakes,
    )


def check_texts(tool: str, given: Any, at: str = "") -> None:
    """Refuse a text with a NUL in it: no store keeps one, and no file is called so.

    Raises:
        Problem: INVALID_ARGUMENT naming the argument.
    """
    if isinstance(given, str) and "\0" in given:
        raise Problem("INVALID_ARGUMENT", f"{tool}: {at}: the text holds a NUL.", "Take it out: it is no character.")
    if isinstance(given, dict):
        for name, each in cast(dict[str, Any], given).items():
            check_texts(tool, each, f"{at}.{name}" if at else name)
    if isinstance(given, list):
        for place, each in enumerate(cast(list[Any], given)):
            check_texts(tool, each, f"{at}.{place}")


_WIDTH = 96
"""Characters of nested facts that still stand in one line."""


def compact_text(value: Any, at: Spots = False) -> str:
    """Lines such as `title: Butterfly` and `- ...`, with nesting by two spaces; one line where it fits.

    `at` says where other people's words stand: more than a word of them is in quotation marks.
    """
    if isinstance(value, dict):
        return "\n".join(_fields(cast(dict[str, Any], value), at, "")[0])
    if isinstance(value, list):
        return "\n".join([f"- {text}" for text in _items(cast(list[Any], value), at, "")[0]])
    return _scalar(value, at)


def _nested(value: dict[str, Any] | list[Any], at: Spots, indent: str) -> tuple[str, bool]:
    """The text, and whether it is one line; otherwise its lines are indented. Inner values are written first, once."""
    if isinstance(value, dict):
        lines, short = _fields(value, at, indent)
        line, between = "{" + ", ".join(lines) + "}" if short else "", "\n" + indent
    else:
        lines, short = _items(value, at, indent)
        line, between = "[" + ", ".join(lines) + "]" if short else "", "\n" + indent + "- "
    if short and len(line) <= _WIDTH:
        return line, True
    return between[1:] + between.join(lines), False


def _fields(fields: dict[str, Any], at: Spots, indent: str) -> tuple[list[str], bool]:
    """Each as `name: text`, and whether all are short."""
    lines: list[str] = []
    all_short, deeper = True, indent + "  "
    for key, each in fields.items():
        below = at.get(key, False) if isinstance(at, Mapping) else at is True
        name = key if at is not True else word(key)
        if isinstance(each, dict | list):
            text, short = _nested(cast(dict[str, Any], each), below, deeper)
            lines.append(f"{name}: {text}" if short else f"{name}:\n{text}")
            all_short = all_short and short
        else:
            lines.append(f"{name}: {_scalar(each, below)}")
    return lines, all_short


def _items(items: list[Any], at: Spots, indent: str) -> tuple[list[str], bool]:
    """Each as its text, without the indent of its first line, and whether all are short."""
    texts: list[str] = []
    below = at[0] if isinstance(at, tuple) else at is True
    all_short, deeper = True, indent + "  "
    for each in items:
        if isinstance(each, dict | list):
            text, short = _nested(cast(dict[str, Any], each), below, deeper)
            texts.append(text if short else text[len(deeper) :])
            all_short = all_short and short
        else:
            texts.append(_scalar(each, below))
    return texts, all_short


def _scalar(value: Any, at: Spots) -> str:
    if isinstance(value, str):
        return word(value) if at else value.replace("\n", " ")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def small_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without what pydantic adds for itself: titles, null around optional fields, closed objects."""
    return cast(dict[str, Any], _shrink(schema, named=False))


def _shrink(node: Any, *, named: bool) -> Any:
    if isinstance(node, list):
        return [_shrink(each, named=False) for each in cast(list[Any], node)]
    if not isinstance(node, dict):
        return node
    fields = cast(dict[str, Any], node)
    if named:
        return {name: _shrink(each, named=False) for name, each in fields.items()}
    choices = [each for each in fields.get("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1 and len(fields["anyOf"]) == 2:
        rest = {name: each for name, each in fields.items() if name not in ("anyOf", "default")}
        fields = {**choices[0], **rest}
    return {
        name: _shrink(each, named=name in ("properties", "$defs"))
        for name, each in fields.items()
        if name != "title" and (name, each) not in (("default", None), ("additionalProperties", False))
    }


def encode_cursor(position: dict[str, Any]) -> str:
    """An opaque place in a list."""
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> dict[str, Any]:
    """The place a cursor names; none is the beginning. Raises Problem INVALID_ARGUMENT for one that was not ours."""
    if cursor is None:
        return {}
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise _bad_cursor() from error
    if not isinstance(position, dict):
        raise _bad_cursor()
    return cast(dict[str, Any], position)


Part = TypeVar("Part", int, str)


def cursor_part(position: dict[str, Any], name: str, otherwise: Part) -> Part:
    """One part of a cursor's place, of the kind that `otherwise` is, which stands where it is absent.

    Raises Problem INVALID_ARGUMENT for a part of another kind or size.
    """
    found = position.get(name, otherwise)
    if type(found) is not type(otherwise) or (isinstance(found, int) and not -_LARGEST <= found <= _LARGEST):
        raise _bad_cursor()
    return cast(Part, found)


_LARGEST = 2**63 - 1
"""The largest number that a store keeps."""


def _bad_cursor() -> Problem:
    return Problem("INVALID_ARGUMENT", "The cursor was not made by this list.", "Leave it out to begin again.")
