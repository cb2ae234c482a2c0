"""A person's words become a brief, or a question; nothing is guessed."""

from datetime import UTC, datetime

import pytest
from holdback_agents.contracts import Brief, Question
from holdback_agents.editing_assistant.request import parse_brief

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
