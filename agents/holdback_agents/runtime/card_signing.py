"""Agent Cards with signatures: a JWS over the RFC 8785 form of the card (A2A 1.0, 8.4), by the agent's own key."""

import copy
import logging
from collections.abc import Mapping
from typing import Any, cast

import jwt
from a2a.client.card_resolver import parse_agent_card
from a2a.types.a2a_pb2 import AgentCard, AgentExtension
from a2a.utils.signing import SignatureVerificationError, create_agent_card_signer, create_signature_verifier
from cryptography.hazmat.primitives import serialization
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from holdback_base.problem import Problem
from holdback_trust.admission import IDENTITY_EXTENSION, AgentIdentity, Configuration
from holdback_trust.keys import ALGORITHM, KeyPair, thumbprint
from pydantic import ValidationError

logging.getLogger("a2a.utils.proto_utils").setLevel(logging.ERROR)  # what a card lacks is told by whoever reads it


def sign_card(card: AgentCard, keys: KeyPair, jwks: str = "") -> AgentCard:
    """The card with a signature added; `jwks` is the address where the public key is found."""
    header: dict[str, Any] = {"kid": keys.kid, "alg": ALGORITHM, "typ": "JOSE"}
    if jwks:
        header["jku"] = jwks
    pem = keys.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return create_agent_card_signer(pem, cast(Any, header))(card)


def verified_card(shape: Mapping[str, Any], jwk: Mapping[str, str]) -> AgentCard:
    """The card that this key signed; what the signature does not cover is not in it.

    Raises:
        Problem: STATEMENT_INVALID for a card that cannot be read, has no signature, or none of this key that holds.
    """
    card = read_card(shape)
    key = jwt.PyJWK(dict(jwk), algorithm=ALGORITHM)
    name = thumbprint(jwk)

    def of_name(kid: str | None, _jku: str | None) -> jwt.PyJWK:
        if kid is not None and kid != name:
            raise jwt.InvalidKeyError
        return key

    try:
        create_signature_verifier(of_name, [ALGORITHM])(card)
    except SignatureVerificationError as error:
        why = (
            "carries no signature" if not card.signatures else "is not signed by the key that was named, or was altered"
        )
        raise _refused(why) from error
    return card


def read_card(shape: Mapping[str, Any]) -> AgentCard:
    """A card as JSON. Raises Problem STATEMENT_INVALID."""
    try:
        return parse_agent_card(copy.deepcopy(dict(shape)))
    except (ParseError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _refused("cannot be read as a card of A2A 1.0") from error


def declare(card: AgentCard, identity: AgentIdentity) -> None:
    """Write the AI configurations of an identity into a card."""
    params = {"configurations": identity.shown()["configurations"]}
    shape = {"uri": IDENTITY_EXTENSION, "description": "The AI configurations that it works with.", "params": params}
    card.capabilities.extensions.append(ParseDict(shape, AgentExtension()))


def identity_of(card: AgentCard, jwk: Mapping[str, str]) -> AgentIdentity:
    """What an agent is, by its verified card. Raises Problem STATEMENT_INVALID for configurations that are none."""
    declared = [each for each in card.capabilities.extensions if each.uri == IDENTITY_EXTENSION]
    try:
        shapes = [each for one in declared for each in MessageToDict(one.params).get("configurations", [])]
        configurations = tuple(Configuration.model_validate(each) for each in shapes)
        return AgentIdentity(key=thumbprint(jwk), software=card.version, configurations=configurations)
    except (ValidationError, TypeError) as error:
        raise _refused(f"declares configurations under {IDENTITY_EXTENSION} that cannot be read") from error


def _refused(why: str) -> Problem:
    return Problem(
        "STATEMENT_INVALID",
        f"The Agent Card {why}.",
        "Its maker signs the card as A2A 1.0 section 8.4 says, with ES256 and the key's RFC 7638 thumbprint as kid.",
    )
