"""How a person of the house proves who they are at a browser: a code of one use, and a second factor.

Both are made by `holdback person`, by somebody who may read the home, and lie in it, readable by its owner only; a code
is kept as a hash. The second factor is a time-based one-time password (RFC 6238): six digits, half a minute, SHA-1, as
every authenticator has it.
"""

import base64
import hashlib
import hmac
import json
import os
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from holdback_base.ids import Clock
from holdback_base.problem import Problem

from holdback_agents.gateway.memory import remember

CODE_LIFE = timedelta(minutes=5)
MOST_TRIES = 5
"""Wrong tries after which a code is worthless, or a second factor waits."""
MOST_WRONG = 60
"""Wrong tries of everybody together in a minute; then all wait."""
STEP_SECONDS = 30
_MOST_REMEMBERED = 4096
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011", "- ")


class Credentials:
    """Codes and second factors of one home. Wrong tries are remembered by this object: give a gateway one."""

    def __init__(self, folder: Path, clock: Clock, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._folder, self._clock, self._entropy = folder, clock, entropy
        self._lock = threading.Lock()
        self._tries: dict[str, int] = {}
        self._wrong: deque[datetime] = deque()

    def new_code(self, person: str) -> tuple[str, datetime]:
        """A code for the person, such as `7K3M-Q9TX`, and when it ends; an earlier one is worthless from now on."""
        letters = "".join(_ALPHABET[each & 31] for each in self._entropy(8))
        salt = self._entropy(16).hex()
        expires = self._clock() + CODE_LIFE
        fact = {"salt": salt, "sha256": _hash(salt, letters), "expires": int(expires.timestamp())}
        self._write(self._file(person, "code"), fact)
        return f"{letters[:4]}-{letters[4:]}", expires

    def use_code(self, person: str, typed: str) -> bool:
        """Whether the person typed the code; a right one is used up. Raises Problem TOO_MANY_REQUESTS."""
        with self._lock:
            self._not_flooded()
            path = self._file(person, "code")
            kept = self._read(path)
            salt = str(kept.get("salt", ""))
            given = _hash(salt, typed.upper().translate(_READ_AS)[:64])
            alive = int(kept.get("expires", 0)) > self._clock().timestamp()
            right = hmac.compare_digest(given, str(kept.get("sha256", ""))) and alive
            if right or (kept and self._missed(f"{person} {salt}")):
                path.unlink(missing_ok=True)
            if not right:
                self._wrong.append(self._clock())
            return right

    def has_factor(self, person: str) -> bool:
        """Whether the person has a second factor."""
        return self._file(person, "factor").exists()

    def set_factor(self, person: str, secret: str) -> None:
        """From now on the person proves this second factor (base 32) as well."""
        self._write(self._file(person, "factor"), {"secret": secret, "last": 0})

    def remove_factor(self, person: str) -> bool:
        """The person has none any more; whether there was one."""
        path = self._file(person, "factor")
        existed = path.exists()
        path.unlink(missing_ok=True)
        return existed

    def use_factor(self, person: str, digits: str) -> bool:
        """Whether these are the digits of now, or of half a minute before or after; each counts once (RFC 6238, 5.2).

        Raises Problem TOO_MANY_REQUESTS after too many wrong ones, until five minutes have passed.
        """
        with self._lock:
            self._not_flooded()
            window = int(self._clock().timestamp()) // int(CODE_LIFE.total_seconds())
            key = f"{person} factor {window}"
            if self._tries.get(key, 0) >= MOST_TRIES:
                raise _too_many()
            path = self._file(person, "factor")
            kept = self._read(path)
            counter = _counter(str(kept.get("secret", "")), digits, self._clock()) if kept else None
            if counter is None or counter <= int(kept.get("last", 0)):
                self._missed(key)
                self._wrong.append(self._clock())
                return False
            self._write(path, kept | {"last": counter})
            return True

    def sign_out(self, person: str) -> None:
        """Whatever a browser or program was allowed before now has to be allowed again."""
        self._write(self._file(person, "out"), {"before": self._clock().timestamp()})

    def signed_out(self, person: str, since: datetime) -> bool:
        """Whether who signed in at that instant was signed out after it."""
        path = self._file(person, "out")
        return path.exists() and since.timestamp() <= float(self._read(path).get("before", since.timestamp()))

    def _missed(self, key: str) -> bool:
        tries = self._tries.get(key, 0) + 1
        remember(self._tries, key, tries, _MOST_REMEMBERED)
        return tries >= MOST_TRIES

    def _not_flooded(self) -> None:
        oldest = self._clock() - timedelta(minutes=1)
        while self._wrong and self._wrong[0] <= oldest:
            self._wrong.popleft()
        if len(self._wrong) >= MOST_WRONG:
            raise _too_many()

    def _file(self, person: str, kind: str) -> Path:
        return self._folder / f"{person.replace(':', '-')}.{kind}"

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            value = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return {}
        return cast(dict[str, Any], value) if isinstance(value, dict) else {}

    def _write(self, path: Path, value: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{self._entropy(8).hex()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file)
        draft.replace(path)


def new_secret(entropy: Callable[[int], bytes] = os.urandom) -> str:
    """A secret of 160 bits in base 32, as authenticators take it (RFC 4226, 4)."""
    return base64.b32encode(entropy(20)).decode()


def factor_address(secret: str, person: str, house: str) -> str:
    """The otpauth URI that an authenticator reads, usually as a picture."""
    from pyotp.totp import TOTP

    return TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=person, issuer_name=house)


def shows(secret: str, digits: str, now: datetime) -> bool:
    """Whether an authenticator with this secret shows these digits now."""
    return _counter(secret, digits, now) is not None


def _counter(secret: str, digits: str, now: datetime) -> int | None:
    from pyotp.totp import TOTP

    digits = digits.replace(" ", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    current = int(now.timestamp()) // STEP_SECONDS
    try:
        maker = TOTP(secret)
    except ValueError:  # a secret that was spoilt lets nobody in
        return None
    return next(
        (each for each in (current, current - 1, current + 1) if hmac.compare_digest(maker.generate_otp(each), digits)),
        None,
    )


def _hash(salt: str, letters: str) -> str:
    # no slow hash: who can read the file can read the keys beside it, and the code is worthless in five minutes
    return hashlib.sha256(f"{salt}:{letters}".encode()).hexdigest()


def _too_many() -> Problem:
    return Problem("TOO_MANY_REQUESTS", "There were too many wrong tries.", "Wait some minutes, then try again.")
