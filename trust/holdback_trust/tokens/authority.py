"""Tokens as the gateway makes them: issued to people, exchanged for narrower ones that agents act with."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from holdback_base.ids import Clock
from holdback_base.problem import Problem

from holdback_trust.identity import HOUSE_LEVEL, LEVELS, LONGEST_CHAIN, Caller, TaskClaim
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.tokens.reading import LONGEST_LIFE, expired, read_token, refused, sign_token


@dataclass(frozen=True)
class Granted:
    """A token that was made, and what it says."""

    text: str
    caller: Caller


class RevokedTokens:
    """Token ids that no longer count, kept as long as a token could still live."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, datetime] = {}

    def add(self, jti: str) -> None:
        """Refuse this id from now on."""
        now = self._clock()
        self._until = {each: until for each, until in self._until.items() if until > now}
        self._until[jti] = now + timedelta(seconds=LONGEST_LIFE)

    def __contains__(self, jti: str) -> bool:
        return jti in self._until


class TokenAuthority:
    """Issues tokens to people and exchanges them for narrower ones that agents act with."""

    def __init__(self, issuer: str, keys: KeyPair, clock: Clock, new_jti: Callable[[], str]) -> None:
        self._issuer, self._keys, self._clock, self._new_jti = issuer, keys, clock, new_jti
        self._ring = KeyRing({issuer: [keys.public_jwk]})
        self._revoked = RevokedTokens(clock)

    def issue(
        self,
        *,
        person: str,
        roles: Iterable[str],
        audience: str,
        scopes: Iterable[str],
        seconds: int = LONGEST_LIFE,
        actor: str | None = None,
        stories: Iterable[str] = (),
        factors: Iterable[str] = (),
        level: int | None = None,
        task: TaskClaim | None = None,
        chain: Sequence[str] = (),
    ) -> str:
        """A token for a person, or for an agent that acts for that person, to be used at one audience.

        What the person may hold is policy's to say (`grants.person_scopes`), before this is called. `actor` is an agent
        that acts for the person itself; `chain` are several, the current one first. Raises Problem INVALID_ARGUMENT for
        a life outside 1 to 300 seconds.
        """
        if not 1 <= seconds <= LONGEST_LIFE:
            raise Problem(
                "INVALID_ARGUMENT",
                f"A token cannot live {seconds} s.",
                f"Ask for 1 to {LONGEST_LIFE} seconds; exchange or renew it when work takes longer.",
            )
        expires = int(self._clock().timestamp()) + seconds
        acting = tuple(chain) if actor is None else (actor,)
        caller = Caller(
            person=person,
            agent=acting[0] if acting else None,
            chain=acting,
            scopes=frozenset(scopes),
            roles=frozenset(roles),
            audience=audience,
            token_id=self._new_jti(),
            stories=frozenset(stories),
            factors=frozenset(factors),
            level=level if level is not None else HOUSE_LEVEL if acting else LEVELS[-1],
            task=task,
            expires=datetime.fromtimestamp(expires, UTC),
        )
        return self._signed(caller).text

    def read(self, text: str, *, even_expired: bool = False) -> Caller:
        """Who a token of this issuer names, whatever its audience. Raises Problem UNAUTHENTICATED."""
        caller = read_token(text, self._ring, self._issuer, None, self._clock(), even_expired=even_expired)
        if caller.token_id in self._revoked:
            raise refused("it was revoked")
        return caller

    def exchange(self, subject: str, actor: str, **given: Any) -> str:
        """The text of `grant` for a subject token as it came."""
        return self.grant(self.read(subject), actor, **given).text

    def grant(
        self,
        subject: Caller,
        actor: str,
        *,
        audience: str,
        scopes: Collection[str] | None = None,
        allowed: Collection[str],
        stories: Collection[str] | None = None,
        level: int = HOUSE_LEVEL,
        task: TaskClaim | None = None,
        renewed: bool = False,
    ) -> Granted:
        """A token with which `actor` goes on to `audience` on behalf of the person of the `subject` token (`read`).

        Never wider: the scopes are those of the subject that the actor is `allowed` at that audience; with `scopes`
        given, exactly those. Never longer: it ends with the subject at the latest, and with the task's window. The
        actor becomes the outermost `act`, with its own `level` or that of who went before, whichever is lower;
        `stories` are those that it may know of those at hand. Only the party a token was meant for may exchange it.

        `renewed` says that the subject began a task of the actor which still lives: then its own end does not count.

        Raises:
            Problem: UNAUTHENTICATED for a subject that has expired; PERMISSION_DENIED when it was meant for somebody
                else, for a scope that is not allowed (`details.scopes` names them), for no scope left, and for a chain
                of more than 4 actors.
        """
        now = self._clock()
        if not renewed and now >= subject.expires:
            raise expired()
        if subject.audience != actor:
            raise _denied(
                f"{actor} may not exchange a token that was meant for {subject.audience}.",
                "Exchange the token that came with the request to this agent.",
            )
        if len(subject.chain) >= LONGEST_CHAIN:
            raise _denied(
                f"The chain {subject.text()} is full: {LONGEST_CHAIN} agents may stand between a person and an effect.",
                "Delegate less deeply.",
            )
        changes = {
            "agent": actor,
            "chain": (actor, *subject.chain),
            "audience": audience,
            "scopes": _narrowed(subject.scopes & frozenset(allowed), scopes, actor, audience),
            "expires": _end(subject, now, task, renewed),
            "token_id": self._new_jti(),
            "stories": subject.stories if stories is None else subject.stories & frozenset(stories),
            "level": min(level, subject.level),
            "task": task,
        }
        return self._signed(subject.model_copy(update=changes))

    def again(self, session: Caller, until: datetime) -> Granted:
        """The token of a session anew, with an id of its own, until five minutes from now or `until`."""
        end = min(int(self._clock().timestamp()) + LONGEST_LIFE, int(until.timestamp()))
        changes = {"expires": datetime.fromtimestamp(end, UTC), "token_id": self._new_jti()}
        return self._signed(session.model_copy(update=changes))

    def revoke(self, jti: str) -> None:
        """Exchange the token of this id no more. Doors ask the standing of the house."""
        self._revoked.add(jti)

    def _signed(self, caller: Caller) -> Granted:
        text, said = sign_token(self._keys, caller, self._issuer, self._clock())
        return Granted(text, said)


def _end(subject: Caller, now: datetime, task: TaskClaim | None, renewed: bool) -> datetime:
    ends = [now + timedelta(seconds=LONGEST_LIFE)]
    if not renewed:
        ends.append(subject.expires)
    if task is not None:
        ends.append(task.expires)
    return min(ends).replace(microsecond=0)


def _narrowed(possible: frozenset[str], asked: Collection[str] | None, actor: str, audience: str) -> frozenset[str]:
    wanted = possible if asked is None else frozenset(asked)
    outside = sorted(wanted - possible)
    if outside:
        raise _denied(
            f"{actor} may not have {', '.join(outside)} at {audience} for this person.",
            "Ask only for scopes that the token at hand holds and that this agent may use there.",
            scopes=outside,
        )
    if not wanted:
        raise _denied(
            f"{actor} has nothing to do at {audience}: no scope of the token at hand is allowed there.",
            "Ask the person to delegate the scope the work needs.",
        )
    return wanted


def _denied(message: str, hint: str, **details: Any) -> Problem:
    return Problem("PERMISSION_DENIED", message, hint, **details)
