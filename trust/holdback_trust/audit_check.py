"""Reading audit chains again: is every row there, as it was written, in its place, up to the last signed head?"""

import heapq
import json
import re
from collections.abc import Callable, Iterator, Mapping, Set
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from holdback_base.canonical import bytes_sha256, canonical_sha256
from holdback_base.vocabulary import Instant, Noun
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from holdback_trust.keys import KeyRing, SignatureRefused, open_jws, whole_seconds

HEAD_TYPE = "audit-head+jwt"
MOST_FINDINGS = 20
"""Findings told of one chain; the first is where it broke."""

FindingKind = Literal["edited", "removed", "inserted", "reordered", "truncated", "head-invalid"]


class AuditRow(Noun):
    """One row as it was written; empty fields were left out."""

    seq: int
    at: Instant
    actor: str
    action: str
    on_behalf_of: str = ""
    chain: tuple[str, ...] = ()
    resource: str = ""
    decision: str = ""
    policy: str = ""
    task: str = ""
    root: str = ""
    things: tuple[str, ...] = ()
    configuration: str = ""
    args_sha256: str = ""
    result_sha256: str = ""
    prev: str
    hash: str


class Finding(Noun):
    """What was done to a chain, and at which row (`seq`, counted from 1) it shows."""

    seq: int
    kind: FindingKind
    text: str


class ChainReport(Noun):
    """One chain: `rows` that are there, `signed` the last row a valid head covers (0: none), `heads` how many hold.

    `torn` tells of an unfinished last row that no head covers: a crash, not tampering. Rows after `signed` could have
    been cut off without a trace.
    """

    name: str
    rows: int
    heads: int
    signed: int
    torn: bool
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class AuditReport(Noun):
    """All chains of a directory. `keys` says whose word the heads were checked against."""

    chains: tuple[ChainReport, ...]
    keys: Literal["given", "beside the log"]

    @property
    def ok(self) -> bool:
        """Whether there is a chain and nothing was found in any."""
        return bool(self.chains) and all(chain.ok for chain in self.chains)

    def text(self) -> str:
        """For people: one line a chain, one line a finding."""
        lines: list[str] = []
        for chain in self.chains:
            verdict = "ok" if chain.ok else "BROKEN"
            torn = ", a torn row at its end" if chain.torn else ""
            unsigned = chain.rows - chain.signed
            open_end = f"; the last {unsigned} are unsigned and could be cut off unnoticed" if unsigned > 0 else ""
            lines.append(f"{chain.name}: {verdict}, {chain.rows} rows, signed up to row {chain.signed}{open_end}{torn}")
            lines += [f"  row {each.seq}: {each.kind}: {each.text}" for each in chain.findings]
        return "\n".join(lines) or "no audit chain here"


class _Head(NamedTuple):
    seq: int
    hash: str
    task: str


class _Line(NamedTuple):
    """What matters of a row; seq, prev and hash are absent when the line is not a row as it was written."""

    seq: int | None
    prev: str
    hash: str


_Note = Callable[[int, FindingKind, str], None]


_SEAL = re.compile(rb',"hash":"(sha256:[0-9a-f]{64})"\}\Z')


def seal(row: Mapping[str, Any]) -> tuple[bytes, str]:
    """A row's line, and the hash that ends it: sha256 over the RFC 8785 form of the row without its hash.

    For text, whole numbers and ASCII names in ascending order, all a row has, this writes the same bytes as
    `canonical_bytes` at a fraction of the cost, and every call of every tool pays it.
    """
    body = to_json(row)
    name = bytes_sha256(body)
    return b'%s,"hash":"%s"}' % (body[:-1], name.encode()), name


def unseal(line: bytes) -> dict[str, Any] | None:
    """The row of a line, `seq`, `prev` and `hash` among it; None when it is not, byte for byte, what was sealed."""
    end = _SEAL.search(line)
    if end is None:
        return None
    name = bytes_sha256(line[: end.start()] + b"}")
    if line[-73:-2] != name.encode():
        return None
    try:
        row: dict[str, Any] = from_json(line)  # a third of what the standard library takes, and logs grow long
        return row if isinstance(row["seq"], int) and isinstance(row["prev"], str) and row["hash"] == name else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def genesis(name: str) -> str:
    """What the first row of a chain names as the one before it; it binds the rows to the chain's name."""
    return canonical_sha256({"chain": name})


def verify(directory: Path, ring: KeyRing | None = None, anchors: Path | None = None) -> AuditReport:
    """Read all chains and heads in the directory again, against the heads that were copied to a folder elsewhere too.

    A chain that is gone together with its heads is found through what other parties, or that folder, keep of it.
    With a ring, heads count only when signed by a key in it. Without one, the public keys beside the logs are used:
    that finds what was changed by somebody without the key, not a log that was replaced together with its keys.
    """
    names = {path.stem for path in directory.glob("*.jsonl") if "." not in path.stem}
    names |= {path.name.removesuffix(".heads.jsonl") for path in directory.glob("*.heads.jsonl")}
    kept: dict[str, list[_Head]] = {}
    used = ring or _keys_beside(directory)
    for folder in [directory, *([] if anchors is None else [anchors])]:
        for path in sorted(folder.glob("*.anchors.jsonl")):
            for name, head in _heads(path, used, None):
                kept.setdefault(name, []).append(head)
    chains = tuple(_check(directory, name, used, kept.get(name, [])) for name in sorted(names | kept.keys()))
    return AuditReport(chains=chains, keys="beside the log" if ring is None else "given")


