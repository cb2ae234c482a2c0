"""Other systems' files, read: grids and as-run out of CSV, XMLTV, BXF and ffplayout, with what is wrong named."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_servers.schedule.asrun_nouns import FileContents, FileKind
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange import (
    bxf,
    bxf_reading,
    ffplayout,
    table,
    table_reading,
    xmltv,
    xmltv_reading,
)
from holdback_servers.schedule.interchange.markup import MAX_CHARACTERS
from holdback_servers.schedule.model import Availability, Publication

START = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
MEDIA = "sha256:" + "a" * 64
ONE = Channel.model_validate(
    {
        "name": "one",
        "title": "Channel One",
        "kind": "linear",
        "platform": "linear.ftv",
        "geo_blocking": False,
        "territories": ["GB"],
        "time_zone": "Europe/London",
        "reach": {"source": "none", "hours": {"all": [50] * 24}},
    }
)
BOMB = '<!DOCTYPE tv [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><tv><programme start="&b;"/></tv>'


def _csv(*lines: str, head: str = "start,end,title", **options: Any) -> FileContents:
    return table_reading.read("\n".join([head, *lines]), "the file", ONE, **options)


def _mistakes(contents: FileContents) -> list[tuple[str, str]]:
    return [(each.place, each.message) for each in contents.mistakes]


def _publication(number: int, start: datetime, minutes: float = 30) -> Publication:
    end = start + timedelta(minutes=minutes)
    given: dict[str, Any] = {
        "id": f"pub_{number}",
        "channel": "one",
        "platform": "linear.ftv",
        "title": f"Film {number}",
        "media": MEDIA,
        "availability": (Availability(territories=("GB",), start=start, end=end),),
        "start": start,
        "end": end,
        "state": "scheduled",
        "by": "a",
        "on_behalf_of": "b",
    }
    return Publication.model_validate(given)


NIGHT = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
SHOWN = [_publication(n, NIGHT + timedelta(minutes=30 * n)) for n in range(6)]


@pytest.mark.parametrize("format", ["csv", "bxf", "xmltv", "ffplayout"])
def test_what_is_written_is_read_back_to_the_same_instants_through_the_night_that_clocks_go_back(format: str) -> None:
    channels = {"one": ONE}
    match format:
        case "csv":
            back = [table_reading.read(table.write(SHOWN, channels).files[0].content, "f", ONE)]
        case "bxf":
            back = [bxf_reading.read(bxf.write(SHOWN, channels, START).files[0].content, "f", ONE, "grid")]
        case "xmltv":
            back = [xmltv_reading.read(xmltv.write(SHOWN, channels).files[0].content, "f", ONE)]
        case _:
            back = [ffplayout.read(each.content, "f", ONE) for each in ffplayout.write(SHOWN, channels).files]
    assert not [each for contents in back for each in contents.mistakes]
    read = [(each.start, each.end, each.title) for contents in back for each in contents.items]
    assert read == [(each.start, each.end, each.title) for each in SHOWN]


def test_what_has_no_source_for_ffplayout_is_told() -> None:
    unknown = SHOWN[0].model_copy(update={"media": None, "asset": None})
    told = ffplayout.write([unknown, SHOWN[1]], {"one": ONE}).losses
    assert [each.publications for each in told if each.message.startswith("without a source")] == [(unknown.id,)]


def test_a_table_is_read_with_its_own_names_and_separator() -> None:
    head = "Date;Time;Duration;Programme;House number;Audience;Sponsor"
    contents = _csv("2026-11-24;20:00;00:30:00;Film;H-1;125000;cars", head=head)
    (item,) = contents.items
    assert (item.start, item.end) == (START + timedelta(hours=1), START + timedelta(minutes=90))
    assert (item.reference, item.audience, item.place) == ("H-1", 125000, "row 2")
    assert [each.message for each in contents.losses] == ["The column Sponsor is not read."]


def test_every_mistake_is_named_by_row_and_column() -> None:
    contents = _csv(
        "2026-11-24 20:00,2026-11-24 20:30,Film",
        "24/11/2026 20:30,2026-11-24 21:00,Film",
        "2026-11-24 21:00,,Film",
        "2026-11-24 21:30,2026-11-24 21:00,Film",
        "2026-11-24 22:00,2026-11-24 22:30,",
        "2026-10-25 01:30,2026-10-25 03:00,Twice",
        "2027-03-28 01:30,2027-03-28 03:00,Never",
    )
    assert [place for place, _ in _mistakes(contents)] == [
        "row 3, start", "row 4, duration", "row 5, end", "row 6, title", "row 7, start", "row 8, start",
    ]  # fmt: skip
    assert all(each.hint for each in contents.mistakes)
    assert contents.mistakes[0].given == "24/11/2026 20:30"
    assert contents.mistakes[1].message == "It is missing."
    assert "twice" in contents.mistakes[4].message
    assert "never comes" in contents.mistakes[5].message


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("start,title", "There is no column end or duration."),
        ("title,end,date", "There is no column start (or date and time)."),
        ("start,end,title,stop", "Two columns are the end."),
    ],
)
def test_a_header_that_lacks_or_doubles_a_column_is_refused(head: str, message: str) -> None:
    assert _mistakes(_csv("2026-11-24 20:00,x,y,z", head=head)) == [("row 1", message)]


def test_rows_of_another_channel_are_refused_and_those_that_did_not_air_are_told() -> None:
    contents = _csv(
        "one,2026-11-24 20:00,2026-11-24 20:30,Film,aired",
        "two,2026-11-24 20:00,2026-11-24 20:30,Film,aired",
        "Channel One,2026-11-24 21:00,2026-11-24 21:30,News,Not aired",
        head="channel,start,end,title,status",
    )
    assert [each.title for each in contents.items] == ["Film"]
    assert _mistakes(contents) == [("row 3, channel", "It is of another channel.")]
    assert [each.place for each in contents.losses] == ["row 4"]


def test_a_quoted_formula_is_read_as_the_text_it_was() -> None:
    assert _csv("2026-11-24 20:00,2026-11-24 20:30,'=SUM(A1)").items[0].title == "=SUM(A1)"


@pytest.mark.parametrize(
    "content", ['start,end,title\n"2026', "\ufeff", "a" * (MAX_CHARACTERS + 1), "x," * 200, "\x00", ",,\n,,"]
)
def test_what_is_no_table_is_one_mistake_and_never_a_crash(content: str) -> None:
    contents = table_reading.read(content, "the file", ONE)
    assert len(contents.mistakes) == 1
    assert not contents.items


@pytest.mark.parametrize("reader", ["xmltv", "bxf"])
@pytest.mark.parametrize(
    "content",
    [BOMB, "<tv", "<html/>", "", "<a>" * 300 + "</a>" * 300, '<!DOCTYPE tv SYSTEM "file:///etc/passwd"><tv/>'],
)
def test_a_bomb_and_what_is_no_such_document_is_one_mistake_with_a_cure(reader: str, content: str) -> None:
    if reader == "xmltv":
        contents = xmltv_reading.read(content, "the file", ONE)
    else:
        contents = bxf_reading.read(content, "the file", ONE, "grid")
    assert len(contents.mistakes) == 1
    assert contents.mistakes[0].hint
    assert not contents.items


def test_an_entity_bomb_is_refused_unread() -> None:
    (mistake,) = xmltv_reading.read(BOMB, "the file", ONE).mistakes
    assert mistake.message == "It declares entities, which are not read."


def _guide(*programmes: str, channels: str = "") -> FileContents:
    return xmltv_reading.read(f"<tv>{channels}{''.join(programmes)}</tv>", "the file", ONE)


def _programme(start: str, stop: str = "", channel: str = "one", title: str = "Film") -> str:
    ends = f' stop="{stop}"' if stop else ""
    return f'<programme start="{start}"{ends} channel="{channel}"><title>{title}</title></programme>'


def test_a_guide_without_stops_ends_each_programme_when_the_next_begins() -> None:
    contents = _guide(_programme("202611241900 +0000"), _programme("20261124203000 +0100", "202611242000 +0000"))
    assert [(each.start.hour, each.start.minute, each.end.hour, each.end.minute) for each in contents.items] == [
        (19, 0, 19, 30), (19, 30, 20, 0),
    ]  # fmt: skip
    lonely = _guide(_programme("202611241900 +0000"))
    assert [each.message for each in lonely.mistakes] == ["It has no end, and nothing follows it."]


def test_a_guide_without_zones_is_in_utc_as_its_dtd_says_and_names_of_zones_are_refused() -> None:
    assert _guide(_programme("20260701190000", "20260701193000")).items[0].start.hour == 19
    for start, stop in (("20260701190000 BST", "20260701193000"), ("20260701190000", "20260701193000 BST")):
        (mistake,) = _guide(_programme(start, stop)).mistakes
        assert "means several" in mistake.message


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_year_that_nobody_means_is_a_mistake_in_every_format(year: str) -> None:
    wrong = [
        _csv(f"{year}-12-31 20:00,{year}-12-31 21:00,Film"),
        _csv(f"{year}-12-31 20:00,99:00:00,Film", head="start,duration,title"),
        _guide(_programme(f"{year}12311900 +0000", f"{year}12312000 +0000")),
        ffplayout.read(
            json.dumps({"date": f"{year}-12-31", "program": [{"in": 0, "out": 9, "source": "a"}]}), "f", ONE
        ),
    ]
    assert [bool(each.mistakes) and bool(each.mistakes[0].hint) for each in wrong] == [True] * 4


def test_a_guide_of_several_channels_is_read_for_the_one_that_is_meant() -> None:
    two = [_programme("202611241900", "202611242000", "bbc"), _programme("202611241900", "202611242000", "c1", "News")]
    named = "<channel id='bbc'><display-name>Two</display-name></channel>"
    named += "<channel id='c1'><display-name>Channel One</display-name></channel>"
    assert [each.title for each in _guide(*two, channels=named).items] == ["News"]
    (mistake,) = _guide(*two).mistakes
    assert "It lists 2 channels, and none is one" in mistake.message
    assert "bbc, c1" in mistake.hint


AS_RUN = """<?xml version="1.0" encoding="iso-8859-1"?>
<BxfMessage xmlns="http://smpte-ra.org/schemas/2021/2017/BXF"><BxfData action="add"><Schedule type="Primary">
<Channel ShortName="ONE"/><AsRun>%s</AsRun></Schedule></BxfData></BxfMessage>"""


def _basic(title: str, code: str, length: str = "00:30:00:00", status: str = "Aired Without Discrepancy") -> str:
    return f"""<BasicAsRun><AsRunEventId><EventId>urn:uuid:1</EventId></AsRunEventId>
    <Content><ContentId><HouseNumber>DC1</HouseNumber></ContentId><Name>{title}</Name></Content>
    <AsRunDetail><Status>{status}</Status><Type>Primary</Type>
    <StartDateTime><SmpteDateTime frameRate="25" broadcastDate="2026-11-24"><SmpteTimeCode>{code}</SmpteTimeCode>
    </SmpteDateTime></StartDateTime>
    <Duration><SmpteDuration frameRate="25"><SmpteTimeCode>{length}</SmpteTimeCode></SmpteDuration></Duration>
    </AsRunDetail></BasicAsRun>"""


def _bxf(*events: str, kind: FileKind = "as_run", **options: Any) -> FileContents:
    return bxf_reading.read(AS_RUN % "".join(events), "the file", ONE, kind, **options)


def test_bxf_as_run_is_read_to_the_frame_and_what_did_not_air_is_told() -> None:
    contents = _bxf(_basic("Film", "20:00:00:12", "00:29:59:13"), _basic("News", "21:00:00:00", status="Missed"))
    (item,) = contents.items
    assert item.start == datetime(2026, 11, 24, 20, 0, 0, 480_000, tzinfo=UTC)
    assert item.end - item.start == timedelta(minutes=29, seconds=59.52)
    assert (item.reference, item.status) == ("DC1", "Aired Without Discrepancy")
    assert [each.message for each in contents.losses] == ["'News' did not air (Missed)."]


def test_bxf_dates_of_broadcast_days_put_the_night_on_the_next_day() -> None:
    (item,) = _bxf(_basic("Film", "01:30:00:00"), dates="broadcast").items
    assert item.start == datetime(2026, 11, 25, 1, 30, tzinfo=UTC)


def test_bxf_of_the_wrong_kind_or_with_bad_timecode_is_named() -> None:
    assert [each.message for each in _bxf(_basic("F", "20:00:00:00"), kind="grid").mistakes] == [
        "It holds no ScheduledEvent of one."
    ]
    (mistake,) = _bxf(_basic("F", "20:00:00:25")).mistakes
    assert mistake.place.startswith("BasicAsRun, line ")
    assert "frame 25 does not exist at 25" in mistake.message


def test_bxf_of_another_channel_is_refused_with_its_name() -> None:
    content = (AS_RUN % _basic("F", "20:00:00:00")).replace('"ONE"', '"TWO"')
    (mistake,) = bxf_reading.read(content, "the file", ONE, "as_run").mistakes
    assert "the message is for TWO" in mistake.hint


def test_a_playlist_is_read_from_the_start_of_the_channels_day_with_gaps_and_its_own_titles() -> None:
    program = [
        {"in": 0, "out": 1800, "duration": 1800, "source": "media/Forest.mp4"},
        {"in": 0, "out": 600, "duration": 600, "source": ""},
        {"in": 10, "out": 70.5, "duration": 100, "source": "b.mp4", "title": "Film", "category": "advertisement"},
    ]
    content = json.dumps({"channel": "x", "date": "2026-11-24", "program": program})
    contents = ffplayout.read(content, "the file", ONE)
    six = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
    assert [(each.title, each.reference, each.start - six) for each in contents.items] == [
        ("Forest", "media/Forest.mp4", timedelta()),
        ("Film", "b.mp4", timedelta(minutes=40)),
    ]
    assert contents.items[1].end - contents.items[1].start == timedelta(seconds=60.5)
    assert [each.place for each in contents.losses] == ["category"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[1]", '{"date": "2026-13-01", "program": []}',
     '{"date": "2026-11-24", "program": [{"in": NaN, "out": 1}]}',
     '{"date": "2026-11-24", "program": [{"in": 1e300, "out": 1e301}]}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_playlist_is_one_mistake_with_a_cure(content: str) -> None:
    contents = ffplayout.read(content, "the file", ONE)
    assert len(contents.mistakes) == 1
    assert contents.mistakes[0].hint


def test_more_mistakes_than_a_person_reads_are_counted() -> None:
    contents = _csv(*["never,ever,Film"] * 1000)
    assert len(contents.mistakes) == 201
    assert contents.mistakes[-1].message == "There are 800 more mistakes."
