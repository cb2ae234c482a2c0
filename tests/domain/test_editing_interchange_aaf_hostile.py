"""AAF files that are broken, hostile, or no AAF at all: each ends in a clear problem."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import aaf2
import pytest
from aaf2.cfb import CompoundFileBinary
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate
from holdback_servers.editing.interchange import opened
from holdback_servers.editing.interchange.aaf_reading import read
from holdback_servers.editing.interchange.aaf_writing import write
from holdback_servers.editing.interchange.sheet import Lane, Media, Name, Piece, Sheet
from holdback_servers.media_worker import Limits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FILM = "sha256:" + "a" * 64


@cache
def _whole() -> bytes:
    """A good file of two clips."""
    media = Media(media=FILM, title="Interview", reel="A001", file="i.mp4", start=0, drop=False, frames=500)
    pieces = tuple(Piece(name=Name(media=FILM), at=at, frames=50, source=100 + at) for at in (0, 50))
    lanes = (Lane(name="V1", kind="picture", pieces=pieces),)
    return write(Sheet(title="T", rate=Rate(num=25), lanes=lanes, media=(media,)), datetime(2026, 11, 22, tzinfo=UTC))


def _refused(path: Path) -> str:
    with pytest.raises(Problem) as refused:
        read(path)
    assert refused.value.code == "INVALID_ARGUMENT"
    assert refused.value.hint
    return refused.value.message


def _saved(tmp_path: Path, whole: bytes) -> Path:
    path = tmp_path / "cut.aaf"
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize("whole", [b"", b"\xd0\xcf", b"TITLE: T\nFCM: NON-DROP FRAME\n", b"PK\x03\x04" * 400])
def test_what_does_not_begin_as_an_aaf_is_said_to_be_none(whole: bytes, tmp_path: Path) -> None:
    assert "no AAF" in _refused(_saved(tmp_path, whole))


@pytest.mark.parametrize("kept", [8, 600, 5000, 90_000, 300_000, 400_000])
def test_a_file_that_is_cut_short_is_said_to_be(kept: int, tmp_path: Path) -> None:
    assert kept < len(_whole())
    assert "cut short" in _refused(_saved(tmp_path, _whole()[:kept]))


def test_another_compound_file_nested_ever_deeper_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.aaf"
    with path.open("wb+") as file:
        made = CompoundFileBinary(file, "wb+")
        made.makedirs("/" + "/".join(["in"] * 60))
        made.open("/in/whole.aaf", "w").write(_whole()[:9000])
        made.close()
    assert "damaged" in _refused(path)


@given(places=st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 255)), min_size=1, max_size=400))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_bytes_changed_anywhere_end_in_a_problem_or_in_a_sheet(places: list[tuple[int, int]], tmp_path: Path) -> None:
    whole = bytearray(_whole())
    for place, value in places:
        whole[place] = value
    try:
        assert read(_saved(tmp_path, bytes(whole))).lanes
    except Problem as problem:
        assert problem.code in ("INVALID_ARGUMENT", "TOO_LARGE", "TIMECODE_INVALID")  # noqa: PT017 - both ends are good


def _circle(file: Any) -> None:
    """Sources that point at each other."""
    master = next(file.content.mastermobs())
    for mob in file.content.sourcemobs():
        for slot in mob.slots:
            if type(slot.segment).__name__ == "SourceClip":
                slot.segment.mob = master
                slot.segment.slot_id = 1


def _deep(file: Any) -> None:
    """Sequences in sequences."""
    slot = _picture(file)
    segment = file.create.Filler("picture", 100)
    for _ in range(30):
        outer = file.create.Sequence("picture", 100)
        outer.components.append(segment)
        segment = outer
    slot.segment = segment


def _hanging(file: Any) -> None:
    """A transition with nothing before it."""
    made = file.create.Transition("picture", 10)
    operation = file.create.OperationDef("0c3bea40-fc05-11d2-8a29-0050040ef7d2", "Video Dissolve")
    operation.media_kind, operation["NumberInputs"].value = "picture", 2
    file.dictionary.register_def(operation)
    made["OperationGroup"].value = file.create.OperationGroup(operation, 10, "picture")
    made["CutPoint"].value = 5
    _picture(file).segment.components.insert(0, made)


def _silent(file: Any) -> None:
    """A composition without picture."""
    _picture(file).segment.media_kind = "sound"


def _odd(file: Any) -> None:
    """A rate that nobody has."""
    _picture(file).edit_rate = "17/1"


def _picture(file: Any) -> Any:
    return next(iter(file.content.compositionmobs())).slot_at(2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_circle, "in a circle"),
        (_deep, "nested too deeply"),
        (_hanging, "not between two clips"),
        (_silent, "no track of picture"),
        (_odd, "no rate of the trade"),
    ],
)
def test_a_well_formed_file_that_makes_no_sense_is_refused_with_the_place(
    change: Callable[[Any], None], said: str, tmp_path: Path
) -> None:
    path = _saved(tmp_path, _whole())
    with aaf2.open(str(path), "r+") as file:
        change(file)
    assert said in _refused(path)


@pytest.mark.processes
@pytest.mark.asyncio
async def test_a_worker_that_may_take_little_ends_in_a_problem_and_not_in_a_crash(tmp_path: Path) -> None:
    path = _saved(tmp_path, _whole())
    for limits in (Limits(memory_bytes=48 << 20), Limits(wall_seconds=0.01)):
        with pytest.raises(Problem):
            await opened(path, limits)
    assert len((await opened(path, Limits(1 << 30, 60, 60))).lanes[0].pieces) == 2
