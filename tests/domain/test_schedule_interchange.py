"""The schedule as iCalendar."""

from datetime import UTC, datetime, timedelta
from typing import Any

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange.ical import to_icalendar, write
from holdback_servers.schedule.model import Availability, HistoryRow, Publication, State
from icalendar import Calendar

START = datetime(2027, 7, 1, 19, 0, tzinfo=UTC)
ENDS = START + timedelta(minutes=30)
LINEAR = Channel.model_validate(
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


def _publication(state: State = "scheduled", **fields: Any) -> Publication:
    states: list[State] = ["held", state]
    rows = [HistoryRow(at=START - timedelta(days=2 - n), state=each, by="a", on_behalf_of="b", why="c")
            for n, each in enumerate(states)]  # fmt: skip
    given: dict[str, Any] = {
        "id": "pub_ONE",
        "channel": "one",
        "platform": "linear.ftv",
        "title": "Films; a night, with commas",
        "media": "sha256:" + "a" * 64,
        "availability": (Availability(territories=("GB",), start=START, end=ENDS),),
        "start": START,
        "end": ENDS,
        "state": state,
        "by": "agent:scheduler",
        "on_behalf_of": "person:sam",
        "reasons": ("reach 92 of 100\nand more",),
        "history": tuple(rows),
    }
    return Publication.model_validate(given | fields)


def _events(*publications: Publication) -> list[Any]:
    text = to_icalendar(publications, {"one": LINEAR})
    return list(Calendar.from_ical(text).events)  # pyright: ignore


def test_a_transmission_lasts_from_its_start_to_its_end_in_utc() -> None:
    text = to_icalendar([_publication()], {"one": LINEAR})
    assert "DTSTART:20270701T190000Z" in text
    assert "DTEND:20270701T193000Z" in text
    assert "TRANSP" not in text
    (event,) = _events(_publication())
    assert str(event["location"]) == "Channel One"
    assert str(event["summary"]) == "Films; a night, with commas on Channel One"
    assert "reach 92 of 100\nand more" in str(event["description"])


def test_a_changed_publication_keeps_its_uid_and_counts_its_changes() -> None:
    before, after = (_events(_publication(each))[0] for each in ("held", "cancelled"))
    earlier = _events(_publication(history=()))[0]
    assert str(before["uid"]) == str(after["uid"]) == "pub_ONE@holdback"
    assert [int(each["sequence"]) for each in (earlier, after)] == [0, 1]
    assert [str(each["status"]) for each in (before, after)] == ["TENTATIVE", "CANCELLED"]


def test_the_same_publications_make_the_same_text_in_any_order() -> None:
    two = _publication(id="pub_TWO", start=START - timedelta(days=1))
    assert to_icalendar([_publication(), two], {}) == to_icalendar([two, _publication()], {})


def test_lines_are_folded_and_end_as_rfc_5545_asks() -> None:
    text = to_icalendar([_publication(title="Ü" * 200)], {})
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")


def test_control_characters_of_a_title_never_reach_a_calendar() -> None:
    text = to_icalendar([_publication(title="A\x00B\x1b[31m\nC", reasons=("why\x07",))], {})
    assert "SUMMARY:A B [31m C on one" in text
    assert not [each for each in text if ord(each) < 32 and each not in "\r\n"]


def test_a_calendar_says_what_it_cannot_say_of_which_publications() -> None:
    logo = _publication(id="pub_TWO", details={"secondary": [{"kind": "logo"}], "sponsor": "cars"})
    written = write([_publication(), logo], {"one": LINEAR})
    assert written.publications == 2
    assert {each.message: each.publications for each in written.losses} == {
        "not said: secondary events and caption files": ("pub_TWO",),
        "not said: the sponsor's category": ("pub_TWO",),
    }


def test_a_calendar_that_is_subscribed_to_has_a_name_and_says_when_to_ask_again() -> None:
    text = to_icalendar([_publication()], {"one": LINEAR}, name="Channel One")
    assert "X-WR-CALNAME:Channel One" in text
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M" in text


def test_what_came_in_from_another_grid_names_no_media() -> None:
    assert "Media" not in to_icalendar([_publication(media=None)], {"one": LINEAR})
