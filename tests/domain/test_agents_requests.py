"""Compliance and the scheduler understand plain words too, and ask back what the words leave open."""

from datetime import UTC, datetime

from holdback_agents.compliance.request import parse_clearance_request
from holdback_agents.contracts import ClearanceRequest, CommitRequest, PublicationRequest, Question
from holdback_agents.scheduler.request import chosen_skill, parse_commit_request, parse_publication_request
from holdback_base.ids import id_maker
from holdback_trust.keys import KeyPair, sign_jws

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NEW_ID = id_maker(lambda: NOW)
KEYS = KeyPair.generate()


def _signed(typ: str) -> str:
    return sign_jws(KEYS, typ, {"iss": "mcp:rights", "sub": "x"})


def test_a_question_about_an_asset_is_understood() -> None:
    asset = NEW_ID("ast")
    asked = parse_clearance_request(f"May {asset} be shown on YouTube in GB and DE from 24 Nov to 24 Dec?", NOW)
    assert isinstance(asked, ClearanceRequest)
    assert asked.assets == (asset,)
    assert (asked.territories, asked.platforms) == (("GB", "DE"), ("social.youtube",))
    assert asked.window.end == datetime(2026, 12, 25, tzinfo=UTC)


def test_a_signed_cut_statement_in_the_words_is_taken_and_other_statements_are_not() -> None:
    cut, other = _signed("cut+jwt"), _signed("approval+jwt")
    asked = parse_clearance_request(f"Clear {cut} and {other} for TikTok in FR for the next week", NOW)
    assert isinstance(asked, ClearanceRequest)
    assert asked.cut_statements == (cut,)


def test_a_question_that_names_no_cut_is_asked_for_one() -> None:
    asked = parse_clearance_request("May it be shown on YouTube in UK for the next month?", NOW)
    assert isinstance(asked, Question)
    assert asked.missing == ("cut", "territories")
    assert "Did you mean GB?" in asked.text
    assert "ast_" in asked.text


def test_a_wish_for_slots_names_the_clearance() -> None:
    clearance = NEW_ID("clr")
    asked = parse_publication_request(f"Slots for 15 s under {clearance} on Instagram for the next 2 weeks", NOW)
    assert isinstance(asked, PublicationRequest)
    assert (asked.clearance, asked.seconds, asked.platforms) == (clearance, 15, ("social.instagram",))


def test_a_wish_without_clearance_or_length_is_asked_back() -> None:
    asked = parse_publication_request("Find slots on Instagram for the next 2 weeks", NOW)
    assert isinstance(asked, Question)
    assert asked.missing == ("clearance", "seconds")


def test_a_commit_takes_holds_and_both_statements_whatever_their_order() -> None:
    hold, clearance, approval = NEW_ID("hold"), _signed("clearance+jwt"), _signed("approval+jwt")
    asked = parse_commit_request(f"Commit {hold} with {approval} and {clearance}.", NOW)
    assert isinstance(asked, CommitRequest)
    assert asked.holds == (hold,)
    assert (asked.clearance_statement, asked.approval_statement) == (clearance, approval)


def test_a_commit_without_approval_is_asked_for_it() -> None:
    asked = parse_commit_request(f"commit {NEW_ID('hold')} {_signed('clearance+jwt')}", NOW)
    assert isinstance(asked, Question)
    assert asked.missing == ("approval",)


def test_words_that_commit_mean_the_commit_and_others_the_plan() -> None:
    assert chosen_skill("Commit the held slots") == "commit-publication"
    assert chosen_skill("find slots") == "plan-publication"


def test_a_question_of_rights_asks_back_what_it_does_not_understand() -> None:
    asked = parse_clearance_request(f"May {NEW_ID('ast')} be shown on TikTok in FR for the next week, dubbed?", NOW)
    assert isinstance(asked, Question)
    assert "'dubbed'" in asked.text


def test_a_platform_that_must_be_left_out_is_not_read_as_wanted() -> None:
    asked = parse_clearance_request(f"Clear {NEW_ID('ast')} for YouTube, not for TikTok, in FR for the next week", NOW)
    assert isinstance(asked, Question)
    assert "'not for TikTok'" in asked.text


def test_a_wish_for_slots_may_name_territories_and_asks_back_the_rest() -> None:
    words = f"Find slots for the 15 s highlight under {NEW_ID('clr')} on YouTube in GB and DE for the next month"
    asked = parse_publication_request(f"{words}.", NOW)
    assert isinstance(asked, PublicationRequest)
    assert asked.territories == ("GB", "DE")
    late = parse_publication_request(f"{words}, in the evening", NOW)
    assert isinstance(late, Question)
    assert "'evening'" in late.text


def test_two_clearances_are_not_taken_for_one() -> None:
    asked = parse_publication_request(
        f"Slots for 15 s under {NEW_ID('clr')} and {NEW_ID('clr')} on YouTube for the next month", NOW
    )
    assert isinstance(asked, Question)
    assert "more than one clearance" in asked.text
    assert asked.missing == ("clearance",)


def test_a_commit_with_a_condition_is_asked_back() -> None:
    words = f"Commit {NEW_ID('hold')} with {_signed('approval+jwt')} and {_signed('clearance+jwt')}"
    asked = parse_commit_request(f"{words} unless it rains", NOW)
    assert isinstance(asked, Question)
    assert "'unless it rains'" in asked.text
    assert isinstance(parse_commit_request(f"{words} unless it rains\nleave it out", NOW), CommitRequest)


def test_a_window_in_the_past_is_asked_back_by_every_agent() -> None:
    when = "from 2026-01-01 to 2026-01-31"
    for asked in (
        parse_clearance_request(f"May {NEW_ID('ast')} be shown on TikTok in FR {when}", NOW),
        parse_publication_request(f"Slots for 15 s under {NEW_ID('clr')} on TikTok {when}", NOW),
    ):
        assert isinstance(asked, Question)
        assert "lies in the past" in asked.text
