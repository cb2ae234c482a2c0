"""Whatever single thing is done to a log, it is found, and at the row where it was done."""

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from holdback_base.canonical import canonical_bytes, canonical_sha256
from holdback_trust.audit import AuditLog, ChainReport, verify
from holdback_trust.audit_check import seal, unseal
from holdback_trust.keys import KeyPair, KeyRing
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = KeyPair.generate()
RING = KeyRing({"house": [KEYS.public_jwk]})
COUNT = 12
ROW_NUMBERS = st.integers(1, COUNT)


def _moments() -> Iterator[datetime]:
    moment = NOON
    while True:
        yield moment
        moment += timedelta(seconds=1)


def _written() -> dict[str, bytes]:
    """The files of a log of twelve rows with heads after the fifth and the last."""
    moments = _moments()
    with tempfile.TemporaryDirectory() as folder:
        with AuditLog(Path(folder), KEYS, lambda: next(moments)) as log:
            for number in range(1, COUNT + 1):
                log.append(actor="agent:compliance", action="rights.check", resource=f"ver_{number}", task="Ü")
                if number in {5, COUNT}:
                    log.sign_head(f"task {number}")
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


FILES = _written()
LINES = FILES["house.jsonl"].splitlines(keepends=True)


def check(lines: list[bytes]) -> ChainReport:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in FILES.items():
            Path(folder, name).write_bytes(content)
        Path(folder, "house.jsonl").write_bytes(b"".join(lines))
        return verify(Path(folder), RING).chains[0]


def test_the_log_is_whole_before_anything_is_done_to_it() -> None:
    assert check(LINES).ok
    assert check(LINES).signed == COUNT


@given(number=ROW_NUMBERS, data=st.data())
def test_any_byte_changed_is_found_at_its_row(number: int, data: st.DataObject) -> None:
    line = LINES[number - 1]
    place = data.draw(st.integers(0, len(line) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value not in {line[place], ord("\n")}))
    changed = line[:place] + bytes([byte]) + line[place + 1 :]
    report = check([*LINES[: number - 1], changed, *LINES[number:]])
    assert [(each.seq, each.kind) for each in report.findings] == [(number, "edited")]


@given(
    number=ROW_NUMBERS,
    name=st.sampled_from(["actor", "action", "resource", "task", "at", "decision", "policy", "result_sha256"]),
    value=st.text(max_size=20),
)
def test_a_row_rewritten_with_its_own_hash_made_right_is_found_at_its_row(number: int, name: str, value: str) -> None:
    row = json.loads(LINES[number - 1])
    if row.pop("hash") and row.get(name) == value:
        return
    forged, _ = seal({**row, name: value})
    report = check([*LINES[: number - 1], forged + b"\n", *LINES[number:]])
    assert (report.findings[0].seq, report.findings[0].kind) == (number, "edited")


@given(number=ROW_NUMBERS)
def test_a_row_taken_out_is_found_at_its_row(number: int) -> None:
    report = check([*LINES[: number - 1], *LINES[number:]])
    kind = "truncated" if number == COUNT else "removed"
    assert [(each.seq, each.kind) for each in report.findings] == [(number, kind)]


@given(pair=st.tuples(ROW_NUMBERS, ROW_NUMBERS).filter(lambda pair: pair[0] < pair[1]))
def test_two_rows_swapped_are_found_at_both_places(pair: tuple[int, int]) -> None:
    first, second = pair
    lines = list(LINES)
    lines[first - 1], lines[second - 1] = lines[second - 1], lines[first - 1]
    report = check(lines)
    assert [(each.seq, each.kind) for each in report.findings] == [(first, "reordered"), (second, "reordered")]


@given(number=ROW_NUMBERS, copied=ROW_NUMBERS, garbage=st.none() | st.binary(max_size=40))
def test_a_line_put_in_is_found_where_it_stands(number: int, copied: int, garbage: bytes | None) -> None:
    if garbage is None and copied >= number:
        return  # a copy that stands before its row looks like a row out of its place; the next property has that
    line = LINES[copied - 1] if garbage is None else garbage.replace(b"\n", b"") + b"\n"
    report = check([*LINES[: number - 1], line, *LINES[number - 1 :]])
    assert [(each.seq, each.kind) for each in report.findings] == [(number, "inserted")]


@given(lines=st.lists(st.sampled_from(LINES), max_size=COUNT + 3))
def test_no_other_sequence_of_the_same_rows_passes(lines: list[bytes]) -> None:
    assert check(lines).ok is (lines == LINES)


@given(length=st.integers(0, sum(map(len, LINES)) - 2))
def test_any_cutting_off_inside_the_signed_part_is_found(length: int) -> None:
    whole = b"".join(LINES)[:length].count(b"\n")
    report = check([b"".join(LINES)[:length]])
    complete = b"".join(LINES)[:length].endswith(b"}")
    assert [(each.seq, each.kind) for each in report.findings] == [(whole + 1 + complete, "truncated")]
    assert not report.torn


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.dictionaries(st.sampled_from(["actor", "chain", "at", "task", "zeta"]), TEXT | st.lists(TEXT, max_size=3)))
def test_a_row_is_sealed_over_its_rfc_8785_form(fields: dict[str, Any]) -> None:
    row = dict(sorted({**fields, "seq": 7, "prev": "sha256:" + "0" * 64}.items()))
    line, name = seal(row)
    assert name == canonical_sha256(row)
    assert line.startswith(canonical_bytes(row)[:-1])
    assert unseal(line) == {**row, "hash": name}
