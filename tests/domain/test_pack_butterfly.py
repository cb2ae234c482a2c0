"""The butterfly pack: it says what its files are, and its rights and channels tell the story they are there for."""

import importlib.util
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from holdback.pack import load_pack
from holdback.pack_model import Pack
from holdback_base.elements import Box, CutFacts, Element, ElementKind, ElementList, Notice
from holdback_base.vocabulary import Rate, Span
from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.clearance import ask, decide
from holdback_servers.rights.explaining import report
from holdback_servers.rights.model import contract_on_record, right_on_record
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Books
from holdback_servers.schedule.planning import propose
from holdback_servers.schedule.proposal import SlotRequest

FOLDER = Path(__file__).parents[2] / "examples" / "butterfly"
FILM = FOLDER.parent / "media" / "big-buck-bunny-60s.mp4"
DAYS = [
    date(2026, 11, 22),
    date(2027, 2, 1),
    date(2027, 3, 26),
    date(2027, 7, 2),
    date(2028, 2, 28),
    date(2028, 10, 27),
]
"""Winter, a short month, the nights when clocks change, summer, a leap day."""
CREDIT = "Big Buck Bunny (c) 2008 Blender Foundation, CC BY 3.0"


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(FOLDER, DAYS[0])


@pytest.fixture(scope="module")
def sign() -> ModuleType:
    spec = importlib.util.spec_from_file_location("butterfly_sign", FOLDER / "sign.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_shot_log_covers_every_frame_of_the_film_once(pack: Pack) -> None:
    master = pack.media[0]
    spans = [master.span_of(line) for line in master.log if line.kind == "log"]
    assert len(spans) == 14
    assert spans[0].in_frame == 0
    assert spans[-1].out_frame == master.frames
    assert all(one.out_frame == other.in_frame for one, other in pairwise(spans))


@pytest.mark.processes
def test_the_shot_log_cuts_where_the_film_cuts(pack: Pack) -> None:
    master = pack.media[0]
    cuts = [master.span_of(line).in_frame for line in master.log if line.kind == "log"][1:]
    small = [picture[4::8, 4::8] for picture in _pictures(FILM, range(master.frames)).values()]
    change = [float(np.abs(after.astype(int) - before).mean()) for before, after in pairwise(small)]
    around = [sum(change[max(0, at - 3) : at] + change[at + 1 : at + 4]) / 6 for at in range(len(change))]
    sudden = [at + 1 for at in range(len(change)) if change[at] > 3 * (around[at] + 1)]
    assert sudden == cuts


def test_each_marked_piece_lies_in_one_shot_and_shows_the_butterfly(pack: Pack) -> None:
    master = pack.media[0]
    shots = [master.span_of(line) for line in master.log if line.kind == "log"]
    marked = [line for line in master.log if line.kind == "marker"]
    spans = [master.span_of(line) for line in marked]
    assert all(any(shot.overlap(span) == span for shot in shots) for span in spans)
    assert all("butterfly" in line.tags for line in marked)
    assert sum(span.frames for span in spans) >= 15 * 24


def test_the_media_are_what_the_pack_says(pack: Pack) -> None:
    for media in pack.media:
        with av.open(pack.path(media.file)) as container:
            if media.kind == "master":
                assert container.streams.video[0].metadata["timecode"] == media.start_timecode
                assert container.streams.video[0].average_rate == media.rate.fraction
                assert container.streams.video[0].frames == media.frames
            else:
                samples = [frame.to_ndarray() for frame in container.decode(audio=0)]
                assert container.streams.audio[0].rate == media.rate.fraction
                assert sum(block.shape[-1] for block in samples) == media.frames
                assert 0.3 < max(float(np.abs(block).max()) for block in samples) < 0.8


def test_the_pack_is_small(pack: Pack) -> None:
    assert sum(pack.path(media.file).stat().st_size for media in pack.media) < 4_500_000


def test_the_sign_stands_in_its_box_in_every_frame_that_is_declared_and_in_no_other(
    pack: Pack, sign: ModuleType
) -> None:
    signs = [element for element in pack.media[0].elements if element.kind == "logo"]
    declared = {frame: element.box for element in signs for span in element.spans for frame in _numbers(span)}
    assert sorted(declared) == [frame for frame in range(pack.media[0].frames) if sign.shows_sign(frame)]
    for frame, box in declared.items():
        offset = sign.offset_at(frame)
        assert box is not None
        assert box.x * 640 <= (sign.LEFT + offset.x) * 1000
        assert box.y * 360 <= (sign.TOP + offset.y) * 1000
        assert (box.x + box.width) * 640 >= (sign.LEFT + offset.x + sign.WIDTH) * 1000
        assert (box.y + box.height) * 360 >= (sign.TOP + offset.y + sign.HEIGHT) * 1000


@pytest.mark.processes
def test_the_master_differs_from_the_film_in_the_sign_alone_and_sounds_the_same(pack: Pack) -> None:
    boxes: dict[int, Box | None] = {}
    for element in pack.media[0].elements:
        if element.kind == "logo":
            boxes |= {frame: element.box for span in element.spans for frame in _numbers(span)}
    looked = (300, 359, 394, 395, 593, 600, 640)
    film, master = _pictures(FILM, looked), _pictures(pack.path("butterfly-master.mp4"), looked)
    for number in looked:
        changed = np.abs(film[number].astype(int) - master[number]) > 60
        box = boxes.get(number)
        assert bool(changed.any()) == (box is not None)
        if box is not None:
            rows, columns = np.nonzero(changed)
            assert box.x <= columns.min() * 1000 / 640
            assert columns.max() * 1000 / 640 <= box.x + box.width
            assert box.y <= rows.min() * 1000 / 360
            assert rows.max() * 1000 / 360 <= box.y + box.height
    assert _sound(FILM) == _sound(pack.path("butterfly-master.mp4"))


def test_all_parties_say_that_they_are_invented_but_for_the_film(pack: Pack) -> None:
    real = [each.counterparty for each in pack.contracts if "(invented)" not in each.counterparty]
    assert real == ["Blender Foundation"]


@pytest.mark.parametrize("day", DAYS)
def test_the_first_cut_is_refused_everywhere_with_every_reason_of_the_story(day: date) -> None:
    answer = _answer(load_pack(FOLDER, day), _cut("1", music="music:meadow-waltz", blurred=False, credited=False))
    codes = {(reason.code, reason.ref) for reason in answer.reasons}
    assert {group.verdict for group in answer.groups} == {"DENIED"}
    assert codes == {
        ("CONDITION_UNMET", "film:big-buck-bunny"),
        ("CONDITION_UNMET", "logo:lark-and-finch"),
        ("NO_RIGHTS_IN", "music:meadow-waltz"),
        ("CONTRACT_NOT_ACTIVE", "talent:ada-voss"),
        ("HOLDBACK", "film:big-buck-bunny"),
        ("EMBARGO", "film:big-buck-bunny"),
    }


@pytest.mark.parametrize("day", DAYS)
def test_the_second_cut_opens_britain_after_the_embargo_germany_after_the_holdback_and_never_the_us(day: date) -> None:
    answer = _answer(load_pack(FOLDER, day), _cut("2"))
    opened = {place: group.windows for group in answer.groups for place in group.territories}
    assert opened["US"] == ()
    assert [window.start for window in opened["GB"]] == [datetime.combine(day + timedelta(2), time(19), UTC)]
    (germany,) = opened["DE"]
    assert timedelta(0) <= datetime.combine(day + timedelta(23), time(), UTC) - germany.start <= timedelta(hours=2)
    assert germany.end == datetime.combine(day + timedelta(28), time(9), UTC)


@pytest.mark.parametrize("day", DAYS)
def test_youtube_is_free_on_the_evening_of_the_launch_and_instagram_is_closed_until_the_next(day: date) -> None:
    pack = load_pack(FOLDER, day)
    cells = tuple(ClearedCell.model_validate(group.model_dump()) for group in _answer(pack, _cut("2")).groups)
    now = datetime.combine(day, time(9), UTC)
    first: dict[str, date] = {}
    refused: dict[str, set[str]] = {}
    for channel in pack.channels:
        wanted: dict[str, Any] = {"title": "Butterfly", "media": "sha256:" + "2" * 64, "duration_seconds": 15}
        wanted |= {"earliest": now, "latest": now + timedelta(28), "until": now + timedelta(28), "cleared": cells}
        answer = propose(Books(channel), SlotRequest(territories=frozenset({"GB", "DE"}), **wanted), now)
        first[channel.name] = answer.slots[0].start.date()
        refused[channel.name] = {each.rule for each in answer.refused}
    assert first == {
        "harbourlight-youtube": day + timedelta(2),
        "harbourlight-instagram": day + timedelta(3),
    }
    assert refused == {
        "harbourlight-youtube": {"OUTSIDE_CLEARED_WINDOW"},
        "harbourlight-instagram": {"OUTSIDE_CLEARED_WINDOW", "BLACKOUT"},
    }


def _answer(pack: Pack, cut: CutFacts) -> Any:
    start = datetime.combine(pack.day, time(9), UTC)
    platforms = ["social.youtube", "social.instagram"]
    asked = ask(["GB", "DE", "US"], platforms, start=start, end=start + timedelta(28), purpose="promotion")
    return report(decide(asked, [cut], _books(pack)))


def _books(pack: Pack) -> dict[str, Book]:
    entries: dict[str, list[Entry]] = {}
    for given in pack.contracts:
        contract = contract_on_record(f"ctr_{given.key}", given.terms(), given.key)
        for right in given.rights:
            recorded = right_on_record(f"rgt_{right.key}", right.terms(), contract, right.key)
            entries.setdefault(right.ref, []).append(entry(recorded, contract))
    return {ref: Book(found) for ref, found in entries.items()}


def _cut(name: str, *, music: str = "music:morning-field", blurred: bool = True, credited: bool = True) -> CutFacts:
    whole = (Span(in_frame=0, out_frame=360),)

    def element(kind: ElementKind, ref: str, obscured: tuple[Span, ...] = ()) -> Element:
        return Element(id=f"{ref}-{kind}", kind=kind, ref=ref, name=ref, spans=whole, obscured=obscured)

    elements = (
        element("programme", "film:big-buck-bunny"),
        element("logo", "logo:lark-and-finch", whole if blurred else ()),
        element("talent", "talent:ada-voss"),
        element("music_master", music),
        element("music_publishing", music),
    )
    notices = (Notice(kind="credit", text=CREDIT, span=Span(in_frame=300, out_frame=360)),) if credited else ()
    listed = ElementList(rate=Rate(num=24), frames=360, elements=elements, notices=notices)
    return CutFacts(media="sha256:" + name * 64, element_list=listed, width=720, height=1280)


def _numbers(span: Span) -> range:
    return range(span.in_frame, span.out_frame)


def _pictures(path: Path, numbers: Sequence[int]) -> dict[int, Any]:
    """The luma of some frames."""
    found: dict[int, Any] = {}
    with av.open(path) as container:
        container.streams.video[0].thread_type = "AUTO"
        for number, frame in enumerate(container.decode(video=0)):
            if number in numbers:
                plane = frame.planes[0]
                rows = np.frombuffer(plane, dtype=np.uint8).reshape(plane.height, plane.line_size)
                found[number] = rows[:, : plane.width].copy()
            if number == numbers[-1]:
                break
    return found


def _sound(path: Path) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]
