"""The task book: when a task begins, goes on and ends, and what is never given to one."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from holdback_agents.gateway.store import METADATA
from holdback_agents.gateway.task_store import HeldTask
from holdback_agents.gateway.tasks import RENEWED_FROM, WINDOW, Entered, NamedTask, TaskBook
from holdback_base.database import Database
from holdback_base.problem import Problem
from holdback_trust.grants import plan
from holdback_trust.identity import Caller
from holdback_trust.task_policy import mint, policy_sha256

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EDITOR, COMPLIANCE, SCHEDULER = "agent:editing-assistant", "agent:compliance", "agent:scheduler"
HIGHLIGHT = NamedTask(id="task-1", skill="make-highlight", context="story-1")
RIGHTS = NamedTask(id="task-2", skill="clear-rights")


class Hand:
    """A clock that stands until it is moved."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "gateway.sqlite", METADATA)
    yield opened
    opened.close()


@pytest.fixture
def book(database: Database, clock: Hand) -> TaskBook:
    return TaskBook(database, clock, plan)


def sam(
    clock: Hand, audience: str = EDITOR, skill: str = "make-highlight", jti: str = "tok-1", **more: object
) -> Caller:
    fields = {"scopes": frozenset({f"{audience}:{skill}", "assets:read"}), "expires": clock() + timedelta(minutes=5)}
    return Caller.model_validate({"person": "person:sam", "audience": audience, "token_id": jti, **fields, **more})


def below(clock: Hand, held: HeldTask, skill: str = "clear-rights", jti: str = "tok-2", **more: object) -> Caller:
    """What a token names with which the agent of a task goes to compliance."""
    fields = {"agent": held.agent, "chain": (held.agent,), "task": held.claim, "level": 200}
    return sam(clock, COMPLIANCE, skill, jti, **(fields | more))


def refused(code: str, words: str, book: TaskBook, *given: object) -> None:
    with pytest.raises(Problem) as caught:
        book.enter(*given)  # type: ignore[arg-type]
    assert (caught.value.code, words in caught.value.message) == (code, True), caught.value.line()


def test_a_task_that_a_person_begins_is_its_own_root_and_has_the_plan_of_its_skill(book: TaskBook, clock: Hand) -> None:
    entered = book.enter(sam(clock), EDITOR, HIGHLIGHT)
    claim = entered.held.claim
    assert (entered.first, entered.renewed) == (True, False)
    assert (claim.id, claim.root, claim.skill) == ("task-1", "task-1", "make-highlight")
    assert claim.tools == plan(EDITOR, "make-highlight")
    assert claim.expires == NOON + WINDOW
    assert claim.policy == policy_sha256(mint(claim, EDITOR, "person:sam"))


def test_a_task_that_an_agent_gives_has_the_same_root_and_ends_no_later(book: TaskBook, clock: Hand) -> None:
    above = book.enter(sam(clock), EDITOR, HIGHLIGHT).held
    clock.now += timedelta(minutes=4)
    claim = book.enter(below(clock, above), COMPLIANCE, RIGHTS).held.claim
    assert (claim.id, claim.root) == ("task-2", "task-1")
    assert claim.expires == above.claim.expires
    assert claim.tools == plan(COMPLIANCE, "clear-rights")


def test_the_same_token_again_is_the_same_task_and_tells_no_new_things(book: TaskBook, clock: Hand) -> None:
    first = book.enter(sam(clock), EDITOR, HIGHLIGHT)
    again = book.enter(sam(clock), EDITOR, HIGHLIGHT)
    assert again == Entered(first.held, first=False, renewed=False)


def test_a_token_that_is_about_to_expire_or_has_is_renewed_for_the_task_it_came_with(
    book: TaskBook, clock: Hand
) -> None:
    subject = sam(clock)
    book.enter(subject, EDITOR, HIGHLIGHT)
    for moment, renewed in (
        (subject.expires - RENEWED_FROM, False),
        (subject.expires - RENEWED_FROM + timedelta(seconds=1), True),
        (subject.expires + timedelta(hours=1), True),
    ):
        clock.now = moment
        assert book.enter(subject, EDITOR, HIGHLIGHT).renewed == renewed


def test_a_token_that_has_expired_begins_nothing_and_joins_nothing(book: TaskBook, clock: Hand) -> None:
    old, other = sam(clock), sam(clock, jti="tok-9")
    book.enter(other, EDITOR, HIGHLIGHT)
    clock.now = old.expires
    refused("UNAUTHENTICATED", "it has expired", book, old, EDITOR, HIGHLIGHT)
    refused("UNAUTHENTICATED", "it has expired", book, old, EDITOR, HIGHLIGHT.model_copy(update={"id": "task-3"}))


