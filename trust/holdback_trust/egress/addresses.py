"""Addresses read strictly and told apart: which are public, and which only look harmless. Pure.

Networks that are not public are those of the IANA special-purpose registries (RFC 6890).
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

import httpx
from holdback_base.problem import Problem

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST_URL = 2000
_PLAIN = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
"""Visible ASCII but the backslash, which some readers of addresses take for a slash."""
_LABELS = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")
_OWN_ZONES = frozenset(
    {"alt", "arpa", "corp", "example", "home", "internal", "intranet", "invalid", "lan", "local", "localhost"}
    | {"onion", "private", "test"}
)
"""Top-level names that no public host has (RFC 6761, 6762, 7686, 9476, ICANN's `internal`), or that clash."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(each) for each in texts)


_NOT_PUBLIC = (
    *_networks("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *_networks("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *_networks("198.51.100.0/24", "203.0.113.0/24", "2001::/23", "2001:db8::/32", "3fff::/20"),
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NEVER = _networks("0.0.0.0/32", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8")
"""Multicast, reserved, broadcast and unspecified: no setting opens them."""
_TRANSLATED = _networks("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
"""Forms in which an IPv6 address stands for an IPv4 one: mapped, NAT64, Teredo, 6to4. Nothing opens them either."""
_METADATA = frozenset(
    ipaddress.ip_address(each)
    for each in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.169.253",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
"""Where clouds tell a machine its secrets. A network around it does not open one; only its own entry does."""
EVERY_NETWORK = _networks("0.0.0.0/0", "::/0")
_LOOPBACK = _networks("127.0.0.0/8", "::1/128")


@dataclass(frozen=True)
class Wanted:
    """What a URL asks for; `literal` is its host when that is an address."""

    scheme: str
    host: str
    port: int
    literal: Address | None


@dataclass(frozen=True)
class HostEntry:
    """An entry of the list of hosts: a name, `*.example.com` for all below it, or `*` for every public name."""

    name: str
    port: int

    def means(self, wanted: Wanted) -> bool:
        """Whether the entry lists what is wanted."""
        if wanted.port != self.port:
            return False
        if self.name == "*":
            return "." in wanted.host and wanted.literal is None and wanted.host.rpartition(".")[2] not in _OWN_ZONES
        if self.name.startswith("*."):
            return wanted.host.endswith(self.name[1:])
        return wanted.host == self.name


def read_url(url: str) -> Wanted:
    """The parts of a URL as it will be sent. Raises Problem HOST_NOT_ALLOWED for one that readers take differently."""
    if len(url) > _LONGEST_URL or not _PLAIN.fullmatch(url):
        raise refused("", f"it is longer than {_LONGEST_URL} characters, or has some that no address has")
    try:
        read = httpx.URL(url)
        host, port = read.raw_host.decode("ascii").lower().removesuffix("."), read.port
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise refused("", "it cannot be read") from None
    if read.scheme not in ("http", "https") or not host:
        raise refused(host, "it is not a whole https address")
    if read.userinfo:
        raise refused(host, "it carries a name or a password")
    return Wanted(read.scheme, host, port or (443 if read.scheme == "https" else 80), _literal(host))


def _literal(host: str) -> Address | None:
    """The address that a host is, None for a name. Raises Problem for what only looks like one."""
    if ":" in host or _ENDS_IN_NUMBER.search(host):
        try:
            return ipaddress.ip_address(host)
        except ValueError:
            raise refused(host, "it is a number in a form that readers take differently") from None
    if len(host) > 253 or not _LABELS.fullmatch(host):
        raise refused(host, "it is not the name of a host")
    return None


def read_host(entry: str) -> HostEntry:
    """An entry such as `example.com`, `*.example.com:8443` or `*`. Raises Problem INVALID_ARGUMENT."""
    name, colon, port = entry.strip().lower().rpartition(":")
    if not colon:
        name, port = port, "443"
    bare = name.removeprefix("*.")
    if not (port.isdecimal() and 0 < int(port) < 65536) or not (name == "*" or _LABELS.fullmatch(bare)):
        raise Problem(
            "INVALID_ARGUMENT",
            f"{entry!r} in egress.hosts is no host.",
            "Write names such as example.com, *.example.com or example.com:8443.",
        )
    return HostEntry(name, int(port))


def read_network(entry: str) -> Network:
    """A network such as `10.20.0.0/16`. Raises Problem INVALID_ARGUMENT."""
    try:
        return ipaddress.ip_network(entry.strip())
    except ValueError as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{entry!r} in egress.private is no network: {error}.",
            "Write networks such as 10.20.0.0/16 or 127.0.0.1/32.",
        ) from error


def is_public(address: Address) -> bool:
    """Whether an address is one of the public Internet, and stands for itself."""
    if address in _METADATA or _within(address, (*_NEVER, *_NOT_PUBLIC, *_TRANSLATED)):
        return False
    return isinstance(address, ipaddress.IPv4Address) or address in _GLOBAL_6


def is_opened(address: Address, private: Iterable[Network]) -> bool:
    """Whether a list of networks opens an address: never multicast or a translated form, and a metadata service only by
    an entry of its own."""
    if _within(address, (*_NEVER, *_TRANSLATED)):
        return False
    around = [each for each in private if address in each]
    return any(each.num_addresses == 1 for each in around) if address in _METADATA else bool(around)


def is_loopback(address: Address) -> bool:
    """Whether an address is this machine itself."""
    return _within(address, _LOOPBACK)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in each for each in networks)


def refused(host: str, reason: str) -> Problem:
    """HOST_NOT_ALLOWED, with the reason in words."""
    return Problem(
        "HOST_NOT_ALLOWED",
        f"Nothing is sent to {host or 'this address'}: {reason}.",
        "If this house should reach it, list its name in egress.hosts of holdback.toml, and its network in "
        "egress.private where it is not public.",
    )
