"""The main job over real sockets: a brief in plain words becomes a cleared, approved and scheduled highlight."""

import io
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from a2a.types.a2a_pb2 import TaskState
from holdback.attempts import Attempts
from holdback.story import decide
from holdback.telling import Teller
from holdback_agents.contracts import ApprovalQuestion, Cell, ClearanceReport, ClearanceRequest, Highlight, Progress
from holdback_agents.runtime.parts import data_part, message, result_of, words_of
from holdback_agents.runtime.peers import Listener
from holdback_base.problem import Problem
from holdback_servers.media_store import MediaStore
from holdback_trust.audit_check import rows, verify
from holdback_trust.statements import read_cut, read_proof, sign_cut

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Story:
    """What the asker and the approver saw."""

    progress: list[Progress]
    waited: str
    question: ApprovalQuestion
    refused: dict[str, Problem]
    ended: str
    highlight: Highlight
    booked: list[dict[str, Any]]
    lied: ClearanceReport

    def cell(self, version: int, territory: str) -> Cell:
        report = self.highlight.versions[version].report
        assert report is not None
        return next(cell for cell in report.cells if territory in cell.territories)


async def told_at(house: Any) -> Story:
    """The whole story, with everything tried that must not work."""
    job = await house.job().send(house.pack.brief.text)
    waited, question = job.state, job.question
    attempts = Attempts(house.sam, Teller(io.StringIO(), live=False, clock=time.monotonic), [])
    await attempts.own_approval(question)
    await attempts.without_approval(question)
    await decide(house.alex, question, "approved", "good")
    await job.followed()
    told = job.highlight
    await attempts.old_clearance(told.versions[0], told.versions[-1])
    await attempts.other_places_and_times(told)
    await attempts.changed_cut(told)
    await attempts.second_commit(told)
    await attempts.second_slot(told)
    await attempts.own_revocation(told)
    booked = (await house.sam.tool("schedule.get_schedule"))["items"]
    refused = {each.tried: Problem(each.code, each.message, each.hint) for each in attempts.refusals}
    lied = await _cleared_by_its_list_alone(house, told)
    return Story(job.progress, waited, question, refused, job.state, told, booked, lied)


async def _cleared_by_its_list_alone(house: Any, told: Highlight) -> ClearanceReport:
    """Compliance's answer on the first cut's bytes under the last cut's element list, as a cutting room that errs would
    sign it: every condition is said to be met, and in the file none is."""
    first, last = told.versions[0], told.versions[-1]
    services = house.doors["editing"].services
    facts = read_cut(last.statement, services.ring, services.clock()).facts()
    false = sign_cut(services.keys, "mcp:editing", facts.model_copy(update={"media": first.media}), services.clock())
    asked = ClearanceRequest(
        cut_statements=(false,),
        territories=("GB",),
        platforms=("social.youtube",),
        window=told.brief.window,
    )
    words = message([data_part(asked)], message_id=house.foundation.new_id("evt"), skill="clear-rights")
    task = await house.sam.peers.converse(house.sam.peer("compliance"), words, Listener(_ignored, _ignored))
    found = result_of(task, ClearanceReport, ClearanceReport.schema_uri())
    assert found is not None, f"{TaskState.Name(task.status.state)}: {words_of(task.status.message.parts)}"
    return found


async def _ignored(_told: Any) -> None:
    return None


def the_first_cut_is_denied_everywhere_with_the_rights_that_stand_in_the_way(house: Any, story: Story) -> None:
    report = story.highlight.versions[0].report
    assert report is not None
    assert report.verdict == "DENIED"
    codes = {reason.code for reason in report.reasons}
    assert codes == {"EMBARGO", "HOLDBACK", "CONDITION_UNMET", "NO_RIGHTS_IN", "CONTRACT_NOT_ACTIVE"}
    assert all(reason.right and reason.right.startswith("rgt_") and reason.clause for reason in report.reasons)


def the_second_cut_meets_the_conditions_and_opens_in_time_and_place(house: Any, story: Story) -> None:
    final = story.highlight.versions[-1]
    assert (final.name, final.width, final.height, final.frames) == ("v2", 720, 1280, 24)
    changed = " ".join(final.changes)
    assert all(word in changed for word in ("Music", "Blur", "Credit", "9:16", "Loudness"))
    assert (final.picks[0].record_in, final.picks[-1].record_out) == (0, final.frames)
    assert all("butterfly" in each.reason and (each.confidence or 0) > 50 for each in final.picks)
    gb, de, us = (story.cell(-1, place) for place in ("GB", "DE", "US"))
    assert (gb.verdict, de.verdict, us.verdict) == ("PARTIAL", "PARTIAL", "DENIED")
    assert de.windows[0].start > gb.windows[0].start + timedelta(days=7)
    assert us.windows == ()
    assert any("US" in line or "United States" in line for line in story.highlight.not_included)


def the_final_cut_is_a_film_of_the_size_and_length_that_was_asked_for(house: Any, story: Story) -> None:
    final = story.highlight.versions[-1]
    with av.open(str(MediaStore(house.home / "media").path(final.media))) as film:
        assert sum(1 for _ in film.decode(video=0)) == 24
        assert (film.streams.video[0].width, film.streams.video[0].height) == (720, 1280)
        assert film.streams.audio


def progress_names_the_chain_of_agents_and_counts_on(house: Any, story: Story) -> None:
    paths = {each.path for each in story.progress}
    assert paths == {
        ("editing-assistant",),
        ("editing-assistant", "compliance"),
        ("editing-assistant", "scheduler"),
        ("editing-assistant", "scheduler", "compliance"),  # asked once more before the commit
    }
    numbers = [each.seq for each in story.progress]
    assert numbers == sorted(numbers)  # who comes back is told the latest once more
    assert any(each.unit == "frames" and each.done for each in story.progress)
    cells = {each.seq for each in story.progress if " on social." in each.text}
    assert len(cells) == 12


