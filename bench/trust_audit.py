"""What the record costs: checking a hundred thousand rows, writing one, and telling orders in other people's words."""

import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from holdback_trust.audit import AuditLog, verify
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.untrusted import suspicions

from bench.figures import Figure

ROWS = 100_000
ROUNDS = 5
_TEXT = "A butterfly lands on a green flower near the river; the rabbit looks at it and smiles. "


def figures() -> list[Figure]:
    """Times of this process's own processor, the best and worst of the rounds beside the median."""
    return [*_record(), _words()]


def _record() -> list[Figure]:
    keys = KeyPair.generate()
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        _write(Path(folder), keys)
        append = (time.process_time() - began) / ROWS * 1e6
        took = [_verified(Path(folder), KeyRing({"gateway": [keys.public_jwk]})) for _ in range(ROUNDS)]
    return [
        Figure("trust", f"check {ROWS:,} rows", statistics.median(took), "s", (min(took), max(took)), 2.0),
        Figure("trust", "write one row, hashed and on the disk behind it", append, "us"),
    ]


def _write(folder: Path, keys: KeyPair) -> None:
    with AuditLog(folder, keys, lambda: datetime.now(UTC), "gateway") as log:
        for number in range(ROWS):
            log.append(
                actor="agent:compliance",
                on_behalf_of="person:sam",
                chain=("agent:compliance", "agent:editing-assistant"),
                action="rights.check_clearance",
                resource="mcp:rights",
                policy="task",
                task=f"3950efb0-00bd-4868-bee8-{number // 100:012d}",
                root=f"2dab1242-9005-449e-8b01-{number // 1000:012d}",
                things=("sha256:" + "2" * 64,),
                args_sha256="sha256:" + "0" * 64,
                result_sha256="sha256:" + "1" * 64,
            )
        log.sign_head("last")


def _verified(folder: Path, ring: KeyRing) -> float:
    began = time.process_time()
    report = verify(folder, ring)
    took = time.process_time() - began
    if not report.ok or report.chains[0].rows != ROWS:
        raise AssertionError(report.text())
    return took


def _words() -> Figure:
    texts = [f"{number} {_TEXT * 6}" for number in range(1000)]  # each a new one: answers for short texts are kept
    took: list[float] = []
    for _ in range(ROUNDS):
        texts = [f"{text}." for text in texts]
        began = time.process_time()
        for text in texts:
            suspicions(text)
        took.append((time.process_time() - began) / len(texts) * 1e6)
    return Figure(
        "words", "orders looked for in 500 new characters", statistics.median(took), "us", (min(took), max(took))
    )
