"""Policies as Turtle, from the same nodes that the JSON-LD is made of, in the same order. Pure."""

import re
from collections.abc import Sequence
from typing import Any, Final, cast

from holdback_servers.rights.interchange.odrl_terms import CC, ODRL, OWN, TDM, context, full

_PREFIXES: Final = {
    "odrl": ODRL,
    "cc": CC,
    "tdm": TDM,
    "holdback": OWN,
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_CONTEXT: Final = context()
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def turtle(policies: Sequence[dict[str, Any]]) -> str:
    """A block for each policy, and one for each rule, asset and party that has a uid."""
    head = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in _PREFIXES.items())
    blocks: dict[str, str] = {}
    for policy in policies:
        _block(policy, blocks)
    return head + "".join(f"\n<{uid}>\n    {body} .\n" for uid, body in blocks.items() if body)


def _block(node: dict[str, Any], blocks: dict[str, str]) -> None:
    uid = node["uid"]
    if not blocks.get(uid):
        blocks[uid] = ""
        blocks[uid] = _body(node, 1, blocks)


def text_literal(text: str) -> str:
    """A string in Turtle."""
    escaped = re.sub(r'["\\\n\r\t]', lambda match: _ESCAPES[match[0]], text)
    controls = re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04X}", escaped)
    return f'"{controls}"'


def _body(node: dict[str, Any], depth: int, blocks: dict[str, str]) -> str:
    lines = [f"{_predicate(key)} {_objects(key, value, depth, blocks)}" for key, value in node.items() if key != "uid"]
    return (" ;\n" + "    " * depth).join(lines)


def _predicate(key: str) -> str:
    return "a" if key == "@type" else key if ":" in key else f"odrl:{key}"


def _objects(key: str, value: Any, depth: int, blocks: dict[str, str]) -> str:
    values = cast(list[Any], value) if isinstance(value, list) else [value]
    return ", ".join(_object(key, each, depth, blocks) for each in values)


def _object(key: str, value: Any, depth: int, blocks: dict[str, str]) -> str:
    if isinstance(value, dict):
        return _node(cast(dict[str, Any], value), depth, blocks)
    if isinstance(value, bool):
        return str(value).lower()
    meaning = _CONTEXT.get(key)
    kind = cast(dict[str, str], meaning).get("@type") if isinstance(meaning, dict) else None
    if key == "@type" or kind == "@vocab":
        return f"odrl:{value}" if ":" not in value else value
    return f"<{value}>" if kind == "@id" else text_literal(str(value))


def _node(node: dict[str, Any], depth: int, blocks: dict[str, str]) -> str:
    if "@value" in node:
        return f"{text_literal(node['@value'])}^^{node['@type']}"
    if "@id" in node:
        return f"<{full(node['@id'])}>"
    if "uid" in node:
        _block(node, blocks)
        return f"<{node['uid']}>"
    indent = "    " * depth
    return f"[\n{indent}    {_body(node, depth + 1, blocks)}\n{indent}]"