def a_second_person_approves_and_only_then_it_is_committed(house: Any, story: Story) -> None:
    assert (story.waited, story.ended) == ("INPUT_REQUIRED", "COMPLETED")
    assert story.question.media == story.highlight.versions[-1].media
    assert story.highlight.approval.by == "person:alex"
    assert {each.state for each in story.highlight.publications} == {"scheduled"}
    assert {each.channel for each in story.highlight.publications} == {
        "harbourlight-youtube",
        "harbourlight-instagram",
    }
    embargo = story.cell(-1, "GB").windows[0].start
    assert all(each.start >= embargo for each in story.highlight.publications)
    places = {place for each in story.highlight.publications for one in each.availability for place in one.territories}
    assert places == {"GB", "DE"}


def the_conditions_are_proven_from_the_last_cut_itself(house: Any, story: Story) -> None:
    report = story.highlight.versions[-1].report
    assert report is not None
    proven = {each.type: each.evidence for each in report.conditions if each.evidence is not None}
    assert {kind: each.verdict for kind, each in proven.items()} == {"blur": "proven", "credit": "proven"}, proven
    (statement,) = report.proofs
    assert read_proof(statement, house.foundation.ring, house.foundation.clock())["sub"] == report.media[0]
    assert all(MediaStore(house.home / "media").has(each.still or "") for each in proven.values())


def a_cut_whose_list_says_what_its_picture_does_not_show_is_not_cleared(house: Any, story: Story) -> None:
    assert story.lied.verdict == "CONDITIONAL"
    assert (story.lied.clearance, story.lied.statement) == (None, None)
    assert story.lied.open_territories() == ()
    said = {each.type: each.evidence.verdict for each in story.lied.conditions if each.evidence}
    assert said["blur"] == "contradicted"
    assert said["credit"] == "contradicted"
    assert "The cut itself says otherwise" in story.lied.summary


def the_edit_list_the_timeline_and_the_calendar_come_with_it(house: Any, story: Story) -> None:
    kept = {Path(each.filename).suffix: each.content for each in story.highlight.files}
    assert kept.keys() == {".edl", ".otio", ".ics"}
    assert kept[".edl"].startswith("TITLE:")
    assert "OTIO_SCHEMA" in kept[".otio"]
    assert {each.id for each in story.highlight.publications} == set(re.findall(r"pub_\w+", kept[".ics"]))
    assert "TENTATIVE" not in kept[".ics"]


def what_must_not_work_is_refused_by_its_name(house: Any, story: Story) -> None:
    expected = {
        "Approve what I asked for myself": "SEPARATION_OF_DUTIES",
        "Publish before anybody has approved": "APPROVAL_REQUIRED",
        "Use the clearance of v1 for v2": "CLEARANCE_HASH_MISMATCH",
        "before the embargo ends": "OUTSIDE_CLEARED_WINDOW",
        "Publish in US": "TERRITORY_NOT_CLEARED",
        "a changed cut with the old clearance": "CLEARANCE_HASH_MISMATCH",
        "cleared again, with the old approval": "APPROVAL_HASH_MISMATCH",
        "Commit the same publication again": "ALREADY_COMMITTED",
        "with the same approval": "APPROVAL_REQUIRED",
        "Take back the approval": "SEPARATION_OF_DUTIES",
    }
    found = {words: next(each.code for name, each in story.refused.items() if words in name) for words in expected}
    assert found == expected
    assert all(each.message for each in story.refused.values())


def the_refused_attempts_leave_nothing_on_the_books(house: Any, story: Story) -> None:
    standing = {each["id"] for each in story.booked if each["state"] == "scheduled"}
    assert standing == {each.id for each in story.highlight.publications}
    assert not [each for each in story.booked if each["state"] == "held" and "(attempt)" in each["title"]]


def every_step_of_it_is_in_a_log_that_verifies(house: Any, story: Story) -> None:
    report = verify(house.home / "audit", house.foundation.ring)
    assert report.ok, report.text()
    written = [row for _, row in rows(house.home / "audit")]
    commits = [row for row in written if row.action == "schedule.commit_publication" and row.decision == "allowed"]
    assert len(commits) == len(story.highlight.publications)
    assert {(row.actor, row.on_behalf_of) for row in commits} == {("agent:scheduler", "person:sam")}
    decided = [row for row in written if row.actor == "person:alex" and "approv" in row.action]
    assert decided


CHECKS = (
    the_first_cut_is_denied_everywhere_with_the_rights_that_stand_in_the_way,
    the_second_cut_meets_the_conditions_and_opens_in_time_and_place,
    the_final_cut_is_a_film_of_the_size_and_length_that_was_asked_for,
    progress_names_the_chain_of_agents_and_counts_on,
    a_second_person_approves_and_only_then_it_is_committed,
    the_conditions_are_proven_from_the_last_cut_itself,
    a_cut_whose_list_says_what_its_picture_does_not_show_is_not_cleared,
    the_edit_list_the_timeline_and_the_calendar_come_with_it,
    what_must_not_work_is_refused_by_its_name,
    the_refused_attempts_leave_nothing_on_the_books,
    every_step_of_it_is_in_a_log_that_verifies,
)


async def test_a_brief_in_words_becomes_a_cleared_approved_and_scheduled_highlight(
    house: Any, subtests: pytest.Subtests
) -> None:
    story = await told_at(house)
    for check in CHECKS:
        with subtests.test(check.__name__.replace("_", " ")):
            check(house, story)