def test_a_further_message_brings_its_own_token_which_then_is_the_tasks(book: TaskBook, clock: Hand) -> None:
    book.enter(sam(clock), EDITOR, HIGHLIGHT)
    clock.now += timedelta(hours=1)
    entered = book.enter(sam(clock, jti="tok-2"), EDITOR, HIGHLIGHT)
    assert entered.first
    assert entered.held.session.token_id == "tok-2"
    assert entered.held.subjects == ("tok-1", "tok-2")


def test_after_the_window_nothing_is_renewed(book: TaskBook, clock: Hand) -> None:
    subject = sam(clock)
    book.enter(subject, EDITOR, HIGHLIGHT)
    clock.now = NOON + WINDOW - timedelta(seconds=1)
    assert book.enter(subject, EDITOR, HIGHLIGHT).renewed
    clock.now = NOON + WINDOW
    refused("TASK_ENDED", "its window is over", book, subject, EDITOR, HIGHLIGHT)


def test_an_agent_begins_no_skill_that_its_token_does_not_ask_for(book: TaskBook, clock: Hand) -> None:
    named = NamedTask(id="t", skill="check-publication")
    refused("PERMISSION_DENIED", "did not ask", book, sam(clock, COMPLIANCE, "clear-rights"), COMPLIANCE, named)


def test_an_agent_begins_nothing_with_a_token_that_was_meant_for_another(book: TaskBook, clock: Hand) -> None:
    refused("PERMISSION_DENIED", "meant for", book, sam(clock), COMPLIANCE, RIGHTS)


def test_an_agent_that_acts_for_no_task_can_give_none(book: TaskBook, clock: Hand) -> None:
    lone = sam(clock, COMPLIANCE, "clear-rights", chain=(EDITOR,), agent=EDITOR)
    refused("PERMISSION_DENIED", "acts for no task", book, lone, COMPLIANCE, RIGHTS)


def test_a_task_asks_only_for_skills_of_its_plan(book: TaskBook, clock: Hand) -> None:
    above = book.enter(sam(clock), EDITOR, HIGHLIGHT).held
    subject = below(clock, above, "watch-expiry")
    refused("PERMISSION_DENIED", "plan", book, subject, COMPLIANCE, NamedTask(id="t", skill="watch-expiry"))


def test_a_task_that_was_made_up_gives_nothing(book: TaskBook, clock: Hand) -> None:
    above = book.enter(sam(clock), EDITOR, HIGHLIGHT).held
    wider = above.claim.model_copy(update={"tools": above.claim.tools | {"watch-expiry"}})
    unknown = above.claim.model_copy(update={"id": "task-x"})
    for claim in (wider, unknown):
        subject = below(clock, above.model_copy(update={"claim": claim}))
        refused("PERMISSION_DENIED", "not in the book", book, subject, COMPLIANCE, RIGHTS)


def test_no_task_is_given_by_one_that_has_ended(book: TaskBook, clock: Hand) -> None:
    above = book.enter(sam(clock), EDITOR, HIGHLIGHT).held
    book.end("task-1", "it was done")
    refused("TASK_ENDED", "it was done", book, below(clock, above), COMPLIANCE, RIGHTS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"person": "person:kim", "token_id": "tok-9"}, "no task"),
        ({"person": "person:kim"}, "no task"),
    ],
)
def test_a_task_is_of_one_person(book: TaskBook, clock: Hand, change: dict[str, str], words: str) -> None:
    book.enter(sam(clock), EDITOR, HIGHLIGHT)
    refused("PERMISSION_DENIED", words, book, sam(clock).model_copy(update=change), EDITOR, HIGHLIGHT)


def test_a_task_is_of_one_agent_whatever_another_calls_its_own(book: TaskBook, clock: Hand) -> None:
    above = book.enter(sam(clock), EDITOR, HIGHLIGHT).held
    stolen = RIGHTS.model_copy(update={"id": "task-1"})
    refused("PERMISSION_DENIED", "has no task", book, below(clock, above), COMPLIANCE, stolen)


def test_a_task_stays_with_its_skill_and_its_root(book: TaskBook, clock: Hand) -> None:
    both = frozenset({f"{COMPLIANCE}:clear-rights", f"{COMPLIANCE}:watch-expiry"})
    mine = sam(clock, COMPLIANCE, scopes=both)
    book.enter(mine, COMPLIANCE, RIGHTS)
    other_skill = RIGHTS.model_copy(update={"skill": "watch-expiry"})
    refused("PERMISSION_DENIED", "is for clear-rights", book, mine, COMPLIANCE, other_skill)
    above = book.enter(sam(clock, jti="tok-5"), EDITOR, HIGHLIGHT).held
    refused("PERMISSION_DENIED", "another root", book, below(clock, above), COMPLIANCE, RIGHTS)


