"""Files of other systems under any content: nothing crashes a reader, what is written is read back, what overlaps is
found."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from holdback_servers.schedule.asrun_nouns import ListedItem
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.exchanging.comparing import clashes, clashes_within
from holdback_servers.schedule.interchange import (
    bxf,
    bxf_reading,
    ffplayout,
    table,
    table_reading,
    xmltv,
    xmltv_reading,
)
from holdback_servers.schedule.interchange.wall import rate_of
from holdback_servers.schedule.interchange.written import one_line
from holdback_servers.schedule.model import Availability, Publication
from hypothesis import example, given
from hypothesis import strategies as st

ORIGIN = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
TEXTS = st.text(max_size=40).filter(lambda text: bool(one_line(text)))
ZONES = st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
RATES = st.sampled_from(["25", "50", "24000/1001", "30000/1001", "60000/1001"])


def _channel(zone: str = "UTC", rate: str = "25", begins: str = "06:00") -> Channel:
    return Channel.model_validate(
        {
            "name": "one",
            "title": "One",
            "kind": "linear",
            "platform": "linear.ftv",
            "geo_blocking": False,
            "territories": ["GB"],
            "time_zone": zone,
            "broadcast_day_start": begins,
            "frame_rate": rate,
            "reach": {"source": "none", "hours": {"all": [50] * 24}},
        }
    )


def _publication(number: int, title: str, start: datetime, seconds: int) -> Publication:
    end = start + timedelta(seconds=seconds)
    return Publication.model_validate(
        {
            "id": f"pub_{number}",
            "channel": "one",
            "platform": "linear.ftv",
            "title": title,
            "media": "sha256:" + "a" * 64,
            "availability": (Availability(territories=("GB",), start=start, end=end),),
            "start": start,
            "end": end,
            "state": "scheduled",
            "by": "a",
            "on_behalf_of": "b",
        }
    )


@st.composite
def evenings(draw: st.DrawFn) -> list[Publication]:
    """Transmissions one after the other, with gaps, over nights on which clocks change."""
    lengths = draw(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 20_000), TEXTS), max_size=8))
    moment = ORIGIN + timedelta(days=draw(st.sampled_from([0, 7, 8, 154, 161])))
    shown: list[Publication] = []
    for number, (gap, length, title) in enumerate(lengths):
        moment += timedelta(seconds=gap)
        shown.append(_publication(number, title, moment, length))
        moment += timedelta(seconds=length)
    return shown


@given(evenings(), ZONES, RATES)
def test_what_is_written_is_read_back_in_every_format(shown: list[Publication], zone: str, rate: str) -> None:
    channel = _channel(zone, rate)
    channels = {"one": channel}
    wanted = [(each.start, each.end, one_line(each.title)) for each in shown]
    if not shown:
        return
    message = bxf.write(shown, channels, ORIGIN).files[0].content
    guide = xmltv.write(shown, channels).files[0].content
    sheet = table.write(shown, channels).files[0].content
    for read in (
        bxf_reading.read(message, "f", channel, "grid"),
        xmltv_reading.read(guide, "f", channel),
        table_reading.read(sheet, "f", channel),
    ):
        assert not read.mistakes
        assert [(each.start, each.end, each.title) for each in read.items] == wanted


@given(evenings(), ZONES, st.sampled_from(["00:00", "05:30", "06:00"]))
def test_playlists_play_every_transmission_at_its_time_and_nothing_else(
    shown: list[Publication], zone: str, begins: str
) -> None:
    channel = _channel(zone, begins=begins)
    parts = [
        item
        for file in ffplayout.write(shown, {"one": channel}).files
        for item in ffplayout.read(file.content, "f", channel).items
    ]
    joined: list[tuple[datetime, datetime, str]] = []
    for part in sorted(parts, key=lambda each: each.start):
        if joined and joined[-1][1] == part.start and joined[-1][2] == part.title and not _begins(shown, part.start):
            joined[-1] = (joined[-1][0], part.end, part.title)
        else:
            joined.append((part.start, part.end, part.title))
    assert joined == [(each.start, each.end, one_line(each.title)) for each in shown]


def _begins(shown: list[Publication], moment: datetime) -> bool:
    return any(each.start == moment for each in shown)


@given(st.text(max_size=200) | st.text(alphabet="<>&;!?/='\"[]{},:tvprogammeBxfMs \n0129", max_size=200))
@example("start,end,title\n,,\n'")
def test_no_text_crashes_a_reader(content: str) -> None:
    channel = _channel()
    for read in (
        table_reading.read(content, "f", channel),
        table_reading.read("start,end,title\n" + content, "f", channel),
        xmltv_reading.read(content, "f", channel),
        xmltv_reading.read(f"<tv>{content}</tv>", "f", channel),
        bxf_reading.read(content, "f", channel, "as_run"),
        ffplayout.read(content, "f", channel),
    ):
        assert all(each.place and each.message for each in read.mistakes)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
       lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
           st.sampled_from(["date", "program", "in", "out", "source", "title"]), inner, max_size=4)))  # fmt: skip
def test_no_json_crashes_the_reader_of_playlists(value: Any) -> None:
    read = ffplayout.read(json.dumps(value), "f", _channel())
    assert not read.items or not read.mistakes


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=8)


def _item(number: int, span: tuple[int, int]) -> ListedItem:
    start = ORIGIN + timedelta(minutes=span[0])
    return ListedItem(place=f"row {number}", title="T", start=start, end=start + timedelta(minutes=span[1]))


@given(SPANS, SPANS)
def test_a_line_is_refused_just_when_it_overlaps_something_on_record(
    new: list[tuple[int, int]], kept: list[tuple[int, int]]
) -> None:
    items = [_item(number, span) for number, span in enumerate(new)]
    standing = [(item.start, item.end, "X") for item in (_item(0, span) for span in kept)]
    told = {each.place for each in clashes(items, standing, linear=True)}
    assert told == {
        item.place for item in items if any(item.start < end and start < item.end for start, end, _ in standing)
    }
    pairs = [(a, b) for a in items for b in items if a.place < b.place and a.start < b.end and b.start < a.end]
    assert bool(clashes_within(items, linear=True)) == bool(pairs)


@given(evenings(), RATES)
def test_timecode_alone_tells_every_transmission_to_the_frame(shown: list[Publication], rate: str) -> None:
    channel = _channel("UTC", rate)
    if not shown:
        return
    message = bxf.write(shown, {"one": channel}, ORIGIN).files[0].content
    others = re.sub(r"<hb:publication[^>]*/>", "", message)
    assert "hb:publication" not in others
    read = bxf_reading.read(others, "f", channel, "grid")
    assert not read.mistakes
    frame = timedelta(seconds=float(1 / rate_of(channel).fraction))
    for item, publication in zip(read.items, shown, strict=True):
        assert abs(item.start - publication.start) <= frame
        assert abs((item.end - item.start) - (publication.end - publication.start)) <= frame  # pyright: ignore
