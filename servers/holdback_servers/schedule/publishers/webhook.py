"""Publishes to an address: one POST a revision, with a manifest and the files, signed by the house.

The request is `multipart/form-data`: first a part `manifest` (application/json), then a part for each file, under its
name. `Idempotency-Key` is the same whenever the same revision is sent again. `Holdback-Signature` is a compact JWS
(ES256, typ `delivery+jwt`) over `iss`, `aud` (the address), `iat`, `key` and `manifest` (the sha256 of the manifest's
bytes), and the manifest names the sha256 of every file.

What the answer means:

    2xx                                     done
    404, 410 to a take-down                 done: it is not there
    409 {"key": ..., "done": true}          done before under this key
    409 {"key": ..., "done": false}         still at it; asked again later
    408, 425, 429, 5xx, none                tried again later, not before Retry-After
    any other, redirects too                refused
"""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx
from holdback_base.canonical import bytes_sha256
from holdback_base.ids import Clock
from holdback_base.problem import Problem
from holdback_trust.egress import Egress
from pydantic import BaseModel, StrictBool, ValidationError

from holdback_servers.schedule.ports import Package
from holdback_servers.settings import EgressSetting

SIGNATURE_TYPE = "delivery+jwt"
_LONGEST_ANSWER = 4096
"""Bytes of an answer that are read; more is not waited for."""
_LATER = frozenset({408, 425, 429})
_TAKE_DOWN_SECONDS = 60.0
_LONGEST_WAIT = 86_400.0
_REFUSED = "Correct what it says; then retry_delivery, or, where the publication has failed, hold and commit it again."


class _Known(BaseModel):
    """What a 409 says of a key."""

    key: str
    done: StrictBool


class WebhookPublisher:
    """Posts packages to one configured address, and follows none that it answers with.

    Args:
        sign: makes the house's JWS of claims.
        key: sent as a bearer token when there is one.
        timeout: seconds that the other side may be silent.
        deadline: seconds that one delivery may take; a take-down has a minute at most.
    """

    def __init__(
        self,
        url: str,
        *,
        sign: Callable[[Mapping[str, Any]], str],
        clock: Clock,
        key: str | None = None,
        timeout: float = 30,
        deadline: float = 3600,
    ) -> None:
        self._url, self._sign, self._clock, self._key = url, sign, clock, key
        self._timeout, self._deadline = timeout, deadline
        self._host = urlsplit(url).hostname

    async def deliver(self, package: Package) -> str:
        """Post the package; the receipt is the answer's status and the beginning of its body.

        Raises:
            Problem: UNAVAILABLE with `retry_after` in seconds where the answer says so, or CONFLICT.
        """
        deadline = self._deadline if package.territories else min(self._deadline, _TAKE_DOWN_SECONDS)
        try:
            async with asyncio.timeout(deadline):
                answer, body = await self._post(package)
        except TimeoutError as error:
            raise self._silent(f"has not taken it within {deadline:g} seconds") from error
        except httpx.TimeoutException as error:
            raise self._silent(f"was silent for {self._timeout:g} seconds") from error
        except httpx.RequestError as error:
            raise self._silent(f"cannot be reached, or hung up ({type(error).__name__})") from error
        except Problem as problem:
            if problem.code != "HOST_NOT_ALLOWED":
                raise
            raise Problem("CONFLICT", problem.message, "Correct the publisher's url in holdback.toml.") from problem
        except OSError as error:
            raise Problem("UNAVAILABLE", f"A file of {package.key} cannot be read: {error}.", "Restore it.") from error
        return self._judged(package, answer, body)

    async def _post(self, package: Package) -> tuple[httpx.Response, bytes]:
        manifest = json.dumps(dict(package.manifest), ensure_ascii=False).encode()
        with ExitStack() as stack:
            parts: list[tuple[str, Any]] = [("manifest", ("manifest.json", manifest, "application/json"))]
            for name, path in package.files.items():
                parts.append((name, (name, stack.enter_context(path.open("rb")), "application/octet-stream")))
            head = self._head(package, manifest)
            async with (
                httpx.AsyncClient(timeout=self._timeout, trust_env=False, transport=self._transport()) as client,
                client.stream("POST", self._url, files=parts, headers=head, follow_redirects=False) as answer,
            ):
                return answer, await _beginning(answer)

    def _transport(self) -> httpx.AsyncBaseTransport:
        """To the address in the settings, wherever that is, at the moment that its name was looked up, but for places
        where a cloud tells secrets."""
        egress = Egress(EgressSetting(), tls=lambda: self._authorities).named(self._url)
        return egress.transport(compressed=True)  # only the beginning is read, and as it comes

    @cached_property
    def _authorities(self) -> ssl.SSLContext:
        """Who is believed to certify servers; reading them takes longer than a small delivery."""
        return httpx.create_ssl_context(trust_env=False)

    def _head(self, package: Package, manifest: bytes) -> dict[str, str]:
        claims = {
            "iss": "mcp:schedule",
            "aud": self._url,
            "iat": int(self._clock().timestamp()),
            "key": package.key,
            "manifest": bytes_sha256(manifest),
        }
        head = {
            "Idempotency-Key": package.key,
            "Holdback-Signature": self._sign(claims),
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        return head if self._key is None else head | {"Authorization": f"Bearer {self._key}"}

    def _judged(self, package: Package, answer: httpx.Response, body: bytes) -> str:
        status, text = answer.status_code, _readable(body)
        receipt = f"{self._host} answered {status}" + (f": {text}" if text else "")
        if 200 <= status < 300 or (not package.territories and status in (404, 410)):
            return receipt
        if status == 409 and (done := _known(body, package.key)) is not None:
            if done:
                return receipt
            raise self._silent("is still at it", _seconds(answer, self._clock()))
        if status in _LATER or status >= 500:
            raise self._silent(f"answered {status}", _seconds(answer, self._clock()))
        if 300 <= status < 400:
            raise Problem(
                "CONFLICT",
                f"{self._host} sends elsewhere ({status}), and only the address in the settings is used.",
                "Write the address that it sends to into holdback.toml.",
            )
        raise Problem("CONFLICT", f"{receipt}; that is a refusal.", _REFUSED)

    def _silent(self, what: str, seconds: float | None = None) -> Problem:
        details = {} if seconds is None else {"retry_after": seconds}
        return Problem("UNAVAILABLE", f"{self._host} {what}.", "It is tried again.", **details)


async def _beginning(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) >= _LONGEST_ANSWER:
            break
    return body[:_LONGEST_ANSWER]


def _readable(body: bytes) -> str:
    """The beginning of an answer in one line of plain characters."""
    text = " ".join(body.decode("utf-8", "replace").split())
    return "".join(each if each.isprintable() else "?" for each in text)[:200]


def _known(body: bytes, key: str) -> bool | None:
    """Whether a 409 says that this very key is done or still at work; None when it says something else."""
    try:
        said = _Known.model_validate_json(body)
    except ValidationError:
        return None
    return said.done if said.key == key else None


def _seconds(answer: httpx.Response, now: datetime) -> float | None:
    """Seconds until it wants to be asked again, a day at most; None where it does not say (RFC 9110, 10.2.3)."""
    given = answer.headers.get("retry-after", "")
    if given.isascii() and given.isdigit():
        return min(float(given), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return None
    seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT)