def test_who_ends_a_task_ends_all_that_came_of_it_and_nothing_beside_it(book: TaskBook, clock: Hand) -> None:
    above = book.enter(sam(clock), EDITOR, HIGHLIGHT).held
    middle = book.enter(below(clock, above), COMPLIANCE, RIGHTS).held
    beside = book.enter(sam(clock, jti="tok-8"), EDITOR, HIGHLIGHT.model_copy(update={"id": "task-8"})).held
    assert [each.id for each in book.end("task-1", "stopped")] == ["task-1", "task-2"]
    assert book.end("task-1", "again") == []
    assert [each.id for each in book.living()] == [beside.id]
    found = book.find(middle.id)
    assert found is not None
    assert (found.ended, found.why) == (clock(), "stopped")


def test_ending_what_was_given_leaves_the_giver_alone(book: TaskBook, clock: Hand) -> None:
    above = book.enter(sam(clock), EDITOR, HIGHLIGHT).held
    book.enter(below(clock, above), COMPLIANCE, RIGHTS)
    book.end("task-2", "done")
    assert [each.id for each in book.living()] == ["task-1"]


def test_all_of_it_is_there_again_after_a_restart(book: TaskBook, database: Database, clock: Hand) -> None:
    subject = sam(clock)
    above = book.enter(subject, EDITOR, HIGHLIGHT).held
    middle = book.enter(below(clock, above), COMPLIANCE, RIGHTS).held
    book.end(middle.id, "done")
    database.submit(lambda _: None).result()  # all that was written before is on the disk
    again = TaskBook(database, clock, plan)
    clock.now += timedelta(hours=2)
    assert again.enter(subject, EDITOR, HIGHLIGHT) == Entered(above, first=False, renewed=True)
    assert again.resume(EDITOR, "task-1") == above
    assert [each.id for each in again.begun_with("tok-1")] == ["task-1"]
    assert [each.id for each in again.end("task-1", "stopped")] == ["task-1"]


@pytest.mark.parametrize("written", [{"begun"}, {"begun", "joined"}, {"joined"}, set[str]()])
def test_an_end_is_kept_with_all_that_came_before_it_whenever_that_was_written(
    book: TaskBook, database: Database, clock: Hand, written: set[str]
) -> None:
    steps = {
        "begun": lambda: book.enter(sam(clock), EDITOR, HIGHLIGHT),
        "joined": lambda: book.enter(sam(clock, jti="tok-2"), EDITOR, HIGHLIGHT),
        "ended": lambda: book.end("task-1", "stopped"),
    }
    busy = threading.Event()
    database.submit(lambda _: busy.wait())  # until then what comes waits for the disk together
    for name, step in steps.items():
        step()
        if name in written:
            busy.set()
            database.submit(lambda _: None).result()
            busy = threading.Event()
            database.submit(lambda _, busy=busy: busy.wait())
    busy.set()
    database.submit(lambda _: None).result()
    kept = TaskBook(database, clock, plan).find("task-1")
    assert kept == book.find("task-1")
    assert kept is not None
    assert (kept.why, kept.subjects, kept.session.token_id) == ("stopped", ("tok-1", "tok-2"), "tok-2")


def test_a_task_is_taken_up_again_by_its_own_agent_only_and_while_it_lives(book: TaskBook, clock: Hand) -> None:
    book.enter(sam(clock), EDITOR, HIGHLIGHT)
    for agent, identity in ((COMPLIANCE, "task-1"), (EDITOR, "task-9")):
        with pytest.raises(Problem) as unknown:
            book.resume(agent, identity)
        assert unknown.value.code == "NOT_FOUND"
    book.end("task-1", "stopped")
    with pytest.raises(Problem) as ended:
        book.resume(EDITOR, "task-1")
    assert ended.value.code == "TASK_ENDED"


@pytest.mark.parametrize(
    "form",
    [
        {"skill": "make-highlight"},
        {"task": "t"},
        {"task": "a b", "skill": "make-highlight"},
        {"task": "x" * 201, "skill": "make-highlight"},
        {"task": "t\n", "skill": "make-highlight"},
        {"task": 't" || true', "skill": "make-highlight"},
        {"task": "t", "skill": "make-highlight", "things": " ".join(f"t{each}" for each in range(2001))},
    ],
)
def test_a_task_that_is_not_named_properly_is_refused(form: dict[str, str]) -> None:
    with pytest.raises(Problem) as caught:
        NamedTask.of_form(form)
    assert caught.value.code == "INVALID_ARGUMENT"
