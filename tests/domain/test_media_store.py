"""The media store: names are hashes, files are whole, nothing is believed about names."""

import hashlib
import io
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from holdback_base.problem import Problem
from holdback_servers.media_store import MediaStore, copy_hashed
from hypothesis import given
from hypothesis import strategies as st

FILM = b"a film" * 1000
NAME = "sha256:" + hashlib.sha256(FILM).hexdigest()


def _files(store: MediaStore) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("wrap", [bytes, io.BytesIO, lambda content: _written(content)])
def test_the_same_bytes_get_the_same_name_from_memory_a_stream_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap: Callable[[bytes], bytes | io.BytesIO | Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    store = MediaStore(tmp_path / "media")
    assert store.put(wrap(FILM)) == NAME
    assert store.path(NAME).read_bytes() == FILM
    assert store.path(NAME) == store.root / NAME[7:9] / NAME[7:]


def _written(content: bytes) -> Path:
    path = Path("source.mp4").absolute()
    path.write_bytes(content)
    return path


def test_storing_twice_keeps_one_read_only_file_and_no_leftovers(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    assert store.put(FILM) == store.put(FILM)
    assert _files(store) == [store.path(NAME)]
    assert stat.S_IMODE(store.path(NAME).stat().st_mode) == 0o444
    assert store.size(NAME) == len(FILM)


def test_two_stores_over_one_folder_see_each_others_files(tmp_path: Path) -> None:
    one, other = MediaStore(tmp_path), MediaStore(tmp_path)
    assert other.has(one.put(FILM))


def test_bytes_that_are_not_here_are_offline(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    assert not store.has(NAME)
    with pytest.raises(Problem) as caught:
        store.path(NAME)
    assert caught.value.code == "MEDIA_OFFLINE"
    assert caught.value.details["media"] == NAME


@given(st.one_of(st.text(max_size=90), st.just("sha256:" + "../" * 21 + "x"), st.just(NAME.upper())))
def test_no_other_shape_of_name_reaches_the_disk(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    store = MediaStore(tmp_path_factory.getbasetemp() / "names")
    assert not store.has(name)
    with pytest.raises(Problem) as caught:
        store.path(name)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_a_finished_file_moves_into_the_store_and_out_of_the_workspace(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    with store.workspace() as work:
        render = work / "render.mp4"
        render.write_bytes(FILM)
        assert store.adopt(render) == NAME
        assert not render.exists()
    assert _files(store) == [store.path(NAME)]


def test_a_workspace_is_gone_after_a_failure(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    with pytest.raises(IsADirectoryError), store.workspace() as work:
        work.write_bytes(FILM)
    assert list(store.root.rglob("*")) == [store.root / "incoming"]


def test_what_a_killed_process_left_is_swept_and_work_in_progress_is_not(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    left = store.root / "incoming" / "left-by-a-killed-process"
    left.mkdir()
    (left / "half").write_bytes(FILM)
    with store.workspace() as work:
        MediaStore(tmp_path)
        assert not left.exists()
        assert work.exists()


def test_discarding_forgets_bytes_and_may_be_done_twice(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    store.put(FILM)
    store.discard(NAME)
    store.discard(NAME)
    assert not store.has(NAME)


def test_what_the_report_raises_ends_a_copy(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        raise InterruptedError(done)

    with pytest.raises(InterruptedError):
        copy_hashed(FILM, tmp_path / "copy", stop)


def test_what_was_made_of_bytes_follows_them_into_a_story_and_opening_them_opens_nothing_else(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    rushes, cut, trailer = (store.put(each) for each in (b"rushes", b"cut", b"trailer"))
    store.note_made(cut, [rushes])
    store.note_made(trailer, [cut])
    assert [store.made_of(each) for each in (rushes, cut, trailer)] == [[cut, trailer], [trailer], []]
    store.note_made(trailer, [cut, rushes])
    assert sorted(store.made_of(rushes)) == sorted([cut, trailer])
    store.close(rushes, "court-ruling")
    assert [store.story(each) for each in (rushes, cut, trailer)] == ["court-ruling"] * 3
    store.close(rushes, "verdict")
    assert [store.story(each) for each in (rushes, cut, trailer)] == ["verdict"] * 3
    store.close(rushes, None)
    assert [store.story(each) for each in (rushes, cut, trailer)] == [None, "verdict", "verdict"]


def test_what_belongs_to_another_story_stays_there(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    rushes, cut = store.put(b"rushes"), store.put(b"cut")
    store.note_made(cut, [rushes])
    store.close(cut, "merger")
    store.close(rushes, "court-ruling")
    assert store.story(cut) == "merger"


def test_what_is_made_of_closed_bytes_is_closed_at_once_and_as_valuable(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    rushes, cut = store.put(b"rushes"), store.put(b"cut")
    store.close(rushes, "court-ruling")
    store.value(rushes, 3)
    store.note_made(cut, [rushes])
    assert (store.story(cut), store.tier(cut)) == ("court-ruling", 3)


def test_what_was_made_of_bytes_becomes_as_valuable_as_they_become_and_stays_so(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    rushes, cut = store.put(b"rushes"), store.put(b"cut")
    store.note_made(cut, [rushes])
    store.value(rushes, 2)
    store.value(rushes, 1)
    assert (store.tier(rushes), store.tier(cut)) == (1, 2)


def test_every_room_is_told_which_bytes_came_to_belong_to_another_story(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    rushes, cut = store.put(b"rushes"), store.put(b"cut")
    store.note_made(cut, [rushes])
    assert (store.told(), store.told_since(0)) == (0, ([], 0))
    store.close(rushes, "court-ruling")
    names, place = store.told_since(0)
    assert (names, place) == ([rushes, cut], store.told())
    store.close(rushes, None)
    assert store.told_since(place) == ([rushes], store.told())
    assert store.told_since(store.told() + 1) == ([rushes, cut], store.told()), "the store was put back"
