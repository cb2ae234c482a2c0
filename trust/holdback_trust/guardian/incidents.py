"""Incidents: what the guardian did, and the evidence for it, as signed lines in a file of the home."""

import contextlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from holdback_base.vocabulary import Instant, Noun
from pydantic import Field, ValidationError

from holdback_trust.guardian.limits import Signal, Verdict
from holdback_trust.identity import AGENTS, GATEWAY, SERVERS
from holdback_trust.keys import KeyPair, KeyRing, SignatureRefused, open_jws, sign_jws

if sys.platform != "win32":
    import fcntl

LINE_TYPE = "incident+jwt"
_WRITERS = frozenset({GATEWAY, *SERVERS, *AGENTS})
_LONGEST = 65_536


class SeenCall(Noun):
    """A call before the incident: when, what, and the code of its problem, empty when it went well."""

    at: Instant
    action: str
    code: str = ""


class Incident(Noun):
    """What the guardian found, and what it did. `seen` of the signal had been counted, `limit` was allowed.

    `root` and `task` are where it happened, `calls` the last ones of the agent before it, `texts` the words in metadata
    that read like orders, `made` what the root task had made, which is held back when the agent is suspended.
    """

    id: str
    at: Instant
    agent: str
    person: str
    chain: tuple[str, ...] = ()
    root: str = ""
    task: str = ""
    signal: Signal
    verdict: Verdict
    words: str = Field(max_length=500)
    seen: int
    limit: int
    action: str = ""
    calls: tuple[SeenCall, ...] = ()
    texts: tuple[str, ...] = ()
    made: tuple[str, ...] = ()


class IncidentBook:
    """The incidents of a home, added to by all its processes; without a path, of this process only.

    Args:
        path: the file; made with its folder at the first incident.
        party: who signs what this process adds, with its `keys`.
    """

    def __init__(self, path: Path | None = None, party: str = "", keys: KeyPair | None = None) -> None:
        self._path, self._party, self._keys = path, party, keys
        self._here: list[Incident] = []
        self._lock = threading.Lock()

    def add(self, incident: Incident) -> None:
        """Keep one more, on the disk before this returns."""
        if self._path is None or self._keys is None:
            self._here.append(incident)
            return
        shape = incident.model_dump(mode="json", exclude_defaults=True)
        line = sign_jws(self._keys, LINE_TYPE, {"iss": self._party, "incident": shape}).encode() + b"\n"
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._lock, self._path.open("ab") as file:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def read(self, ring: KeyRing) -> tuple[list[Incident], int]:
        """All, the oldest first, and how many lines are not what a party of this house signed."""
        if self._path is None:
            return list(self._here), 0
        lines: list[bytes] = []
        with contextlib.suppress(FileNotFoundError):
            lines = self._path.read_bytes().splitlines()
        found = [_opened(line, ring) for line in lines]
        return [each for each in found if each is not None], found.count(None)


def _opened(line: bytes, ring: KeyRing) -> Incident | None:
    try:
        claims: dict[str, Any] = open_jws(line.decode("ascii"), LINE_TYPE, ring, _WRITERS, longest=_LONGEST)
        return Incident.model_validate_json(json.dumps(claims["incident"]))
    except (SignatureRefused, ValidationError, ValueError, KeyError, TypeError):
        return None
