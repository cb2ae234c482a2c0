"""What one house may reach, and a way to fetch it."""

import asyncio
import copy
import functools
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx
from holdback_base.problem import Problem

from holdback_trust.egress.addresses import (
    EVERY_NETWORK,
    HostEntry,
    Network,
    Wanted,
    is_loopback,
    is_opened,
    is_public,
    read_host,
    read_network,
    read_url,
    refused,
)
from holdback_trust.egress.transport import Destination, PinnedTransport

LONGEST_ANSWER = 1024 * 1024
"""Bytes of an answer, unless whoever asks says otherwise."""
LONGEST_SECONDS = 10.0
"""Seconds for one fetch in all, its name's look-up included."""
_LOOKUP_SECONDS = 5.0
_READ_ALONG = "over http others can read along; only this machine itself is reached so"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name, for a port."""


class Allowed(Protocol):
    """What a house allows: `hosts` are exact names, `*.example.com` for all below, or `*` for every public host, each
    with its port behind a colon where that is not 443; `private` are networks in CIDR form that are open although they
    are not public, at every port."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Of `Egress`."""
        ...

    @property
    def private(self) -> tuple[str, ...]:
        """Of `Egress`."""
        ...


@dataclass(frozen=True)
class Fetched:
    """An answer in full. `kind` is its media type in lower case, without parameters."""

    status: int
    kind: str
    body: bytes


async def _system(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


@functools.cache
def _authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


class Egress:
    """What one house may reach: nothing that its setting does not list.

    Args:
        allowed: the house's setting.
        resolve: looks names up; by default the system does.
        tls: who is believed to certify servers; by default the system's authorities. Asked when first needed.

    Raises:
        Problem: INVALID_ARGUMENT for an entry that cannot be read.
    """

    def __init__(
        self, allowed: Allowed, *, resolve: Resolve = _system, tls: Callable[[], ssl.SSLContext] = _authorities
    ) -> None:
        self._hosts = tuple(read_host(each) for each in allowed.hosts)
        self._private = tuple(read_network(each) for each in allowed.private)
        self._named: frozenset[tuple[str, int]] = frozenset()
        self._resolve, self._tls = resolve, tls

    def also(self, *urls: str) -> "Egress":
        """The same, and the hosts of these addresses too, which a setting or a person named one by one.

        Private networks stay closed unless the setting opens them. Raises Problem HOST_NOT_ALLOWED for an address
        that cannot be read.
        """
        wider = copy.copy(self)
        wider._hosts = (*self._hosts, *(HostEntry(each.host, each.port) for each in map(read_url, urls)))
        return wider

    def named(self, *urls: str) -> "Egress":
        """The same, and these places of the house's own settings too, in whatever network they are; metadata services
        and multicast stay closed. Raises Problem HOST_NOT_ALLOWED for an address that cannot be read."""
        wider = copy.copy(self)
        wider._named = self._named | {(each.host, each.port) for each in map(read_url, urls)}
        return wider

    def refusal(self, url: str) -> Problem | None:
        """Why nothing may be sent to this address as far as it can be told without looking its name up, or None."""
        try:
            wanted = read_url(url)
            self._check_listed(wanted)
            if wanted.literal is not None:
                self._check_address(wanted.host, wanted)
        except Problem as problem:
            return problem
        return None

    async def check(self, url: str) -> Destination:
        """Where a request to this URL may go.

        The list is asked before the name is looked up: of a host that is not on it no resolver hears.

        Raises:
            Problem: HOST_NOT_ALLOWED with the reason; UNAVAILABLE when the name has no address.
        """
        wanted = read_url(url)
        self._check_listed(wanted)
        addresses = [wanted.host] if wanted.literal else await self._look_up(wanted)
        for each in addresses:
            self._check_address(each, wanted)
        return Destination(wanted.scheme, wanted.host, wanted.port, addresses[0])

    def transport(self, *, longest: int = LONGEST_ANSWER, compressed: bool = False) -> httpx.AsyncBaseTransport:
        """A transport for `httpx.AsyncClient` that checks every request, redirected ones too, connects to the checked
        address only, and breaks an answer off after `longest` bytes (Problem TOO_LARGE). A `compressed` answer is taken
        only where it is said that nobody unpacks it."""
        return PinnedTransport(self.check, self._tls(), longest, compressed)

    def client(self, *, longest: int = LONGEST_ANSWER, seconds: float = LONGEST_SECONDS) -> httpx.AsyncClient:
        """A client over `transport`: no redirects, no proxies or secrets of the environment, no compression."""
        return httpx.AsyncClient(
            transport=self.transport(longest=longest),
            timeout=seconds,
            trust_env=False,
            follow_redirects=False,
            headers={"accept-encoding": "identity", "user-agent": "holdback"},
        )

    async def fetch(
        self,
        url: str,
        *,
        longest: int = LONGEST_ANSWER,
        seconds: float = LONGEST_SECONDS,
    ) -> Fetched:
        """GET JSON from this URL and no other: a redirect is an answer, not an order.

        Args:
            url: where.
            longest: bytes of the answer.
            seconds: for all of it.

        Raises:
            Problem: as `check`; UNAVAILABLE when the host does not answer in time, TOO_LARGE.
        """
        host = read_url(url).host
        try:
            async with asyncio.timeout(seconds), self.client(longest=longest, seconds=seconds) as client:
                answer = await client.get(url, headers={"accept": "application/json"})
        except (httpx.HTTPError, TimeoutError, ssl.SSLError) as error:
            raise Problem(
                "UNAVAILABLE", f"{host} does not answer as it should ({type(error).__name__}).", "Try again later."
            ) from error
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Fetched(answer.status_code, kind, answer.content)

    def _check_listed(self, wanted: Wanted) -> None:
        itself = wanted.host == "localhost" if wanted.literal is None else is_loopback(wanted.literal)
        if wanted.scheme == "http" and not itself:
            raise refused(wanted.host, _READ_ALONG)
        if wanted.literal is not None and is_opened(wanted.literal, self._networks(wanted)):
            return
        if (wanted.host, wanted.port) in self._named:
            return
        if not any(each.means(wanted) for each in self._hosts):
            place = wanted.host if wanted.port == 443 else f"{wanted.host}:{wanted.port}"
            raise refused(wanted.host, f"{place} is not among the hosts that this house may reach")

    def _networks(self, wanted: Wanted) -> tuple[Network, ...]:
        return EVERY_NETWORK if (wanted.host, wanted.port) in self._named else self._private

    async def _look_up(self, wanted: Wanted) -> Sequence[str]:
        try:
            async with asyncio.timeout(_LOOKUP_SECONDS):
                found = await self._resolve(wanted.host, wanted.port)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise Problem(
                "UNAVAILABLE",
                f"The name {wanted.host} cannot be looked up.",
                "See that it is spelt right; then try again later.",
            ) from error
        if not found:
            raise Problem("UNAVAILABLE", f"The name {wanted.host} has no address.", "Correct the address.")
        return found

    def _check_address(self, text: str, wanted: Wanted) -> None:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise refused(wanted.host, "it stands for no address") from None
        if not is_public(address) and not is_opened(address, self._networks(wanted)):
            raise refused(wanted.host, "it stands for an address that is not public")
        if wanted.scheme == "http" and not is_loopback(address):
            raise refused(wanted.host, _READ_ALONG)
