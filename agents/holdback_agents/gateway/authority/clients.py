"""Programs that may ask a person for access, and where their answer may be sent. Pure.

A program is public: it has no secret and proves with PKCE that it is the one that asked (OAuth 2.1, RFC 7636). What is
known of it stands in the table here, or in a document at the https address that is its id.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from holdback_base.vocabulary import Noun

LONGEST_URI = 2000
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_OWN_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
"""A private-use scheme with a dot, in reverse order of a domain name (RFC 8252, 7.1)."""
_PLAIN = re.compile(r"[\x21-\x5b\x5d-\x7e]+")


class Client(Noun):
    """A program. `host` is who vouches for it by publishing its document; empty for one of the table, which anything on
    this machine can claim to be."""

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    host: str = ""
    refreshes: bool = True

    def takes(self, uri: str) -> bool:
        """Whether an answer may be sent there: character for character as known, but for the port on this machine
        (RFC 8252, 7.3)."""
        return is_safe(uri) and any(_same(each, uri) for each in self.redirect_uris)


class ClientRefused(ValueError):  # noqa: N818 - says what was done to it
    """A document that does not make its program known; the message says why."""


def _known(identity: str, name: str, *uris: str) -> tuple[str, Client]:
    return identity, Client(id=identity, name=name, redirect_uris=uris)


KNOWN: Mapping[str, Client] = MappingProxyType(
    dict(
        (
            _known(
                "holdback",
                "A program on this machine",
                "http://127.0.0.1/",
                "http://127.0.0.1/callback",
                "http://127.0.0.1/oauth/callback",
                "http://localhost/callback",
                "http://localhost/oauth/callback",
                "http://[::1]/callback",
            ),
            _known("claude-code", "Claude Code", "http://localhost/callback", "http://127.0.0.1/callback"),
            _known("cursor", "Cursor", "cursor://anysphere.cursor-mcp/oauth/callback"),
            _known("mcp-inspector", "MCP Inspector", "http://localhost/oauth/callback"),
            _known("opencode", "OpenCode", "http://127.0.0.1/mcp/oauth/callback"),
            _known("vscode", "Visual Studio Code", "http://127.0.0.1/", "https://vscode.dev/redirect"),
        )
    )
)
"""Programs for a desk that need no document."""


def is_safe(uri: str) -> bool:
    """Whether a browser can be sent there at all: whole, plain, without a fragment, a name or a password."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    if len(uri) > LONGEST_URI or not _PLAIN.fullmatch(uri) or "#" in uri or "@" in parts.netloc or port == 0:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return is_loopback(parts)
    return any(uri in each.redirect_uris for each in KNOWN.values()) or bool(_OWN_SCHEME.fullmatch(parts.scheme))


def is_loopback(parts: SplitResult) -> bool:
    """Whether an address leads to this machine."""
    return parts.hostname in _LOOPBACK


def _same(known: str, given: str) -> bool:
    if known == given:
        return True
    one, other = urlsplit(known), urlsplit(given)
    if (one.scheme, other.scheme) != ("http", "http") or not (is_loopback(one) and is_loopback(other)):
        return False
    return (one.hostname, one.path, one.query) == (other.hostname, other.path, other.query)


def is_document_address(identity: str) -> bool:
    """Whether a client id is an address at which its document can stand (Client ID Metadata Documents, section 3)."""
    try:
        parts = urlsplit(identity)
    except ValueError:
        return False
    whole = parts.scheme == "https" and bool(parts.hostname) and parts.path not in ("", "/")
    steps = parts.path.split("/")
    return whole and is_safe(identity) and not any(each in (".", "..") or "%" in each for each in steps)


def client_of(identity: str, document: object) -> Client:
    """The program that a document at its own address tells of.

    Raises:
        ClientRefused: the document names another id, no safe redirect, or a secret, which it cannot keep.
    """
    if not isinstance(document, dict):
        raise ClientRefused("its document is not a JSON object")
    told = cast(dict[str, Any], document)
    if told.get("client_id") != identity:
        raise ClientRefused("its document names another client_id")
    if told.get("token_endpoint_auth_method", "none") != "none" or "client_secret" in told:
        raise ClientRefused("its document is not of a public client (token_endpoint_auth_method none)")
    grants = _texts(told.get("grant_types", ["authorization_code"]))
    if "authorization_code" not in grants or "code" not in _texts(told.get("response_types", ["code"])):
        raise ClientRefused("its document does not ask for codes")
    uris = _texts(told.get("redirect_uris"))
    if not 0 < len(uris) <= 20 or not all(is_safe(each) and each not in _table_only() for each in uris):
        raise ClientRefused("its document names no redirect_uris, or one that no browser is sent to")
    host = urlsplit(identity).hostname or ""
    name = told.get("client_name")
    shown = " ".join(name.split())[:80] if isinstance(name, str) and name.isprintable() else ""
    return Client(
        id=identity, name=shown or host, redirect_uris=tuple(uris), host=host, refreshes="refresh_token" in grants
    )


def _table_only() -> frozenset[str]:
    return frozenset(uri for each in KNOWN.values() for uri in each.redirect_uris if not uri.startswith("http"))


def _texts(value: object) -> list[str]:
    found = cast(list[object], value) if isinstance(value, list) else []
    return [each for each in found if isinstance(each, str)]
