"""What compliance and the scheduler read out of plain words about publications, and what they ask back."""

from datetime import UTC, datetime, timedelta

import pytest
from holdback_agents.compliance import request as compliance
from holdback_agents.contracts import Question
from holdback_agents.publishing_parts import (
    ExpiryWatch,
    PublicationCheck,
    RescheduleRequest,
    ScheduleEvent,
    SlotQuestion,
    WeekRequest,
)
from holdback_agents.scheduler.event_request import parse_reschedule_request
from holdback_agents.scheduler.request import chosen_skill
from holdback_agents.scheduler.slot_request import parse_slot_question
from holdback_agents.scheduler.week_request import parse_week_request
from holdback_base.vocabulary import TimeRange

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CLR, CLR2 = "clr_01M81J18G0FW3VMFK9GDZ66XK5", "clr_01M81J18G0EYFAZ55YT09D3SJZ"
PUB, HOLD = "pub_01M81J18G0EM1VZ5D6Z4F9HT0M", "hold_01M81J18G0EKYRQ5H6VTE5410X"
AST = "ast_01M81J18G0EB6RW801W22W6VPQ"
MEDIA = "sha256:" + "a" * 64
SEVEN = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "skill"),
    [
        ("Commit the held slots", "commit-publication"),
        ("Find slots for 15 s on YouTube for the next week", "plan-publication"),
        (f"Why is {PUB} there?", "explain"),
        (f"{CLR} was revoked", "reschedule"),
        ("Breaking news on north-one", "reschedule"),
        ("north-one is down", "reschedule"),
        ("Plan the week", "plan-week"),
        (f"Plan from Tuesday for a week: {CLR} 15 s on north-one", "plan-week"),
        (f"Plan for the next month: {CLR} 15 s", "plan-week"),
        (f"Plan {CLR} and {CLR2} for the next month", "plan-week"),
    ],
)
def test_the_scheduler_tells_its_skills_apart_by_words(words: str, skill: str) -> None:
    assert chosen_skill(words) == skill


@pytest.mark.parametrize(
    ("words", "skill"),
    [
        (f"Does {PUB} still stand?", "check-publication"),
        (f"Does {CLR} stand?", "check-publication"),
        ("Which publications end in the next 30 days?", "watch-expiry"),
        (f"May {AST} be shown on YouTube in GB from Monday?", "clear-rights"),
        (f"May {AST} be shown until the licence ends?", "clear-rights"),
    ],
)
def test_compliance_tells_its_skills_apart_by_words(words: str, skill: str) -> None:
    assert compliance.chosen_skill(words) == skill


def test_publications_are_checked_and_held_slots_need_the_clearance_they_shall_stand_on() -> None:
    assert compliance.parse_publication_check(f"Does {PUB} still stand?", NOW) == PublicationCheck(publications=(PUB,))
    asked = compliance.parse_publication_check(f"Does {HOLD} stand?", NOW)
    assert isinstance(asked, Question)
    assert asked.missing == ("clearance",)
    again = compliance.parse_publication_check(f"Does {HOLD} stand?\nunder {CLR}", NOW)
    assert again == PublicationCheck(publications=(HOLD,), clearance=CLR)
    odd = compliance.parse_publication_check(f"Does {PUB} still stand in Germany?", NOW)
    assert isinstance(odd, Question)
    assert "'Germany'" in odd.text


def test_a_watch_needs_its_days_and_acts_only_when_told() -> None:
    read = compliance.parse_expiry_watch
    assert read("What expires in the next 30 days?", NOW) == ExpiryWatch(days=30)
    assert read("What expires within 2 weeks? And mend the schedule.", NOW) == ExpiryWatch(days=14, act=True)
    asked = read("What expires?", NOW)
    assert isinstance(asked, Question)
    assert asked.missing == ("days",)
    assert read("What expires?\nin the next week", NOW) == ExpiryWatch(days=7)
    assert isinstance(read("What expires in the next 9999 days?", NOW), Question)
    assert isinstance(read("What expires in the next week, do not mend the schedule", NOW), Question)


