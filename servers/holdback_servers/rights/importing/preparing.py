"""A file made ready for recording: read, checked, and turned into rows. Pure; `read_file` runs in the media worker.

What it makes is a file of JSON lines: first a head with all that is not a right, then a line a right. The server
streams it and builds no model of a right.
"""

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from pydantic import ValidationError

from holdback_servers.rights.interchange.batch import Batch, Format, ImportedContract, Remark
from holdback_servers.rights.interchange.reading import read_batch
from holdback_servers.rights.model import Contract, check_places, contract_on_record, right_on_record
from holdback_servers.rights.moments import Event
from holdback_servers.rights.rows import RightRow, row_of

_EVERY: Final = 2_000
"""Rights between two words of progress."""


class Head(Noun):
    """All that a file says beside its rights. `by_id` are the keys of rights that are ids of records, `counted`
    those that only count (`Batch.counted`)."""

    file: str
    format: Format
    contracts: tuple[ImportedContract, ...]
    events: tuple[Event, ...]
    replaces: tuple[str, ...]
    withdraws: tuple[tuple[str, str], ...]
    mistakes: tuple[Remark, ...]
    losses: tuple[Remark, ...]
    rights: int
    by_id: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()


class PreparedRight(NamedTuple):
    """A right ready to be recorded: its contract's key, its place in the file, what it expects, its row."""

    contract: str
    place: str
    expects: str
    row: RightRow


@dataclass(frozen=True)
class Prepared:
    """A file ready for recording; `rights` may be read several times."""

    head: Head
    rights: Callable[[], Iterator[PreparedRight]]


def read_file(arguments: dict[str, Any], report: Callable[[int, int, str], None]) -> dict[str, Any]:
    """Read an untrusted file and write it as JSON lines. Runs in the media worker.

    Args:
        arguments: `path` and `out` as absolute text, `name` for messages, `format` or None, `time_zone`.
        report: told how many rights are done, of how many.

    Returns:
        How many rights were written.

    Raises:
        Problem: for a file that cannot be read at all; mistakes inside it are in the head.
    """
    gc.disable()  # millions of cells and terms live until the end, and looking through them again takes a third
    try:
        return _read_file(arguments, report)
    finally:
        gc.enable()


def _read_file(arguments: dict[str, Any], report: Callable[[int, int, str], None]) -> dict[str, Any]:
    report(0, 0, "reading the file")
    data = Path(arguments["path"]).read_bytes()
    batch = read_batch(data, arguments["name"], arguments["format"], arguments["time_zone"])
    del data
    prepared = prepare(batch, arguments["name"], report)
    with Path(arguments["out"]).open("w", encoding="utf-8") as out:
        out.write(prepared.head.model_dump_json() + "\n")
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        out.writelines(encode(each) + "\n" for each in prepared.rights())
    return {"rights": prepared.head.rights}


def open_prepared(path: Path) -> Prepared:
    """What `read_file` wrote."""
    with path.open(encoding="utf-8") as file:
        head = Head.model_validate_json(file.readline())

    def rights() -> Iterator[PreparedRight]:
        with path.open(encoding="utf-8") as lines:
            lines.readline()
            for line in lines:
                contract, place, expects, row = json.loads(line)
                yield PreparedRight(contract, place, expects, RightRow._make(row))

    return Prepared(head, rights)


def prepare(batch: Batch, name: str, report: Callable[[int, int, str], None] | None = None) -> Prepared:
    """A batch ready for recording: its mistakes and those that show only when a right is worked out, each at its place.

    Args:
        name: what people call the file.
        report: told how many rights are done, of how many.
    """
    mistakes = list(batch.mistakes)
    parties = _parties(batch.contracts, mistakes)
    found = list(_rows(batch, parties, mistakes, report))
    head = Head(
        file=name,
        format=batch.format,
        contracts=batch.contracts,
        events=batch.events,
        replaces=batch.replaces,
        withdraws=batch.withdraws,
        mistakes=tuple(mistakes),
        losses=batch.losses,
        rights=len(found),
        counted=batch.counted,
        by_id=tuple(each.key for each in batch.rights if each.key.startswith("rgt_")),
    )
    return Prepared(head, lambda: iter(found))


def _parties(contracts: Sequence[ImportedContract], mistakes: list[Remark]) -> dict[str, Contract]:
    parties: dict[str, Contract] = {}
    for each in contracts:
        try:
            party = contract_on_record("", each.terms, each.key)
        except Problem as problem:
            mistakes.append(_remark(each.place, problem))
            continue
        known = parties.setdefault(each.key, party)
        if known != party:
            mistakes.append(Remark(place=each.place, message=f"The contract {each.key} comes twice, with other terms.",
                                   hint="Say the same wherever it is named."))  # fmt: skip
    return parties


def _rows(
    batch: Batch,
    parties: dict[str, Contract],
    mistakes: list[Remark],
    report: Callable[[int, int, str], None] | None,
) -> Iterator[PreparedRight]:
    events = _by_ref(batch.events)
    seen: dict[str, str] = {}
    for count, each in enumerate(batch.rights):
        if report is not None and count % _EVERY == 0:
            report(count, len(batch.rights), "checking rights")
        party = parties.get(each.contract)
        if each.key in seen:
            mistakes.append(Remark(place=each.place, message=f"It has the key {each.key} of {seen[each.key]}.",
                                   hint="Give each right of the file a name of its own."))  # fmt: skip
            continue
        seen[each.key] = each.place
        if party is None:
            if not batch.mistakes:
                mistakes.append(Remark(place=each.place, message=f"There is no contract {each.contract} in the file.",
                                       hint="Give the contract in the same file."))  # fmt: skip
            continue
        try:
            right = right_on_record("", each.terms, party, each.key, events.get(each.terms.ref))
            check_places(right)
        except Problem as problem:
            mistakes.append(_remark(each.place, problem))
        except (ValidationError, ValueError, OverflowError) as error:
            first = str(error).strip().splitlines()[0][:200]
            mistakes.append(Remark(place=each.place, message=f"The right cannot be kept: {first}.", hint="Correct it."))
        else:
            yield PreparedRight(each.contract, each.place, each.expects, row_of(right))


def _by_ref(events: Iterable[Event]) -> dict[str, dict[str, Event]]:
    found: dict[str, dict[str, Event]] = {}
    for each in events:
        found.setdefault(each.ref, {})[each.event] = each
    return found


def _remark(place: str, problem: Problem) -> Remark:
    return Remark(place=place, message=problem.message, hint=problem.hint)