def rows(directory: Path) -> Iterator[tuple[str, AuditRow]]:
    """Every readable row of every chain in the directory with its chain's name, in order of time. Verifies nothing."""
    paths = sorted(path for path in directory.glob("*.jsonl") if "." not in path.stem)
    yield from heapq.merge(*(_readable(path) for path in paths), key=_when)


def _when(entry: tuple[str, AuditRow]) -> tuple[datetime, str, int]:
    return entry[1].at, entry[0], entry[1].seq


def _readable(path: Path) -> Iterator[tuple[str, AuditRow]]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield path.stem, AuditRow.model_validate_json(line)
            except ValidationError:
                continue


def _check(directory: Path, name: str, ring: KeyRing, anchors: list[_Head]) -> ChainReport:
    findings: list[Finding] = []

    def note(seq: int, kind: FindingKind, text: str) -> None:
        findings.append(Finding(seq=seq, kind=kind, text=text))

    # heads first: a chain that is being written may grow between the two, but must never look cut off
    heads = [head for chain, head in _heads(directory / f"{name}.heads.jsonl", ring, note) if chain == name]
    path = directory / f"{name}.jsonl"
    raw = path.read_bytes().split(b"\n") if path.exists() else [b""]
    last = raw.pop()  # empty unless the last newline is missing
    signed = max((head.seq for head in [*heads, *anchors]), default=0)
    lines = [_line(each) for each in raw]
    torn = False
    if last:
        unfinished = _line(last)
        torn = unfinished.seq is None and len(lines) >= signed
        if unfinished.seq is not None:
            lines.append(unfinished)
    end = _walk(lines, name, {head.hash for head in [*heads, *anchors]}, note)
    _compare(lines, end, [*heads, *anchors], note)
    findings.sort(key=lambda each: each.seq)
    return ChainReport(
        name=name, rows=len(lines), heads=len(heads), signed=signed, torn=torn, findings=tuple(findings[:MOST_FINDINGS])
    )


def _line(raw: bytes) -> _Line:
    row = unseal(raw)
    return _Line(None, "", "") if row is None else _Line(row["seq"], row["prev"], row["hash"])


def _walk(lines: list[_Line], name: str, vouched: Set[str], note: _Note) -> int:
    """Note what does not follow from the row before it; answers the last row's number.

    Where two rows disagree and each has its own right hash, the first was rewritten if the second still stands: the
    row after it, or a head (`vouched`), names its hash.
    """
    present = {line.seq for line in lines if line.seq is not None}
    seen: set[int] = set()
    expected, before = 1, genesis(name)
    for index, line in enumerate(lines):
        trusted = line.seq == expected
        if line.seq in seen or (line.seq is None and _seq_after(lines, index) == expected):
            note(expected, "inserted", "a line stands before it that was never written there")
            continue
        if line.seq is None:
            note(expected, "edited", "its content is not what its hash says")
        elif trusted and before and line.prev != before:
            follower = lines[index + 1].prev if index + 1 < len(lines) else line.hash
            held = follower == line.hash or line.hash in vouched
            culprit = expected - 1 if held and expected > 1 else expected
            note(culprit, "edited", f"it was rewritten with a new hash: row {expected} and the one before disagree")
        elif not trusted and (expected in present or line.seq < expected):
            note(expected, "reordered", f"row {line.seq} stands in its place")
        elif not trusted:
            note(expected, "removed", f"{line.seq - expected} row(s) are missing before row {line.seq}")
            expected, trusted = line.seq, True
        if line.seq is not None:
            seen.add(line.seq)
        before = line.hash if trusted else ""
        expected += 1
    return expected - 1


def _seq_after(lines: list[_Line], index: int) -> int | None:
    return lines[index + 1].seq if index + 1 < len(lines) else None


def _compare(lines: list[_Line], end: int, heads: list[_Head], note: _Note) -> None:
    by_seq = {line.seq: line.hash for line in lines if line.seq is not None}
    furthest = max(heads, key=lambda head: head.seq, default=None)
    if furthest is not None and furthest.seq > end:
        missing = furthest.seq - end
        note(end + 1, "truncated", f"{missing} row(s) are missing at the end; a head signed row {furthest.seq}")
    good = 0
    for head in sorted(heads, key=lambda head: head.seq):
        if head.seq == 0 or by_seq.get(head.seq, head.hash) == head.hash:
            good = head.seq
        else:
            note(head.seq, "edited", f"the chain was rewritten after row {good}: its signed head has another hash")
            return


def _heads(path: Path, ring: KeyRing, note: _Note | None) -> Iterator[tuple[str, _Head]]:
    raw = path.read_bytes().split(b"\n") if path.exists() else [b""]
    raw.pop()  # a torn last line tells nothing
    for number, each in enumerate(raw, start=1):
        try:
            claims = open_jws(json.loads(each)["head"], HEAD_TYPE, ring, None)
            seq = whole_seconds(claims, "seq")
            if seq is None or seq < 0:
                raise SignatureRefused("it names no row")
            yield str(claims["chain"]), _Head(seq, str(claims["hash"]), str(claims["task"]))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            if note is None:
                continue
            reason = error if isinstance(error, SignatureRefused) else "it cannot be read"
            note(0, "head-invalid", f"line {number} of {path.name}: {reason}")


def _keys_beside(directory: Path) -> KeyRing:
    ring = KeyRing()
    for path in directory.glob("*.key.json"):
        try:
            for jwk in json.loads(path.read_bytes())["keys"]:
                ring.trust(path.name.removesuffix(".key.json"), jwk)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # heads of that chain then count as invalid
    return ring
