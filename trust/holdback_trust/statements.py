"""Signed statements that systems of several owners believe instead of one another's databases.

A statement is a compact JWS (ES256) about the bytes of a cut: what it is made of (`cut+jwt`), where it may be shown
(`clearance+jwt`), that a person said yes (`approval+jwt`), what was seen and heard in it (`proof+jwt`). Whoever relies
on one reads it here. Revocation is the issuer's to answer and is asked for elsewhere. Pure but for the signature's own
chance.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from holdback_base.elements import HIGHEST_TIER, CutFacts
from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_trust.keys import KeyPair, KeyRing, SignatureRefused, open_jws, sign_jws, whole_seconds

CUT, CLEARANCE, APPROVAL, PROOF = "cut+jwt", "clearance+jwt", "approval+jwt", "proof+jwt"
CUT_ISSUERS = frozenset({"mcp:assets", "mcp:editing"})
CLEARANCE_ISSUERS = frozenset({"mcp:rights"})
APPROVAL_ISSUERS = frozenset({"gateway"})
PROOF_ISSUERS = frozenset({"mcp:editing"})
CLOCK_SKEW = 60
"""Seconds an issuer's clock may run ahead."""
LONGEST_STATEMENT = 1_048_576
"""Characters; a statement lists elements or cells, so it may be long, but not endless."""


class SignedCut(CutFacts):
    """The facts of a cut statement that verified, and who signed it (`mcp:assets` or `mcp:editing`)."""

    issuer: str

    def facts(self) -> CutFacts:
        """The facts alone."""
        return CutFacts.model_validate(self.model_dump(exclude={"issuer"}))


def sign(keys: KeyPair, typ: str, claims: Mapping[str, Any]) -> str:
    """A statement over JSON claims. Raises ValueError when one that every statement needs is missing.

    All need `iss`, `sub` (a sha256 name), `elements` and `iat`; all but a cut, whose bytes never change, need `exp` and
    `jti` as well. Times are whole seconds since 1970.
    """
    missing = [name for name in _needed(typ) if name not in claims]
    if missing:
        raise ValueError(f"a {typ} statement needs {', '.join(missing)}")
    return sign_jws(keys, typ, claims)


def read(jws: str, typ: str, ring: KeyRing, now: datetime, issuers: Collection[str]) -> dict[str, Any]:
    """The claims of a statement that verifies and is valid now: from `iat` on (60 s for clocks), before `exp`.

    Raises Problem STATEMENT_INVALID with the reason, or STATEMENT_EXPIRED.
    """
    try:
        claims = open_jws(jws, typ, ring, issuers, longest=LONGEST_STATEMENT)
    except SignatureRefused as error:
        raise _invalid(typ, str(error)) from error
    missing = [name for name in _needed(typ) if name not in claims]
    if missing:
        raise _invalid(typ, f"it lacks {', '.join(missing)}")
    issued, expires, seconds = whole_seconds(claims, "iat"), whole_seconds(claims, "exp"), now.timestamp()
    if issued is None or ("exp" in claims and expires is None):
        raise _invalid(typ, "its times are not whole seconds")
    if issued > seconds + CLOCK_SKEW:
        raise _invalid(typ, "it is issued in the future")
    if expires is not None and seconds >= expires:
        raise Problem("STATEMENT_EXPIRED", f"The {typ} statement has expired.", "Ask its issuer for a new one.")
    return claims


def sign_cut(keys: KeyPair, issuer: str, facts: CutFacts, now: datetime) -> str:
    """The issuer's word that these bytes are made of these elements. It does not expire: the bytes never change."""
    plain = facts.facts() if isinstance(facts, SignedCut) else facts
    return sign(
        keys,
        CUT,
        {
            "iss": issuer,
            "sub": plain.media,
            "elements": plain.element_list.sha256(),
            "cut": plain.model_dump(mode="json", exclude_none=True),
            "iat": int(now.timestamp()),
        },
    )


def read_cut(jws: str, ring: KeyRing, now: datetime) -> SignedCut:
    """The facts of a cut statement by assets or editing, with `.issuer`.

    Checks also that its subject is the media it tells of and that its element hash is that of its list. What says no
    value tier counts as of the highest. Raises Problem STATEMENT_INVALID or STATEMENT_EXPIRED.
    """
    claims = read(jws, CUT, ring, now, CUT_ISSUERS)
    try:
        cut = SignedCut.model_validate({"tier": HIGHEST_TIER, **claims["cut"], "issuer": claims["iss"]})
    except (ValidationError, TypeError) as error:
        raise _invalid(CUT, "its facts have the wrong form") from error
    if claims["sub"] != cut.media:
        raise _invalid(CUT, "its subject is other media than it tells of")
    if claims["elements"] != cut.element_list.sha256():
        raise _invalid(CUT, "its element hash is not that of its list")
    return cut


def sign_proof(keys: KeyPair, claims: Mapping[str, Any]) -> str:
    """The issuer's word on what was found in these bytes: `verdict` and `proofs` beside what every statement needs."""
    return sign(keys, PROOF, claims)


def read_proof(jws: str, ring: KeyRing, now: datetime) -> dict[str, Any]:
    """The claims of a proof by editing. Raises Problem STATEMENT_INVALID or STATEMENT_EXPIRED."""
    return read(jws, PROOF, ring, now, PROOF_ISSUERS)


def _needed(typ: str) -> tuple[str, ...]:
    return ("iss", "sub", "elements", "iat", "cut") if typ == CUT else ("iss", "sub", "elements", "iat", "exp", "jti")


def _invalid(typ: str, reason: str) -> Problem:
    return Problem(
        "STATEMENT_INVALID",
        f"The {typ} statement is refused: {reason}.",
        "Pass the statement unchanged, as its issuer gave it.",
    )
