import hashlib
import json
import os
import threading
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from holdback_base.canonical import canonical_bytes, canonical_sha256
from holdback_base.problem import Problem
from holdback_trust.audit import LONGEST_WAITING, AuditLog, rows, verify
from holdback_trust.audit_check import HEAD_TYPE
from holdback_trust.keys import KeyPair, KeyRing, open_jws

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = KeyPair.generate()
RING = KeyRing({"gateway": [KEYS.public_jwk]})


def ticking() -> Callable[[], datetime]:
    ticks = count()  # which any thread may ask, unlike a generator
    return lambda: NOON + timedelta(milliseconds=7 * next(ticks))


def opened(directory: Path, name: str = "house", keys: KeyPair = KEYS) -> AuditLog:
    return AuditLog(directory, keys, ticking(), name)


def write(directory: Path, count: int, name: str = "house", *, head: bool = True) -> Path:
    with opened(directory, name) as log:
        for number in range(count):
            log.append(actor="agent:compliance", on_behalf_of="person:sam", action="rights.check", task=f"t{number}")
        if head:
            log.sign_head("t")
    return directory / f"{name}.jsonl"


def test_every_row_comes_back_as_it_was_written_and_in_order(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.append(
            actor="agent:compliance",
            on_behalf_of="person:sam",
            chain=("agent:compliance", "agent:editing-assistant"),
            action="rights.issue_clearance",
            resource="ver_1",
            decision="allowed",
            policy="scope-held",
            task="task-1",
            args_sha256="sha256:" + "0" * 64,
            result_sha256="sha256:" + "1" * 64,
        )
        log.append(actor="person:ann", action="approvals.decide")
    (_, first), (name, second) = rows(tmp_path)
    assert name == "house"
    assert (first.seq, first.at, first.actor, first.on_behalf_of) == (1, NOON, "agent:compliance", "person:sam")
    assert first.chain == ("agent:compliance", "agent:editing-assistant")
    assert (second.seq, second.prev, second.decision) == (2, first.hash, "allowed")
    report = verify(tmp_path, RING)
    assert report.ok
    assert (report.chains[0].rows, report.chains[0].signed, report.keys) == (2, 0, "given")


def test_rows_of_all_fields_lie_in_their_rfc_8785_form(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        for text in ("plain", "Ärger \u2028 \x7f \U0001f3ac", ""):
            log.append(
                actor="agent:compliance",
                on_behalf_of="person:sam",
                chain=("agent:compliance", text),
                action=text,
                resource=text,
                decision="allowed",
                policy=text,
                task=text,
                root="t1",
                things=(text,),
                configuration=text,
                arguments=b"{}",
                result=text.encode(),
            )
    for line in (tmp_path / "house.jsonl").read_bytes().splitlines():
        row = json.loads(line)
        name = row.pop("hash")
        assert line == canonical_bytes(row)[:-1] + f',"hash":"{name}"}}'.encode()
        assert name == canonical_sha256(row)
        assert "" not in row.values()


def test_a_row_holds_the_hash_of_a_result_that_is_given_as_it_is(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        for result in (b"{}", b""):
            log.append(actor="agent:compliance", action="rights.list_rights", result=result)
    assert [row.result_sha256 for _, row in rows(tmp_path)] == [f"sha256:{hashlib.sha256(b'{}').hexdigest()}", ""]
    assert verify(tmp_path, RING).ok


def test_a_log_that_is_opened_again_goes_on_with_its_chain(tmp_path: Path) -> None:
    for _ in range(3):
        write(tmp_path, 4)
    report = verify(tmp_path, RING)
    assert report.ok
    assert [row.seq for _, row in rows(tmp_path)] == list(range(1, 13))
    assert (report.chains[0].heads, report.chains[0].signed) == (3, 12)


def test_long_arguments_and_results_do_not_wait_for_the_disk_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = threading.Event()
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (full.wait(100), sync(number)))
    sizes = [0, 1, LONGEST_WAITING, LONGEST_WAITING + 1, 1 << 22]
    tracemalloc.start()
    try:
        with opened(tmp_path) as log:
            before = tracemalloc.get_traced_memory()[0]
            for size in sizes:
                log.append(actor="agent:a", action="x", arguments=b"a" * size, result=b"r" * size)
            waiting = tracemalloc.get_traced_memory()[0] - before
            full.set()
    finally:
        tracemalloc.stop()
    assert waiting < 1 << 20
    told = [(row.args_sha256, row.result_sha256) for _, row in rows(tmp_path)]
    named = [tuple(f"sha256:{hashlib.sha256(of * size).hexdigest()}" for of in (b"a", b"r")) for size in sizes[1:]]
    assert told == [("", ""), *named]


def test_rows_from_many_threads_are_all_there_once(tmp_path: Path) -> None:
    with opened(tmp_path) as log:

        def work(worker: int) -> None:
            for number in range(100):
                log.append(actor=f"agent:a{worker}", action="x", task=str(number))
            log.sign_head(f"worker {worker}")

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    report = verify(tmp_path, RING)
    assert report.ok, report.text()
    assert report.chains[0].rows == 800
    assert report.chains[0].heads == 8
    written = [(row.actor, int(row.task)) for _, row in rows(tmp_path)]
    for worker in range(8):
        assert [task for actor, task in written if actor == f"agent:a{worker}"] == list(range(100))


def test_a_signed_head_leaves_the_rows_before_it_on_the_disk_while_the_log_is_open(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.append(actor="agent:a", action="x")
        head = log.sign_head("task-1")
        assert verify(tmp_path, RING).chains[0].signed == 1
        assert json.loads((tmp_path / "house.heads.jsonl").read_bytes())["head"] == head


def test_tasks_that_end_together_have_a_head_each_in_their_order_over_all_rows_before(tmp_path: Path) -> None:
    home, elsewhere, moments = tmp_path / "home", tmp_path / "elsewhere", ticking()
    with AuditLog(home, KEYS, moments, anchors=elsewhere) as log:
        for number in range(3):
            log.append(actor="agent:a", action="x", task=f"t{number}")
        heads = log.sign_heads(["t2", "t0", "t1"])
        kept = [json.loads(line) for line in (home / "house.heads.jsonl").read_bytes().splitlines()]
        assert [(each["seq"], each["task"], each["head"]) for each in kept] == [
            (3, task, head) for task, head in zip(["t2", "t0", "t1"], heads, strict=True)
        ]
        said = [open_jws(head, HEAD_TYPE, RING, None) for head in heads]
        assert [(each["task"], each["seq"], each["chain"]) for each in said] == [
            ("t2", 3, "house"),
            ("t0", 3, "house"),
            ("t1", 3, "house"),
        ]
        assert len((elsewhere / "house.anchors.jsonl").read_bytes().splitlines()) == 3
        assert log.sign_heads([]) == []
        report = verify(home, RING).chains[0]
        assert (report.signed, report.heads, report.findings) == (3, 3, ())


def test_two_processes_of_one_house_have_a_chain_each(tmp_path: Path) -> None:
    write(tmp_path, 3, "gateway")
    write(tmp_path, 2, "mcp-rights")
    report = verify(tmp_path, RING)
    assert report.ok
    assert [(chain.name, chain.rows) for chain in report.chains] == [("gateway", 3), ("mcp-rights", 2)]
    assert [(name, row.seq) for name, row in rows(tmp_path)] == [
        ("gateway", 1),
        ("mcp-rights", 1),
        ("gateway", 2),
        ("mcp-rights", 2),
        ("gateway", 3),
    ]


def test_a_chain_has_one_writer(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(Problem, match="Another process writes") as caught:
        opened(tmp_path)
    assert caught.value.code == "CONFLICT"


def test_after_closing_nothing_is_taken_and_closing_twice_is_harmless(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.close()
    log.close()
    with pytest.raises(Problem, match="cannot be written"):
        log.append(actor="agent:a", action="x")


@pytest.mark.parametrize("name", ["", "../house", "a/b", "house.heads", "A"])
def test_a_chain_has_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a chain"):
        opened(tmp_path, name)


def test_the_end_cut_off_is_found_through_the_head(tmp_path: Path) -> None:
    path = write(tmp_path, 5)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    report = verify(tmp_path, RING)
    assert not report.ok
    assert [(each.seq, each.kind) for each in report.chains[0].findings] == [(4, "truncated")]
    assert "row 4: truncated: 2 row(s) are missing at the end" in report.text()


def test_a_whole_chain_taken_away_is_found_through_its_heads(tmp_path: Path) -> None:
    write(tmp_path, 5).unlink()
    assert [(each.seq, each.kind) for each in verify(tmp_path, RING).chains[0].findings] == [(1, "truncated")]


def test_a_log_and_its_heads_cut_together_are_found_through_a_head_that_another_party_kept(tmp_path: Path) -> None:
    with opened(tmp_path, "mcp-rights") as log:
        for _ in range(3):
            log.append(actor="agent:a", action="x")
        head = log.sign_head("task-1")
    with opened(tmp_path, "gateway") as gateway:
        gateway.anchor(head, head)
    assert verify(tmp_path, RING).ok
    path = tmp_path / "mcp-rights.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:1]))
    (tmp_path / "mcp-rights.heads.jsonl").unlink()
    chain = verify(tmp_path, RING).chains[1]
    assert [(each.seq, each.kind) for each in chain.findings] == [(2, "truncated")]


def test_a_row_rewritten_with_all_hashes_after_it_is_found_through_the_head(tmp_path: Path) -> None:
    write(tmp_path / "true", 4)
    write(tmp_path / "other", 3, head=False)
    with opened(tmp_path / "other") as log:
        log.append(actor="agent:eve", action="y")
    (tmp_path / "other" / "house.jsonl").replace(tmp_path / "true" / "house.jsonl")
    assert [(each.seq, each.kind) for each in verify(tmp_path / "true", RING).chains[0].findings] == [(4, "edited")]


def test_a_head_by_a_key_that_is_not_trusted_covers_nothing(tmp_path: Path) -> None:
    write(tmp_path, 2)
    stranger = KeyRing({"gateway": [KeyPair.generate().public_jwk]})
    chain = verify(tmp_path, stranger).chains[0]
    assert (chain.heads, chain.signed) == (0, 0)
    assert [each.kind for each in chain.findings] == ["head-invalid"]
    assert "not a trusted key" in chain.findings[0].text


def test_without_a_ring_the_keys_beside_the_log_serve_and_the_report_says_so(tmp_path: Path) -> None:
    write(tmp_path, 2)
    with opened(tmp_path, keys=KeyPair.generate()) as log:
        log.append(actor="agent:a", action="after the key was changed")
        log.sign_head("t")
    report = verify(tmp_path)
    assert report.ok
    assert (report.chains[0].signed, report.keys) == (3, "beside the log")


def test_a_chain_passed_off_under_another_name_is_found(tmp_path: Path) -> None:
    write(tmp_path, 3, "gateway", head=False).rename(tmp_path / "mcp-rights.jsonl")
    assert verify(tmp_path, RING).chains[0].findings[0].seq == 1


def test_a_row_torn_by_a_crash_is_told_apart_from_tampering(tmp_path: Path) -> None:
    path = write(tmp_path, 3)
    with path.open("ab") as file:
        file.write(b'{"action":"rights.che')
    chain = verify(tmp_path, RING).chains[0]
    assert (chain.ok, chain.torn, chain.rows) == (True, True, 3)
    assert "a torn row at its end" in verify(tmp_path, RING).text()


def test_a_torn_row_that_a_head_had_covered_is_tampering(tmp_path: Path) -> None:
    path = write(tmp_path, 3)
    path.write_bytes(path.read_bytes()[:-40])
    chain = verify(tmp_path, RING).chains[0]
    assert not chain.torn
    assert [(each.seq, each.kind) for each in chain.findings] == [(3, "truncated")]


def test_after_a_crash_the_log_goes_on_and_says_what_it_took_off(tmp_path: Path) -> None:
    path = write(tmp_path, 3)
    with path.open("ab") as file:
        file.write(b'{"action":"rights.che')
    write(tmp_path, 1)
    report = verify(tmp_path, RING)
    assert report.ok
    assert not report.chains[0].torn
    notice = list(rows(tmp_path))[3][1]
    assert (notice.action, notice.resource, notice.seq) == ("audit.remove-torn-row", "21 bytes", 4)


def test_a_row_that_lost_only_its_newline_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path, 3)
    path.write_bytes(path.read_bytes()[:-1])
    assert verify(tmp_path, RING).ok
    write(tmp_path, 1)
    assert verify(tmp_path, RING).chains[0].rows == 4
    assert verify(tmp_path, RING).ok


def test_a_head_torn_by_a_crash_neither_looks_like_tampering_nor_takes_the_next_one_with_it(tmp_path: Path) -> None:
    write(tmp_path, 2)
    heads, anchors = tmp_path / "house.heads.jsonl", tmp_path / "house.anchors.jsonl"
    with heads.open("ab") as file:
        file.write(heads.read_bytes()[:200])
    with opened(tmp_path) as log:
        log.append(actor="agent:compliance", action="rights.check")
        head = log.sign_head("t")
        anchors.write_bytes(b'{"head":"ey')
        log.anchor(head)
    chain = verify(tmp_path, RING).chains[0]
    assert (chain.findings, chain.heads, chain.signed) == ((), 2, 3)
    assert anchors.read_text() == f'{{"head":"{head}"}}\n'


def test_a_log_whose_last_row_was_tampered_with_is_not_continued(tmp_path: Path) -> None:
    path = write(tmp_path, 3)
    path.write_bytes(path.read_bytes().replace(b'"t2"', b'"t9"'))
    before = path.read_bytes()
    with pytest.raises(Problem, match="is damaged and cannot be continued"):
        opened(tmp_path)
    assert path.read_bytes() == before


def test_a_line_slipped_in_is_found_where_it_stands(tmp_path: Path) -> None:
    path = write(tmp_path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"actor":"agent:eve"}\n', *lines[2:]]))
    assert [(each.seq, each.kind) for each in verify(tmp_path, RING).chains[0].findings] == [(3, "inserted")]
    path.write_bytes(b"".join([*lines[:2], lines[1], *lines[2:]]))
    assert [(each.seq, each.kind) for each in verify(tmp_path, RING).chains[0].findings] == [(3, "inserted")]


def test_an_empty_directory_is_no_verified_log(tmp_path: Path) -> None:
    report = verify(tmp_path, RING)
    assert not report.ok
    assert report.text() == "no audit chain here"


def test_a_full_disk_stops_whoever_would_go_on_unrecorded(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no disk that is always full")
    (tmp_path / "house.jsonl").symlink_to("/dev/full")
    log = opened(tmp_path)
    log.append(actor="agent:a", action="x")
    with pytest.raises(Problem, match="No space left"):
        log.flush()
    with pytest.raises(Problem, match="No space left") as caught:
        log.append(actor="agent:a", action="y")
    assert caught.value.code == "UNAVAILABLE"
    with pytest.raises(Problem, match="No space left"):
        log.close()


def test_text_that_is_no_unicode_or_endless_does_not_stop_the_log(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.append(actor="agent:a", action="x", resource="half \ud800 a pair", chain=("agent:\udfff",))
        log.append(actor="agent:a", action="x", resource="é" * 5000)
    half, long = (row for _, row in rows(tmp_path))
    assert half.resource == "half ? a pair"
    assert long.resource == "é" * 1000
    assert verify(tmp_path, RING).ok


def test_every_head_is_copied_to_a_folder_elsewhere_and_a_log_cut_short_with_all_its_heads_is_found(
    tmp_path: Path,
) -> None:
    moments, home, elsewhere = ticking(), tmp_path / "home", tmp_path / "elsewhere"
    with AuditLog(home, KEYS, moments, "gateway", anchors=elsewhere) as log:
        for number in range(4):
            log.append(actor="agent:compliance", action="rights.check", task=f"t{number}")
        log.sign_head("t3")
    chain = home / "gateway.jsonl"
    chain.write_bytes(b"".join(chain.read_bytes().splitlines(keepends=True)[:2]))
    (home / "gateway.heads.jsonl").unlink()
    assert verify(home, RING).ok
    found = verify(home, RING, elsewhere).chains[0].findings
    assert [(each.seq, each.kind) for each in found] == [(3, "truncated")]


def test_a_log_taken_away_with_all_that_told_of_it_is_found_through_the_folder_elsewhere(tmp_path: Path) -> None:
    moments, home, elsewhere = ticking(), tmp_path / "home", tmp_path / "elsewhere"
    for name in ("gateway", "scheduler"):
        with AuditLog(home, KEYS, moments, name, anchors=elsewhere) as log:
            log.append(actor=f"agent:{name}", action="accept")
            log.sign_head("t")
    for path in home.glob("scheduler*"):
        path.unlink()
    assert verify(home, RING).ok
    report = verify(home, RING, elsewhere)
    assert {chain.name: [each.kind for each in chain.findings] for chain in report.chains} == {
        "gateway": [],
        "scheduler": ["truncated"],
    }


def test_a_copied_head_by_a_stranger_makes_no_log_look_cut(tmp_path: Path) -> None:
    write(tmp_path / "home", 2, "gateway")
    moments = ticking()
    with AuditLog(tmp_path / "x", KeyPair.generate(), moments, "gateway", anchors=tmp_path / "e") as log:
        for _ in range(9):
            log.append(actor="agent:compliance", action="rights.check")
        log.sign_head("t")
    assert verify(tmp_path / "home", RING, tmp_path / "e").ok


def test_a_row_says_root_things_and_configuration_where_there_are_any(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.append(
            actor="agent:compliance", action="propose x", task="t2", root="t1", things=("ast_1",), configuration="r@1"
        )
    ((_, row),) = rows(tmp_path)
    assert (row.task, row.root, row.things, row.configuration) == ("t2", "t1", ("ast_1",), "r@1")