@pytest.mark.parametrize(
    ("words", "event"),
    [
        (f"The clearance {CLR} was revoked.", {"kind": "clearance_lost", "clearance": CLR}),
        (f"{CLR} no longer stands", {"kind": "clearance_lost", "clearance": CLR}),
        (f"Pull {MEDIA}", {"kind": "asset_pulled", "media": MEDIA}),
        (f"The rights of {MEDIA} changed.", {"kind": "rights_changed", "media": MEDIA}),
        (f"The embargo on {MEDIA} is lifted", {"kind": "embargo_lifted", "media": MEDIA}),
        (
            "north-one is down from 2026-11-24T19:00Z to 2026-11-24T23:00+02:00",
            {
                "kind": "channel_down",
                "channel": "north-one",
                "window": TimeRange(start=SEVEN, end=SEVEN + timedelta(hours=2)),
            },
        ),
        (
            'Breaking news on channel north at 2026-11-24T19:00Z for 90 min: "The flood"',
            {
                "kind": "breaking_news",
                "channel": "north",
                "start": SEVEN,
                "duration_seconds": 5400,
                "title": "The flood",
            },
        ),
    ],
)
def test_an_event_is_read_from_words(words: str, event: dict[str, object]) -> None:
    read = parse_reschedule_request(words, NOW)
    assert isinstance(read, RescheduleRequest)
    assert read.event == ScheduleEvent.model_validate(event)
    assert (read.apply, read.reason) == (True, words)


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("reschedule", ("kind",)),
        ("the clearance was revoked", ("clearance",)),
        ("north-one is down from 2026-11-24T19:00Z", ("window",)),
        ("north-one is down from 2026-11-24T19:00Z to 2026-11-24T18:00Z", ("window",)),
        ("Breaking news on north-one", ("start", "duration_seconds", "title")),
        ("Breaking news on north-one at 2026-11-24T19:00 for 30 min", ("start", "title")),
        ("pull it", ("media",)),
    ],
)
def test_an_event_that_lacks_something_asks_for_it(words: str, missing: tuple[str, ...]) -> None:
    asked = parse_reschedule_request(words, NOW)
    assert isinstance(asked, Question)
    assert asked.missing == missing


def test_an_event_with_a_condition_is_asked_back_and_a_preview_changes_nothing() -> None:
    asked = parse_reschedule_request(f"{CLR} was revoked, but keep France", NOW)
    assert isinstance(asked, Question)
    assert "'keep France'" in asked.text
    shown = parse_reschedule_request(f"What would change if {CLR} was revoked?", NOW)
    assert isinstance(shown, RescheduleRequest)
    assert not shown.apply


def test_a_week_is_read_with_each_cut_its_length_and_title() -> None:
    words = f'Plan from Monday for a week: {CLR} 15 s "The lantern", {CLR2} (2 min) on north-one and YouTube'
    read = parse_week_request(words, NOW)
    assert isinstance(read, WeekRequest)
    assert [(each.title, each.seconds, each.platforms) for each in read.items] == [
        ("The lantern", 15, ("social.youtube",)),
        (f"Cut cleared by {CLR2}", 120, ("social.youtube",)),
    ]
    assert read.channels == ("north-one",)
    start = datetime(2026, 11, 23, tzinfo=UTC)
    assert read.window == TimeRange(start=start, end=start + timedelta(days=7))
    assert (read.hold, read.partial) == (True, False)


def test_one_length_may_stand_for_all_cuts_and_holding_may_be_left_out() -> None:
    read = parse_week_request(f"Only plan {CLR} and {CLR2}, 15 s each, for the next month", NOW)
    assert isinstance(read, WeekRequest)
    assert [each.seconds for each in read.items] == [15, 15]
    assert not read.hold


def test_a_week_without_cuts_lengths_or_an_end_is_asked_back() -> None:
    for words, missing in (
        ("Plan the week from Monday for a week", ("items",)),
        (f"Plan {CLR} 15 s", ("window",)),
        (f"Plan {CLR} 15 s from Monday", ("window",)),
    ):
        asked = parse_week_request(words, NOW)
        assert isinstance(asked, Question)
        assert asked.missing == missing
    length = parse_week_request(f"Plan for the next week: {CLR} 15 s, {CLR2}", NOW)
    assert isinstance(length, Question)
    assert f"How long is the cut under {CLR2}?" in length.text


def test_why_and_why_not_are_read_and_what_is_not_named_is_asked() -> None:
    assert parse_slot_question(f"Why is {PUB} there?", NOW) == SlotQuestion(publication=PUB)
    not_there = parse_slot_question(f"Why not {PUB} at 2026-11-24T19:00Z on north-one?", NOW)
    assert not_there == SlotQuestion(publication=PUB, channel="north-one", start=SEVEN)
    cut = parse_slot_question(f"Why not a cut of 15 s under {CLR} on north-one at 2026-11-24T19:00Z?", NOW)
    assert cut == SlotQuestion(clearance=CLR, seconds=15, channel="north-one", start=SEVEN)
    for words, missing in (("Why?", ("publication",)), (f"Why not {CLR}?", ("channel", "start", "seconds"))):
        asked = parse_slot_question(words, NOW)
        assert isinstance(asked, Question)
        assert asked.missing == missing
