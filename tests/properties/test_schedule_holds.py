"""Two planners on one store: no slot is given twice, nothing committed is lost, whatever the order of what they do."""

from datetime import UTC, datetime, timedelta

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule import books, store
from holdback_servers.schedule.admission import ApprovalFacts, ClearanceFacts
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import conflicts
from holdback_servers.schedule.model import Availability, Publication
from holdback_servers.schedule.run_orders.orders import intend
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from sqlalchemy import Connection

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
MEDIA = "sha256:" + "a" * 64
GAP, SEPARATION, CAP = timedelta(minutes=30), timedelta(hours=2), 3
CHANNEL = Channel.model_validate(
    {
        "name": "one",
        "title": "One",
        "kind": "social",
        "platform": "social.youtube",
        "territories": ["GB"],
        "reach": {"source": "none", "hours": {"all": [50] * 24}},
        "daily_cap": CAP,
        "min_gap_minutes": 30,
        "title_separation_hours": 2,
    }
)
ALWAYS = ClearedCell(territories=("GB",), platforms=("all",), windows=(TimeRange(start=NOW),))
ADMISSION = store.Admission(
    clearance=ClearanceFacts(id="clr_A", elements={MEDIA: MEDIA}, issued=NOW, cells=(ALWAYS,)),
    approval=ApprovalFacts(
        id="apr_A",
        subject=MEDIA,
        media=frozenset({MEDIA}),
        elements=MEDIA,
        clearance="clr_A",
        decision="approved",
        by="person:mia",
        asked_by="person:sam",
        expires=NOW + timedelta(days=9),
    ),
    papers=store.Papers(clearance="a clearance", approval="an approval", approved_at=NOW),
)


def commit(c: Connection, hold: str, now: datetime) -> Publication:
    """Commit a hold that takes no run of any right."""
    becoming = store.committable(c, hold, ADMISSION, now)
    actor = books.Actor(by="agent:scheduler", on_behalf_of="person:sam")
    return store.commit(c, hold, ADMISSION, actor, now, reservation={becoming.id: intend(c, becoming, now)})


class Planners(RuleBasedStateMachine):
    """`expected` is what should be on the books: id -> (start, title, state, expires)."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.new_id = id_maker(lambda: self.now)
        self.database = Database(None, store.METADATA)
        self.expected: dict[str, tuple[datetime, str, str, datetime]] = {}
        self.by_hold: dict[str, str] = {}
        actor = books.Actor(by="person:sam", on_behalf_of="person:sam")
        self.database.submit(lambda c: books.save_channel(c, CHANNEL, actor, NOW)).result()

    def teardown(self) -> None:
        self.database.close()

    def _on_books(self) -> list[tuple[datetime, str]]:
        return [
            (start, title)
            for start, title, state, expires in self.expected.values()
            if state == "scheduled" or (state == "held" and expires > self.now)
        ]

    def _free(self, start: datetime, title: str) -> bool:
        others = self._on_books()
        day = (start - timedelta(hours=6)).date()
        return (
            start > self.now
            and all(abs(start - other) >= GAP for other, _ in others)
            and all(abs(start - other) >= SEPARATION for other, name in others if name == title)
            and sum((other - timedelta(hours=6)).date() == day for other, _ in others) < CAP
        )

    @rule(
        target=holds,
        quarter=st.integers(0, 120),
        title=st.sampled_from(["A", "B", "C"]),
        planner=st.sampled_from(["person:sam", "person:eve"]),
        minutes=st.sampled_from([5, 60, 600]),
    )
    def hold(self, quarter: int, title: str, planner: str, minutes: int) -> object:
        start = NOW + timedelta(minutes=15 * quarter)
        publication = Publication(
            id=self.new_id("pub"),
            channel="one",
            platform="social.youtube",
            title=title,
            media=MEDIA,
            availability=(Availability(territories=("GB",), start=start),),
            start=start,
            state="held",
            hold=self.new_id("hold"),
            expires=self.now + timedelta(minutes=minutes),
            by=planner,
            on_behalf_of=planner,
        )
        free = self._free(start, title)
        if not free:
            with pytest.raises(Problem) as refused:
                self.database.submit(lambda c: store.hold(c, publication, "held", self.now)).result()
            assert refused.value.code in ("SLOT_TAKEN", "SLOT_REFUSED", "INVALID_ARGUMENT")
            return multiple()
        held = self.database.submit(lambda c: store.hold(c, publication, "held", self.now)).result()
        self.expected[publication.id] = (start, title, "held", held.expires)
        self.by_hold[held.id] = publication.id
        return held.id

    @rule(hold=holds)
    def commit(self, hold: str) -> None:
        start, title, state, expires = self.expected[self.by_hold[hold]]
        refusal = self._refusal(start, state, expires)
        if refusal is not None:
            with pytest.raises(Problem) as refused:
                self.database.submit(lambda c: commit(c, hold, self.now)).result()
            assert refused.value.code == refusal
            return
        done = self.database.submit(lambda c: commit(c, hold, self.now)).result()
        assert done.state == "scheduled"
        self.expected[done.id] = (start, title, "scheduled", expires)

    def _refusal(self, start: datetime, state: str, expires: datetime) -> str | None:
        if state == "scheduled":
            return "ALREADY_COMMITTED"
        if expires <= self.now:
            return "HOLD_EXPIRED"
        return "INVALID_ARGUMENT" if start <= self.now else None

    @rule(hold=consumes(holds))
    def cancel(self, hold: str) -> None:
        actor = books.Actor(by="person:eve", on_behalf_of="person:eve")
        gone = self.database.submit(lambda c: store.cancel(c, hold, "why not", actor, self.now)).result()
        start, title, state, expires = self.expected[gone.id]
        if state == "scheduled" and start <= self.now:
            assert gone.state == "taken_down"
            state = "scheduled"  # it has been up: it still counts
        else:
            assert gone.state == "cancelled"
            state = "cancelled"
        self.expected[gone.id] = (start, title, state, expires)

    @rule(minutes=st.sampled_from([1, 10, 90]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def the_books_are_what_was_promised_and_break_no_rule(self) -> None:
        window = TimeRange(start=NOW, end=NOW + timedelta(days=3))
        kept = self.database.submit(lambda c: books.read_books(c, CHANNEL, window, self.now)).result()
        assert conflicts(kept) == []
        assert sorted((each.start, each.title) for each in kept.placed) == sorted(self._on_books())


TestPlanners = Planners.TestCase
TestPlanners.settings = settings(stateful_step_count=25)
