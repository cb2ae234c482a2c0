"""The schedule as XMLTV, BXF, ffplayout playlists and CSV, and what each says it cannot say."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange import bxf, ffplayout, table, xmltv
from holdback_servers.schedule.interchange.written import Written
from holdback_servers.schedule.model import Availability, Publication
from lxml import etree

START = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
DTD = Path(__file__).parent / "data" / "xmltv" / "xmltv.dtd"
MEDIA = "sha256:" + "a" * 64
BXF = {"b": bxf.NAMESPACE, "hb": bxf.OWN}


def _channel(name: str = "one", **fields: Any) -> Channel:
    given: dict[str, Any] = {
        "name": name,
        "title": "Channel One",
        "kind": "linear",
        "platform": "linear.ftv",
        "geo_blocking": False,
        "territories": ["GB"],
        "time_zone": "Europe/London",
        "reach": {"source": "none", "hours": {"all": [50] * 24}},
    }
    return Channel.model_validate(given | fields)


LINEAR = _channel()
SOCIAL = _channel("tube", title="Tube", kind="social", platform="social.youtube")
CHANNELS = {"one": LINEAR, "tube": SOCIAL}


def _publication(number: int = 1, *, start: datetime = START, minutes: float = 30, **fields: Any) -> Publication:
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
        "by": "agent:scheduler",
        "on_behalf_of": "person:sam",
    }
    return Publication.model_validate(given | fields)


def _said(written: Written) -> dict[str, int]:
    return {each.message: each.count for each in written.losses}


def _guide(*publications: Publication) -> Any:
    content = xmltv.write(publications, CHANNELS).files[0].content
    document = etree.fromstring(content.encode())
    checker = etree.DTD(str(DTD))
    assert checker.validate(document), checker.error_log
    return document


def test_a_guide_is_valid_against_the_dtd_of_xmltv_whatever_a_title_holds() -> None:
    details = {"description": "Two\nlines & <tags> \x07", "duration_seconds": 1500, "sponsor": "cars"}
    guide = _guide(_publication(title="A\n<film> & \x00 ]]>", details=details), _publication(2, title="\x01"))
    first, second = guide.findall("programme")
    assert first.findtext("title") == "A <film> & ]]>"
    assert first.findtext("desc") == "Two lines & <tags>"
    assert first.find("length").attrib == {"units": "seconds"}
    assert first.attrib == {"start": "20261124190000 +0000", "stop": "20261124193000 +0000", "channel": "one"}
    assert second.findtext("title") == "pub_2"
    assert [each.get("id") for each in guide.findall("channel")] == ["one"]


def test_the_dtd_that_guides_are_checked_against_refuses_what_is_no_guide() -> None:
    checker = etree.DTD(str(DTD))
    assert not checker.validate(etree.fromstring(b"<tv><programme channel='one'/></tv>"))


def test_a_guide_leaves_out_what_is_not_sure_or_not_broadcast_and_says_so() -> None:
    held = _publication(2, state="held")
    put_up = _publication(3, channel="tube", end=None)
    written = xmltv.write([_publication(), held, put_up], CHANNELS)
    assert written.publications == 1
    told = {each.message: each.publications for each in written.losses if each.message.startswith("left out")}
    assert told == {
        "left out: a guide lists what is sure, and this is held": ("pub_2",),
        "left out: a guide lists what is broadcast, and this is put up, not broadcast": ("pub_3",),
    }


def test_a_playlist_is_one_broadcast_day_in_seconds_with_its_gaps_kept() -> None:
    six = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
    shown = [_publication(1, start=six), _publication(2, start=six + timedelta(hours=1), minutes=60)]
    written = ffplayout.write(shown, CHANNELS)
    (file,) = written.files
    assert file.name == "one-2026-11-24.json"
    playlist = json.loads(file.content)
    assert (playlist["channel"], playlist["date"]) == ("Channel One", "2026-11-24")
    assert [(each["in"], each["out"], each["duration"]) for each in playlist["program"]] == [
        (0.0, 1800.0, 1800.0),
        (0.0, 1800.0, 1800.0),
        (0.0, 3600.0, 3600.0),
    ]
    assert [each["source"] for each in playlist["program"]] == ["a" * 64, "", "a" * 64]
    assert _said(written)["nothing is scheduled before this on its day: ffplayout plays its filler"] == 1


def test_what_goes_on_past_the_broadcast_day_is_continued_in_the_next_playlist() -> None:
    late = datetime(2026, 11, 25, 5, 40, tzinfo=UTC)
    first, second = ffplayout.write([_publication(start=late)], CHANNELS).files
    assert [each.name for each in (first, second)] == ["one-2026-11-24.json", "one-2026-11-25.json"]
    parts = [json.loads(each.content)["program"][-1] for each in (first, second)]
    assert [(each["in"], each["out"], each["duration"]) for each in parts] == [(0, 1200, 1800), (1200, 1800, 1800)]


@pytest.mark.parametrize(("day", "hours"), [("2026-10-24T12:00:00+00:00", 25), ("2027-03-27T12:00:00+00:00", 23)])
def test_a_playlist_says_when_its_day_has_not_24_hours(day: str, hours: int) -> None:
    written = ffplayout.write([_publication(start=datetime.fromisoformat(day))], CHANNELS)
    assert any(f"has {hours} hours" in each for each in _said(written))


def _message(*publications: Publication, channel: Channel = LINEAR) -> Any:
    written = bxf.write(publications, {channel.name: channel}, START)
    return etree.fromstring(written.files[0].content.encode())


def test_a_bxf_message_holds_a_schedule_of_events_in_timecode_on_the_channels_clocks() -> None:
    summer = datetime(2026, 7, 1, 19, 0, 0, 480_000, tzinfo=UTC)
    message = _message(_publication(start=summer, details={"start_mode": "follow", "follows": "pub_0"}))
    (event,) = message.findall(".//b:ScheduledEvent", BXF)
    start = event.find(".//b:StartDateTime/b:SmpteDateTime", BXF)
    assert start.attrib == {"frameRate": "25", "broadcastDate": "2026-07-01"}
    assert start.findtext("b:SmpteTimeCode", namespaces=BXF) == "20:00:00:12"
    assert event.findtext(".//b:LengthOption//b:SmpteTimeCode", namespaces=BXF) == "00:30:00:00"
    assert event.findtext(".//b:StartMode", namespaces=BXF) == "Follow"
    assert event.findtext(".//b:HouseNumber", namespaces=BXF) == MEDIA
    own = event.find(".//hb:publication", BXF)
    assert own.get("id") == "pub_1"
    assert own.get("start") == "2026-07-01T19:00:00.480000Z"


def test_secondary_events_name_their_primary_and_count_from_its_start_or_end() -> None:
    secondary = [
        {"kind": "logo", "offset_seconds": 60},
        {"kind": "crawl", "offset_seconds": -90, "duration_seconds": 30},
    ]
    message = _message(_publication(details={"secondary": secondary}))
    primary, logo, crawl = message.findall(".//b:ScheduledEvent", BXF)
    primary_id = primary.findtext(".//b:EventId/b:EventId", namespaces=BXF)
    assert {each.findtext(".//b:PrimaryEventId", namespaces=BXF) for each in (logo, crawl)} == {primary_id}
    assert [each.find(".//b:Offset", BXF).get("direction") for each in (logo, crawl)] == ["Positive", "Negative"]
    assert crawl.findtext(".//b:OffsetTime/b:SmpteTimeCode", namespaces=BXF) == "00:01:30:00"
    assert crawl.findtext(".//b:StartDateTime//b:SmpteTimeCode", namespaces=BXF) == "19:28:30:00"


def test_drop_frame_timecode_is_written_where_the_rate_asks_for_it() -> None:
    american = _channel(time_zone="America/New_York", frame_rate="30000/1001")
    message = _message(_publication(start=datetime(2026, 11, 24, 15, 1, tzinfo=UTC)), channel=american)
    assert message.findtext(".//b:StartDateTime//b:SmpteTimeCode", namespaces=BXF) == "10:01:00;02"
    assert message.find(".//b:SmpteDateTime", BXF).get("frameRate") == "29.97"


def test_bxf_says_that_it_is_not_certified_and_when_a_timecode_comes_twice() -> None:
    twice = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    told = _said(bxf.write([_publication(start=twice)], CHANNELS, START))
    assert any("not certified" in each for each in told)
    assert any("comes twice that night" in each for each in told)
    assert not any("comes twice" in each for each in _said(bxf.write([_publication()], CHANNELS, START)))


def _rows(*publications: Publication) -> list[dict[str, str]]:
    content = table.write(publications, CHANNELS).files[0].content
    return list(csv.DictReader(io.StringIO(content.removeprefix("\ufeff"), newline="")))


def test_a_table_has_a_line_for_each_piece_of_availability() -> None:
    later = START + timedelta(days=3)
    pieces = (
        Availability(territories=("GB",), start=START, end=later),
        Availability(territories=("DE", "US"), start=later),
    )
    first, second = _rows(_publication(channel="tube", availability=pieces, end=None, reasons=("reach 92", "near")))
    assert (first["start"], first["end"], first["territories"]) == (
        "2026-11-24T19:00:00Z",
        "2026-11-27T19:00:00Z",
        "GB",
    )
    assert (second["end"], second["territories"]) == ("", "DE US")
    assert first["reasons"] == "reach 92\nnear"


def test_a_table_says_the_broadcast_day_and_the_local_time_of_a_night() -> None:
    (row,) = _rows(_publication(start=datetime(2026, 7, 2, 1, 30, tzinfo=UTC)))
    assert (row["broadcast_day"], row["local_start"]) == ("2026-07-01", "2026-07-02 02:30:00+01:00")


@pytest.mark.parametrize("said", ["=1+1", "+cmd", "-2+3", "@sum", "\t=1", "\r=1", "'=1"])
def test_a_cell_that_a_spreadsheet_takes_for_a_formula_is_quoted_and_read_back_as_it_was(said: str) -> None:
    cell = _rows(_publication(reasons=(said,)))[0]["reasons"]
    assert cell == "'" + said
    assert table.unguarded(cell) == said


def test_plain_text_and_its_own_quotation_marks_are_left_alone() -> None:
    for text in ("Film", "'Tis", "it's", "1-2", ""):
        assert table.guarded(text) == text == table.unguarded(text)
