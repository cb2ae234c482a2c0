"""What a call says, read once: its fingerprint, the things that it names, the addresses in it. Pure."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import to_json

from holdback_trust.tasks import ids_in, ids_written

_LINK = re.compile(
    rb'"(?:[a-z][a-z0-9+.-]{1,14}:)?//(?:[^"/\\@\s]*@)?(\[[^"\]\s]*\]|[^"/\\:?#\s]+)[^"\s]*"', re.IGNORECASE
)
_JWS = re.compile(rb'"eyJ[A-Za-z0-9_-]+\.(eyJ[A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+"')
MADE_KINDS = frozenset({"tl", "clr", "pub", "hold", "job", "cut", "ren", "ver", "apr"})
"""Kinds of ids of what a task makes; media it makes is named in the results of its jobs."""
_ALPHABET = {letter: number for number, letter in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


class Said(NamedTuple):
    """What a call says. `names` are ids and sha256 names; `hosts` those of values that are wholly an address."""

    text: bytes
    names: frozenset[str]
    hosts: frozenset[str]


NOTHING = Said(b"{}", frozenset(), frozenset())


def read_call(arguments: Mapping[str, Any]) -> Said:
    """What the arguments of a call say."""
    if not arguments:
        return NOTHING
    text = to_json(arguments, serialize_unknown=True)
    names = frozenset(ids_written(text.decode()))
    if b"//" not in text:
        return Said(text, names, frozenset())
    return Said(text, names, frozenset(host.decode().lower().rstrip(".") for host in _LINK.findall(text)))


def named_within(said: Said) -> frozenset[str]:
    """The same names, also where they are escaped, and those inside signed statements that the call carries."""
    found = set(ids_in(said.text.decode()))
    for payload in _JWS.findall(said.text):
        try:
            inner = base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
        except (binascii.Error, ValueError):
            continue
        found.update(ids_written(inner.decode("utf-8", "replace")))
    return frozenset(found)


def born(name: str) -> float:
    """When an id was made, in seconds since 1970; 0 for what is no id (UUIDv7, RFC 9562 5.7)."""
    _, _, text = name.partition("_")
    if len(text) != 26 or not set(text) <= _ALPHABET.keys():
        return 0.0
    number = 0
    for letter in text:
        number = number << 5 | _ALPHABET[letter]
    return (number >> 80) / 1000


def made(result: bytes, said: Said, since: float) -> frozenset[str]:
    """Ids in the result of a call with effects that were born since then and were not in its arguments."""
    return frozenset(
        each
        for each in ids_written(result.decode())
        if each.partition("_")[0] in MADE_KINDS and each not in said.names and born(each) >= since - 1
    )


def made_media(result: bytes) -> frozenset[str]:
    """The media that the state of a job names as what it made: the member `media` of its result."""
    if b'"media"' not in result:
        return frozenset()
    inner = json.loads(result).get("result")
    media = inner.get("media") if isinstance(inner, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return frozenset({media}) if isinstance(media, str) and media.startswith("sha256:") else frozenset()


def prose_about(names: frozenset[str], results: list[bytes]) -> Iterator[str]:
    """Texts in results that speak of a name in the midst of other words."""
    for result in results:
        if any(_amid_words(name.encode(), result) for name in names):
            yield from (text for text in _texts(json.loads(result)) if any(n in text and n != text for n in names))


def _amid_words(name: bytes, result: bytes) -> bool:
    """Whether a name stands in the JSON anywhere but as a whole text."""
    at, size = result.find(name), len(name)
    while at >= 0:
        if result[at - 1 : at] != b'"' or result[at + size : at + size + 1] != b'"':
            return True
        at = result.find(name, at + size)
    return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(each)
