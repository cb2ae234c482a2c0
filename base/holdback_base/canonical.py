"""RFC 8785 canonical JSON, and hashes over it."""

import hashlib
from typing import Any

import rfc8785


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 form. Floats are refused by habit of this house: pass integers or text."""
    return rfc8785.dumps(value)


def canonical_sha256(value: Any) -> str:
    """`sha256:<hex>` of the RFC 8785 form."""
    return "sha256:" + hashlib.sha256(canonical_bytes(value)).hexdigest()
