"""Letting an agent from outside in: its card is fetched, believed only with the key that was named, and looked through.

What a vendor says of itself is in the card; what it may do is said by whoever lets it in, and by nobody else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from urllib.parse import urljoin

import httpx
import jwt
from a2a.types.a2a_pb2 import AgentCard
from google.protobuf.json_format import MessageToDict
from holdback_base.problem import Problem
from holdback_trust.admission import Admission, check_vendor
from holdback_trust.egress import Egress
from holdback_trust.keys import thumbprint
from pydantic import ValidationError

from holdback_agents.runtime.card_signing import identity_of, read_card, verified_card

WELL_KNOWN = "/.well-known/agent-card.json"
_LONGEST_CARD = 256 * 1024
_MEMBERS = ("crv", "kty", "x", "y")


@dataclass(frozen=True)
class Invitation:
    """What a person says of an agent from outside.

    Args:
        name: what it is called in this house.
        url: of its card, or of the agent, whose card then lies at the well-known place.
        key: its public JWK, or the RFC 7638 thumbprint of it, got from its owner by another way than from `url`.
        by: the person who lets it in.
        owner: who answers for it.
        level: its security level.
        roles: whose people may start it.
        grants: the scopes that it may be given, by audience.
        plans: the capabilities and skills that each of its skills needs; a skill not named needs none.
    """

    name: str
    url: str
    key: Mapping[str, str] | str
    by: str
    owner: str = ""
    level: int = 100
    roles: frozenset[str] = frozenset({"editor"})
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    plans: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])


async def examined(invitation: Invitation, egress: Egress, taken: Mapping[str, str], now: datetime) -> Admission:
    """The admission that an invitation comes to, once the agent's card has been fetched and found good.

    Args:
        invitation: what a person says of the agent; its host is reached because that person named it.
        egress: what the house may reach besides.
        taken: every skill that is offered already, and by which agent.
        now: the instant of the admission.

    Raises:
        Problem: HOST_NOT_ALLOWED, UNAVAILABLE and TOO_LARGE for where the card or the agent is; STATEMENT_INVALID for a
            card that is not signed by the key; CONFLICT for a skill that is taken; PERMISSION_DENIED for a scope that
            no agent from outside is given; INVALID_ARGUMENT for the rest.
    """
    address = card_address(invitation.url)
    guard = egress.also(address)
    shape = await _fetched(guard, address, "card")
    jwk = await _key(invitation.key, shape, address, guard)
    card = verified_card(shape, jwk)
    endpoint = _endpoint(card, address)
    await guard.check(endpoint)
    skills = [skill.id for skill in card.skills]
    try:
        admission = Admission.model_validate(
            {
                "agent": f"agent:{invitation.name}",
                "identity": identity_of(card, jwk),
                "jwk": jwk,
                "owner": invitation.owner,
                "level": invitation.level,
                "by": invitation.by,
                "at": now,
                "url": endpoint,
                "source": address,
                "card": MessageToDict(card),
                "grants": dict(invitation.grants),
                "plans": {skill: frozenset[str]() for skill in skills} | dict(invitation.plans),
                "roles": invitation.roles,
            }
        )
    except ValidationError as error:
        where = ".".join(str(each) for each in error.errors()[0]["loc"])
        raise Problem(
            "INVALID_ARGUMENT",
            f"{invitation.name!r} cannot be let in like this: {where} is not as it should be.",
            "Names are small letters, digits and hyphens; a level is 100, 200 or 300.",
        ) from None
    check_vendor(admission, skills, taken)
    return admission


def card_address(url: str) -> str:
    """Where the card of an agent lies: the URL itself where that is one of a JSON file, else the well-known place."""
    return url if url.endswith(".json") else url.rstrip("/") + WELL_KNOWN


async def _fetched(guard: Egress, url: str, what: str) -> dict[str, Any]:
    got = await guard.fetch(url, longest=_LONGEST_CARD)
    if got.status != 200:
        raise Problem(
            "UNAVAILABLE",
            f"There is no {what} at {url}: it answered {got.status}.",
            "Name the address itself; a redirect is not followed.",
        )
    try:
        shape = json.loads(got.body)
    except (ValueError, RecursionError):
        shape = None
    if not isinstance(shape, dict):
        raise Problem("STATEMENT_INVALID", f"The {what} at {url} is not a JSON object.", "Name another address.")
    return cast(dict[str, Any], shape)


async def _key(named: Mapping[str, str] | str, shape: Mapping[str, Any], card: str, guard: Egress) -> dict[str, str]:
    """The key that a person named: itself, or found by its thumbprint where the card says its keys are."""
    if not isinstance(named, str):
        return _public(named)
    for signature in read_card(shape).signatures:
        try:
            jku = jwt.get_unverified_header(f"{signature.protected}..").get("jku")
        except jwt.PyJWTError:
            continue
        if isinstance(jku, str) and _origin(jku) == _origin(card):
            found = (await _fetched(guard, jku, "key set")).get("keys")
            for each in cast(list[Any], found) if isinstance(found, list) else []:
                if isinstance(each, dict) and _thumb(cast(dict[str, str], each)) == named:
                    return _public(cast(dict[str, str], each))
    raise Problem(
        "STATEMENT_INVALID",
        "The key of that thumbprint is not found where the card says that its keys are.",
        "Give the key itself, as a JWK; or let the card name its key set (jku) at its own host.",
    )


def _public(jwk: Mapping[str, str]) -> dict[str, str]:
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk or _thumb(jwk) is None:
        raise Problem(
            "INVALID_ARGUMENT",
            "The key is not a public JWK of the curve P-256.",
            "Agents sign with ES256; ask the owner for the public half, and for nothing else.",
        )
    return {name: jwk[name] for name in _MEMBERS}


def _thumb(jwk: Mapping[str, str]) -> str | None:
    try:
        jwt.PyJWK({name: jwk[name] for name in _MEMBERS}, algorithm="ES256")
        return thumbprint(jwk)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return None


def _endpoint(card: AgentCard, address: str) -> str:
    """Where the agent answers A2A 1.0 in JSON-RPC: at the host that its card came from, and nowhere else."""
    spoken = [
        each.url
        for each in card.supported_interfaces
        if each.protocol_binding == "JSONRPC" and each.protocol_version.startswith("1.")
    ]
    if not spoken:
        raise Problem(
            "INVALID_ARGUMENT", "The card names no address for A2A 1.0 in JSON-RPC.", "Its maker adds an interface."
        )
    endpoint = urljoin(address, spoken[0])
    if _origin(endpoint) != _origin(address):
        raise Problem(
            "HOST_NOT_ALLOWED",
            f"The card at {address} sends to another place, {endpoint[:200]}.",
            "An agent answers where its card lies; its maker serves the card there.",
        )
    return endpoint.rstrip("/")


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL:
        return "", "", None
    return read.scheme, read.host.lower(), read.port
