"""RFC 8785 canonical JSON, and the sha256 names of it and of bytes."""

import hashlib
from typing import Any, Final, cast

import rfc8785
from pydantic_core import to_json

_SAFE: Final = (1 << 53) - 1


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 form. Floats are refused by habit of this house: pass integers or text."""
    try:
        return to_json(_in_order(value))
    except ValueError:  # also half a surrogate pair, and what is nested too deep: refused in the library's words
        return rfc8785.dumps(value)


def canonical_sha256(value: Any) -> str:
    """`sha256:<hex>` of the RFC 8785 form."""
    return bytes_sha256(canonical_bytes(value))


def bytes_sha256(data: bytes) -> str:
    """`sha256:<hex>` of bytes as they are."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _in_order(value: object) -> object:
    """The value with its names in order, where a writer of plain JSON then writes as RFC 8785 does, in a fraction of
    the time: text, safe integers, true, false and null, in lists and in objects whose names sort by UTF-16 as they do
    by code point. Raises ValueError for anything else."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict:
        named = cast("dict[object, object]", value)
        if not all(isinstance(name, str) and name.isascii() for name in named):
            raise ValueError
        return {name: _in_order(named[name]) for name in sorted(cast("dict[str, object]", value))}
    if kind is list or kind is tuple:
        return [_in_order(each) for each in cast("list[object]", value)]
    if kind is int and -_SAFE <= cast(int, value) <= _SAFE:
        return value
    raise ValueError
