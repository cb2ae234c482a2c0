import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from holdback_base.ids import id_maker
from holdback_trust.tasks import KEPT_SECONDS, Things, ids_in, ids_of_answer, ids_told

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
new_id = id_maker(lambda: NOW)
ONE, OTHER, SHA = new_id("ast"), new_id("clr"), "sha256:" + "a" * 64


def test_what_one_process_was_shown_another_of_the_home_knows(tmp_path: Path) -> None:
    gateway, room = Things(tmp_path, lambda: NOW), Things(tmp_path, lambda: NOW)
    assert room.strange("t-1", [ONE]) == {ONE}
    gateway.show("t-1", [ONE, SHA])
    assert room.strange("t-1", [ONE, SHA, OTHER]) == {OTHER}
    room.show("t-1", [OTHER])
    assert not gateway.strange("t-1", [ONE, SHA, OTHER])
    assert Things(tmp_path, lambda: NOW).strange("t-2", [ONE]) == {ONE}


def test_a_line_that_is_still_being_written_counts_only_once_it_is_whole(tmp_path: Path) -> None:
    writer, reader = Things(tmp_path, lambda: NOW), Things(tmp_path, lambda: NOW)
    writer.show("t-1", [ONE])
    (path,) = tmp_path.iterdir()
    with path.open("a", encoding="ascii") as file:
        file.write(OTHER[:10])
    assert reader.strange("t-1", [ONE, OTHER]) == {OTHER}
    with path.open("a", encoding="ascii") as file:
        file.write(OTHER[10:] + "\n")
    assert not reader.strange("t-1", [ONE, OTHER])


def test_the_name_of_a_task_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    Things(tmp_path / "tasks", lambda: NOW).show("../../etc/x", [ONE])
    assert [path.parent for path in tmp_path.rglob("*.ids")] == [tmp_path / "tasks"]
    assert (tmp_path / "tasks").stat().st_mode & 0o077 == 0


def test_what_no_task_can_still_need_is_forgotten(tmp_path: Path) -> None:
    Things(tmp_path, lambda: NOW).show("t-1", [ONE])
    (old,) = tmp_path.iterdir()
    later = datetime.fromtimestamp(old.stat().st_mtime + KEPT_SECONDS + 1, UTC)
    Things(tmp_path, lambda: later).show("t-2", [ONE])
    assert not old.exists()


@pytest.mark.parametrize("around", ["see {}", "é{}", "\n{}", "x{}y", '{{"a": "{}"}}', "holdback://assets/{}#t=1"])
def test_an_id_is_found_in_what_is_asked_however_it_is_hidden(around: str) -> None:
    words = around.format(ONE)
    assert ids_in(json.dumps({"query": [words]})) == {ONE}


def test_an_answer_shows_what_it_gives_as_ids_and_not_what_others_wrote_in_it() -> None:
    answer = {
        "asset_id": ONE,
        "media": [SHA, SHA],
        "title": OTHER,
        "tags": [OTHER],
        "description": f'"clearance":"{OTHER}"',
        "fields": {"note": f'x","asset_id":"{OTHER}'},
    }
    assert set(ids_of_answer(json.dumps(answer, separators=(",", ":")).encode())) == {ONE, SHA}


def test_a_request_shows_what_its_statements_name() -> None:
    from base64 import urlsafe_b64encode

    payload = urlsafe_b64encode(json.dumps({"jti": OTHER}).encode()).rstrip(b"=").decode()
    statement = f"eyJhbGciOiJFUzI1NiJ9.{payload}.{'c2ln' * 10}"
    assert ids_told(f"commit {ONE} under {statement}") == (ONE, OTHER)
    assert ids_in(statement) == frozenset()
