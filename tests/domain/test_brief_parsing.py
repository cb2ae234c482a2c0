"""A person's words become a brief, or a question; nothing is guessed."""

from datetime import UTC, datetime, timedelta

import pytest
from holdback_agents.contracts import Brief, Question
from holdback_agents.editing_assistant.request import parse_brief, refuse_past
from holdback_base.problem import Problem

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WORDS = (
    "15 s vertical highlight of the butterfly scene for YouTube and Instagram in GB, DE and US for the next month; "
    "credit the film."
)


def _brief(text: str) -> Brief:
    brief = parse_brief(text, NOW)
    assert isinstance(brief, Brief), brief
    return brief


def _question(text: str) -> Question:
    question = parse_brief(text, NOW)
    assert isinstance(question, Question), question
    return question


def test_the_brief_of_the_demo_is_understood_whole() -> None:
    brief = _brief(WORDS)
    assert brief.subject == "butterfly scene"
    assert (brief.seconds, brief.aspect, brief.credit_film) == (15, "9:16", True)
    assert brief.platforms == ("social.youtube", "social.instagram")
    assert brief.territories == ("GB", "DE", "US")
    assert (brief.window.start, brief.window.end) == (NOW, datetime(2026, 12, 22, 12, 0, tzinfo=UTC))


def test_days_are_utc_days_and_the_last_one_is_included() -> None:
    brief = _brief("a 30 seconds clip of the chase on TikTok in France from 24 Nov to 24 Dec")
    assert brief.window.start == datetime(2026, 11, 24, tzinfo=UTC)
    assert brief.window.end == datetime(2026, 12, 25, tzinfo=UTC)
    assert (brief.seconds, brief.territories, brief.aspect) == (30, ("FR",), "16:9")


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("from Monday", "2026-11-23", None),
        ("from next Sunday onwards", "2026-11-29", None),
        ("from tomorrow", "2026-11-23", None),
        ("from 24 Nov", "2026-11-24", None),
        ("from Monday for two weeks", "2026-11-23", "2026-12-07"),
        ("from 1 Dec for a month", "2026-12-01", "2027-01-01"),
        ("from Friday to Tuesday", "2026-11-27", "2026-12-02"),
        ("from Monday until 24 Dec", "2026-11-23", "2026-12-25"),
    ],
)
def test_a_window_may_begin_on_a_named_day_and_stay_open(words: str, start: str, end: str | None) -> None:
    window = _brief(f"15 s vertical highlight of the harbour for YouTube in GB and DE, {words}").window
    assert window.start == datetime.fromisoformat(f"{start}T00:00Z")
    assert window.end == (datetime.fromisoformat(f"{end}T00:00Z") if end else None)


def test_until_a_day_begins_now_and_from_today_does_too() -> None:
    until = _brief("15 s clip of the harbour for YouTube in GB until 24 Dec").window
    assert (until.start, until.end) == (NOW, datetime(2026, 12, 25, tzinfo=UTC))
    assert _brief("15 s clip of the harbour for YouTube in GB from today").window.start == NOW


def test_platforms_of_the_media_tree_are_known_by_their_names() -> None:
    brief = _brief("15 s clip of the harbour for LinkedIn, Snapchat and Threads in GB from Monday")
    assert brief.platforms == ("social.linkedin", "social.snapchat", "social.threads")
    assert _brief("15 s clip of the threads scene for YouTube in GB from Monday").platforms == ("social.youtube",)


def test_a_day_without_a_year_that_is_long_past_means_next_year() -> None:
    brief = _brief("30 s clip of the chase on TikTok in FR from 3 Feb to 5 Feb")
    assert brief.window.start == datetime(2027, 2, 3, tzinfo=UTC)


def test_a_group_of_territories_becomes_its_members() -> None:
    assert _brief("10 s clip of the chase for YouTube in DACH for the next 2 weeks").territories == ("AT", "CH", "DE")


def test_the_month_after_a_long_month_ends_on_its_own_last_day() -> None:
    brief = parse_brief(
        "10 s clip of the chase for YouTube in DE for the next month", datetime(2027, 1, 31, tzinfo=UTC)
    )
    assert isinstance(brief, Brief)
    assert brief.window.end == datetime(2027, 2, 28, tzinfo=UTC)


def test_uk_is_asked_back_and_not_guessed() -> None:
    question = _question(WORDS.replace("GB", "UK"))
    assert "Did you mean GB?" in question.text
    assert question.missing == ("territories",)


def test_a_brief_with_no_subject_is_asked_for_one() -> None:
    question = _question("15 s vertical for YouTube in GB for the next month")
    assert question.missing == ("subject",)
    assert "what it shall show" in question.text


@pytest.mark.parametrize(
    ("cut", "missing"),
    [
        ("15 s ", "seconds"),
        ("for YouTube and Instagram ", "platforms"),
        ("in GB, DE and US ", "territories"),
        ("for the next month", "window"),
    ],
)
def test_what_is_missing_is_named(cut: str, missing: str) -> None:
    assert _question(WORDS.replace(cut, "")).missing == (missing,)


def test_an_end_before_its_start_is_asked_back() -> None:
    assert "before the start" in _question("9 s clip of a fox for YouTube in DE from 2026-12-24 to 2026-12-01").text


def test_a_day_that_does_not_exist_is_asked_back() -> None:
    assert "exist" in _question("9 s clip of a fox for YouTube in DE from 30 Feb to 5 Mar").text


def test_an_empty_brief_asks_for_everything() -> None:
    assert _question("").missing == ("subject", "seconds", "platforms", "territories", "window")


