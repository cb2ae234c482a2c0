import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.ids import id_maker
from holdback_trust.tasks import KEPT_SECONDS, Things, ids_asked, ids_in, ids_of_answer, ids_told, ids_written

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
numbers = itertools.count(1)
new_id = id_maker(lambda: NOW, lambda size: next(numbers).to_bytes(size, "big"))  # tests are named by them
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
    assert asked({"query": words}) == asked({words: ""}) == asked({"query": [words]}) == {ONE}


def asked(arguments: dict[str, Any]) -> frozenset[str]:
    text = json.dumps(arguments)
    return ids_asked(arguments, text, frozenset(ids_written(text)))


@pytest.mark.parametrize(
    "content",
    [
        '{"asset": "\\u0061st' + ONE[3:] + '"}',
        '<#one> ec:hashValue "x" ; ec:is <urn:holdback:\\U00000061st' + ONE[3:] + "> .",
        f"<item id='&#97;st{ONE[3:]}'/>",
        f"<item id='ast&#x5F;{ONE[4:]}'/>",
        f"<item>{ONE[:9]}<![CDATA[{ONE[9:]}]]></item>",
        f"holdback://assets/%61st%5F{ONE[4:]}",
        f"holdback://assets/%2561st%255f{ONE[4:]}",
        json.dumps({"inner": '{"asset": "ast\\u005f' + ONE[4:] + '"}'}),
        "&#" + "9" * 9000 + f"; &#97;st{ONE[3:]}",
    ],
    ids=lambda content: content[:40],
)
def test_an_id_is_found_in_a_file_in_which_it_is_escaped(content: str) -> None:
    for written in (json.dumps({"content": content}), json.dumps({"content": content}, ensure_ascii=False)):
        assert ids_in(written) == {ONE}
    assert asked({"content": content}) == asked({"content": content, "limit": 5}) == {ONE}


@pytest.mark.parametrize("digits", ["1f" * 32, "1F" * 32, "%31f" + "1f" * 31, "\\u0031f" + "1f" * 31])
@pytest.mark.parametrize("around", ["{}", "SHA256:{}", "media://{}", '"{}"', "xyz {}.mp4", "media:\\/\\/{}"])
def test_media_is_found_by_the_digits_of_its_hash(digits: str, around: str) -> None:
    content, media = around.format(digits), "sha256:" + "1f" * 32
    assert media in ids_in(json.dumps({"content": content}))
    assert media in asked({"content": content})
    assert media in asked({"content": content, "limit": 5})


def test_digits_that_are_a_number_name_media_too() -> None:
    assert asked({"media": int("1" * 64)}) == {"sha256:" + "1" * 64}


def test_two_arguments_together_name_nothing() -> None:
    assert asked({"a": ONE[:9], "b": ONE[9:], "c": "1" * 32, "d": "1" * 32}) == frozenset()


@pytest.mark.parametrize("size", [8, 63, 65, 128])
def test_other_digits_are_no_media(size: int) -> None:
    assert ids_in(json.dumps({"a": "0" * size, "b": f"see {'ab' * size}"[: size + 4]})) == frozenset()


@pytest.mark.parametrize(
    "hostile", ["\\" * 200_000, "&#" * 100_000, "%2" * 100_000, "<![CDATA[" * 30_000, "a_" * 100_000]
)
def test_a_file_that_is_all_escapes_is_read_in_one_go(hostile: str) -> None:
    assert ids_in(json.dumps({"content": hostile + ONE})) == asked({"content": hostile + ONE}) == {ONE}


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
