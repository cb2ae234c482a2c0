"""Finds the program of a client id: in the table of known ones, or by the document at the address that is its id.

Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document). Documents are fetched through the house's
egress, so only from hosts that it may reach; at most so many a minute, whoever asks.
"""

import json
from collections import deque
from datetime import datetime, timedelta

from holdback_base.ids import Clock
from holdback_base.problem import Problem
from holdback_trust.egress import Egress

from holdback_agents.gateway.authority.clients import KNOWN, Client, ClientRefused, client_of, is_document_address
from holdback_agents.gateway.memory import remember

LONGEST_DOCUMENT = 5 * 1024
"""Bytes of a document (section 6.6 of the draft)."""
DOCUMENT_LIFE = timedelta(minutes=15)
_SECONDS = 5.0
_MOST_FETCHES = 30
"""Documents asked for in a minute."""
_KEPT = 256


class Clients:
    """Programs by id."""

    def __init__(self, egress: Egress | None, clock: Clock) -> None:
        self._egress, self._clock = egress, clock
        self._kept: dict[str, tuple[datetime, Client]] = {}
        self._fetches: deque[datetime] = deque()

    async def find(self, identity: str) -> Client:
        """The program. Raises Problem NOT_FOUND, HOST_NOT_ALLOWED, UNAVAILABLE or TOO_MANY_REQUESTS."""
        if identity in KNOWN:
            return KNOWN[identity]
        if not is_document_address(identity):
            known = ", ".join(sorted(KNOWN))
            raise Problem(
                "NOT_FOUND",
                "No program of that client_id is known here.",
                f"Use one of {known}, or the https address of the program's own document.",
            )
        kept = self._kept.get(identity)
        if kept is not None and self._clock() < kept[0]:
            return kept[1]
        client = await self._fetched(identity)
        remember(self._kept, identity, (self._clock() + DOCUMENT_LIFE, client), _KEPT)
        return client

    async def _fetched(self, identity: str) -> Client:
        if self._egress is None:
            raise Problem("NOT_FOUND", "This house fetches no documents of programs.", "Use a client_id that it knows.")
        now = self._clock()
        while self._fetches and self._fetches[0] <= now - timedelta(minutes=1):
            self._fetches.popleft()
        if len(self._fetches) >= _MOST_FETCHES:
            raise Problem("TOO_MANY_REQUESTS", "Too many programs asked at once.", "Try again in a minute.")
        if (refusal := self._egress.refusal(identity)) is not None:
            raise refusal
        self._fetches.append(now)
        answer = await self._egress.fetch(identity, longest=LONGEST_DOCUMENT, seconds=_SECONDS)
        if answer.status != 200 or answer.kind not in ("application/json", "application/cimd+json"):
            raise _unfit("its document cannot be had")
        try:
            return client_of(identity, json.loads(answer.body))
        except (ClientRefused, ValueError, RecursionError) as refusal:
            reason = str(refusal) if isinstance(refusal, ClientRefused) else "its document is not JSON"
            raise _unfit(reason) from None


def _unfit(reason: str) -> Problem:
    return Problem("NOT_FOUND", f"The program cannot be let in: {reason}.", "Tell whoever makes the program.")
