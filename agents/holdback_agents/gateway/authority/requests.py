"""What a program asks for a person, read strictly, and sealed while the person answers.

Nothing of it is kept here in between: the request travels in the page, signed by the gateway and bound to the browser
that brought it, so that strangers who ask a thousand times fill no store. Rules: OAuth 2.1, RFC 7636, 8707, 9101.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime

from holdback_base.vocabulary import Noun
from holdback_trust.edges import FACTORS
from holdback_trust.identity import GATEWAY
from holdback_trust.keys import KeyPair, KeyRing, SignatureRefused, open_jws, sign_jws, whole_seconds
from pydantic import ValidationError

SEAL_TYPE = "sign-in-request+jwt"
SEAL_SECONDS = 600
"""How long a page may be left open before it has to be begun again."""
SECOND_FACTOR = (FACTORS, "mfa")
"""Each of the `acr_values` with which a program asks that a second factor is proved (RFC 9470): the first is what the
house's own doors tell it, the second what programs say elsewhere."""
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST = 1000


class RequestRefused(Exception):  # noqa: N818 - says what was done to it
    """An error of RFC 6749 4.1.2.1 that goes back to the program."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


class Asked(Noun):
    """A request as it was read. `browser` is the sha256 of the browser's cookie.

    `proved` is who typed a right sign-in code already and now has to prove the second factor; `session` is the sha256
    of the session to which the program's wishes were shown; `elsewhere` that of the state with which the browser was
    sent to another issuer. Each is empty until then.
    """

    client: str
    redirect_uri: str
    state: str = ""
    challenge: str
    audience: str
    scopes: tuple[str, ...]
    nonce: str = ""
    second_factor: bool = False
    fresh: bool = False
    max_age: int | None = None
    browser: str
    proved: str = ""
    session: str = ""
    elsewhere: str = ""


def single(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name. Raises ValueError when one stands there twice (RFC 6749, 3.1)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a parameter stands there twice")
    return found


def read_request(query: Mapping[str, str], audience: str | None, held: frozenset[str], browser: str) -> Asked:
    """What is asked for, once client and redirect are known to be right.

    Args:
        query: the parameters.
        audience: the party that `resource` names; None where there is no such party.
        held: the scopes that mean something there.
        browser: the sha256 of the browser's cookie.

    Raises:
        RequestRefused: what goes back to the program.
    """
    if query.get("response_type") != "code":
        raise RequestRefused("unsupported_response_type", "Only response_type=code is answered.")
    if "request" in query or "request_uri" in query:
        raise RequestRefused("request_not_supported", "Send the parameters as they are.")
    if query.get("response_mode", "query") != "query":
        raise RequestRefused("invalid_request", "Only response_mode=query is answered.")
    challenge = query.get("code_challenge", "")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise RequestRefused("invalid_request", "A code_challenge with code_challenge_method=S256 is needed.")
    if any(len(query.get(name, "")) > _LONGEST for name in ("state", "nonce", "scope")):
        raise RequestRefused("invalid_request", f"state, nonce and scope have {_LONGEST} characters at most.")
    if audience is None:
        raise RequestRefused("invalid_target", "resource is no address of this house.")
    wanted = frozenset(query.get("scope", "").split()) or held
    if not wanted & held:
        raise RequestRefused("invalid_scope", "None of the scopes means anything there.")
    prompt = query.get("prompt", "").split()
    if "none" in prompt:
        raise RequestRefused("interaction_required", "Somebody has to be asked each time.")
    return Asked(
        client=query["client_id"],
        redirect_uri=query["redirect_uri"],
        state=query.get("state", ""),
        challenge=challenge,
        audience=audience,
        scopes=tuple(sorted(wanted & held)),
        nonce=query.get("nonce", ""),
        second_factor=not set(SECOND_FACTOR).isdisjoint(query.get("acr_values", "").split()),
        fresh="login" in prompt,
        max_age=_seconds(query.get("max_age")),
        browser=browser,
    )


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise RequestRefused("invalid_request", "max_age is a number of seconds.")
    return int(text)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def hashed(text: str) -> str:
    """The sha256 of a secret, in which form alone it is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


class Seals:
    """Signs requests into pages and opens what comes back."""

    def __init__(self, keys: KeyPair) -> None:
        self._keys, self._ring = keys, KeyRing({GATEWAY: [keys.public_jwk]})

    def seal(self, asked: Asked, now: datetime) -> str:
        """The request as text that nobody can change."""
        claims = {"iss": GATEWAY, "exp": int(now.timestamp()) + SEAL_SECONDS, "asked": asked.model_dump(mode="json")}
        return sign_jws(self._keys, SEAL_TYPE, claims)

    def open(self, text: str, browser: str, now: datetime) -> Asked | None:
        """The request, for the browser that brought it and within ten minutes; else None."""
        try:
            claims = open_jws(text, SEAL_TYPE, self._ring, {GATEWAY})
            asked = Asked.model_validate(claims.get("asked"))
        except (SignatureRefused, ValidationError):
            return None
        expires = whole_seconds(claims, "exp")
        if expires is None or now.timestamp() >= expires or asked.browser != browser:
            return None
        return asked
