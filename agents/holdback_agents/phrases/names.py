"""Names as they stand: ids, hashes of media, channels, quoted titles, signed statements. Pure."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from holdback_agents.reading import Reading

_ID = r"\b{kind}_[0-9A-HJKMNP-TV-Z]{{26}}\b"
_MEDIA = re.compile(r"\bsha256:[0-9a-fA-F]{64}\b")
_CHANNEL = re.compile(
    r"\bchannels?\s+(?P<named>[a-z0-9][a-z0-9-]{0,62})\b|(?<![\w.-])(?P<shaped>[a-z][a-z0-9]*(?:-[a-z0-9]+)+)(?![\w-])"
)
_QUOTED = re.compile(r"[\"\u201c](?P<words>[^\"\u201d]{1,300})[\"\u201d]")
_STATEMENT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")


def ids_in(turns: Sequence[Reading], kind: str) -> tuple[str, ...]:
    """Ids of a kind, such as `clr`, in the order they are named."""
    pattern = re.compile(_ID.format(kind=kind))
    return tuple(dict.fromkeys(match[0] for turn in turns for match in turn.take(pattern)))


def media_in(turn: Reading) -> tuple[str, ...]:
    """Hashes of media, `sha256:<hex>`."""
    return tuple(dict.fromkeys(match[0].lower() for match in turn.take(_MEDIA)))


def channels_in(turn: Reading) -> tuple[str, ...]:
    """Names of channels: what has a hyphen as such names do, or follows the word channel."""
    return tuple(dict.fromkeys(match["named"] or match["shaped"] for match in turn.take(_CHANNEL)))


def quoted_in(turn: Reading) -> tuple[str, ...]:
    """What stands in quotation marks."""
    return tuple(dict.fromkeys(match["words"].strip() for match in turn.take(_QUOTED)))


def statements_in(turns: Sequence[Reading]) -> Mapping[str, tuple[str, ...]]:
    """Signed statements as they stand, by type, such as `cut+jwt`; nothing is verified here."""
    found: dict[str, list[str]] = {}
    for turn in turns:
        for match in turn.take(_STATEMENT):
            found.setdefault(_type_of(match[0]), []).append(match[0])
    return {typ: tuple(dict.fromkeys(statements)) for typ, statements in found.items()}


def _type_of(statement: str) -> str:
    return str(_json_part(statement, 0).get("typ", ""))


def claims_of(statement: str) -> Mapping[str, Any]:
    """What a signed statement says, nothing of it verified: good for looking things up, never for deciding. Empty for
    what is no statement."""
    return _json_part(statement, 1)


def _json_part(statement: str, number: int) -> Mapping[str, Any]:
    try:
        part = statement.split(".")[number]
        shape = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, IndexError):
        return {}
    return cast(dict[str, Any], shape) if isinstance(shape, dict) else {}