@pytest.mark.parametrize(
    ("added", "asked"),
    [
        ("; do not credit the film", "'do not credit the film'"),
        ("; don't credit", '"don\'t credit"'),
        ("; without music", "'without music'"),
        ("; only after 21:00", "'only after 21:00'"),
        (" in 4K", "'4K'"),
        (", not on TikTok and Facebook", "'not on TikTok and Facebook'"),
        (" but not in the US", "'not in the US'"),
        (" until noon", "'until noon'"),
        ("; credit Ada Voss", "'Ada Voss'"),
    ],
)
def test_words_that_are_not_understood_are_asked_back(added: str, asked: str) -> None:
    question = _question(WORDS.removesuffix("; credit the film.") + added)
    assert f"I do not understand {asked}." in question.text
    assert question.missing == ()


@pytest.mark.parametrize(
    ("old", "new", "asked"),
    [
        ("vertical", "vertical and square", "more than one shape, 'vertical' and 'square'"),
        ("15 s", "15 s and 30 s", "more than one length, '15 s' and '30 s'"),
        ("15 s", "0 s", "'0 s' is not a length from 1 to 600 seconds"),
        ("15 s", "90 min", "'90 min' is not a length from 1 to 600 seconds"),
        ("15 s", "2.5 s", "'2.5 s'"),
        ("Instagram", "MySpace", "a platform 'MySpace'"),
        ("YouTube and", "YouTube or", "'YouTube or Instagram'"),
        ("DE and", "Atlantis and", "'Atlantis' is not an ISO 3166 territory"),
        ("in GB, DE and US", "in atlantis", "'atlantis'"),
        ("for the", "in FR for the", "more than one set of places"),
        ("the next month", "the next month from 24 Nov to 24 Dec", "more than one time"),
        ("the next month", "the next 0 days", "not a time that exists"),
        ("for the next month", "from 9999-12-01 to 9999-12-31", "not a time that exists"),
        ("for the next month", "from 1 Nov to 10 Nov", "lies in the past"),
        ("scene", "scene without music", "'without music'"),
    ],
)
def test_what_has_two_meanings_or_none_is_asked_back(old: str, new: str, asked: str) -> None:
    assert asked in _question(WORDS.replace(old, new)).text


def test_two_highlights_are_not_taken_for_one() -> None:
    question = _question("two highlights of 15 s and 30 s for YouTube in GB for the next month")
    assert "'two'" in question.text
    assert "'15 s' and '30 s'" in question.text


@pytest.mark.parametrize(
    "words",
    [
        "Please make me a 15 s vertical clip about the butterfly, credit the film, to be published on YouTube in GB "
        "for the next month, thanks!",
        "we would like a vertical 15 seconds video of the butterfly in portrait format with a credit on YouTube only "
        "in the GB for the next month",
        "FOR YOUTUBE IN GB FOR THE NEXT MONTH: A 15 S VERTICAL HIGHLIGHT OF THE BUTTERFLY WITH CREDITS",
    ],
)
def test_small_words_are_no_hindrance(words: str) -> None:
    brief = _brief(words)
    assert (brief.subject.lower(), brief.seconds, brief.aspect) == ("butterfly", 15, "9:16")
    assert (brief.platforms, brief.territories, brief.credit_film) == (("social.youtube",), ("GB",), True)


def test_television_is_linear_and_minutes_and_seconds_are_added() -> None:
    brief = _brief("1 min 30 s clip of the fox for YouTube in NO, IT and SE for the next week on TV too")
    assert (brief.seconds, brief.territories) == (90, ("NO", "IT", "SE"))
    assert brief.platforms == ("social.youtube", "linear")


def test_what_the_subject_says_is_not_read_as_a_platform_a_shape_or_a_credit() -> None:
    brief = _brief("5 s clip of the closing credits of the YouTube landscape for TikTok in GB for the next week")
    assert brief.subject == "closing credits of the YouTube landscape"
    assert (brief.platforms, brief.aspect, brief.credit_film) == (("social.tiktok",), "16:9", False)


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ("GB, DE and US", "UK, DE and US", "in GB, DE and US"),
        (" in GB, DE and US", "", "GB, DE and US"),
        ("Instagram", "MySpace", "YouTube and Instagram"),
        ("15 s", "90 min", "15 s, please"),
        ("vertical", "vertical and square", "vertical"),
        ("; credit", "; without music; credit", "leave it out"),
        ("; credit", "; without music; credit", "ok"),
    ],
)
def test_an_answer_overrules_what_was_asked_about(old: str, new: str, answer: str) -> None:
    first = WORDS.replace(old, new)
    _question(first)
    assert _brief(f"{first}\n{answer}").model_dump(exclude={"text"}) == _brief(WORDS).model_dump(exclude={"text"})


def test_an_answer_that_is_not_understood_is_asked_back_again() -> None:
    assert "'no sound'" in _question(f"{WORDS} without music\nno sound").text


def test_a_window_has_whole_seconds() -> None:
    brief = parse_brief(WORDS, NOW.replace(microsecond=987654))
    assert isinstance(brief, Brief)
    assert (brief.window.start, brief.window.end) == (NOW, datetime(2026, 12, 22, 12, 0, tzinfo=UTC))


def test_a_brief_as_data_whose_window_is_over_is_refused() -> None:
    brief = _brief(WORDS)
    assert brief.window.end is not None
    refuse_past(brief, brief.window.end - timedelta(seconds=1))
    with pytest.raises(Problem, match="lies in the past") as caught:
        refuse_past(brief, brief.window.end)
    assert caught.value.code == "RANGE_INVALID"
