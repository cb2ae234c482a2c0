"""The schedule through a real client: propose, hold, commit, cancel, and all that is refused."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_servers.media_store import MediaStore
from holdback_servers.schedule import server, store
from holdback_servers.schedule.ports import Outside, Transmission
from holdback_servers.services import open_services
from holdback_servers.serving import IDEMPOTENCY_META
from holdback_servers.settings import Settings
from holdback_trust import statements
from holdback_trust.audit import AuditLog
from holdback_trust.enforcing import Enforcement
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from icalendar import Calendar
from mcp.client import Client

RIGHTS, GATEWAY, OWN, STRANGER = (KeyPair.generate() for _ in range(4))
V1, V2, OTHER = ("sha256:" + digit * 64 for digit in "129")
ELEMENTS = "sha256:" + "e" * 64
START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
CELLS = [
    {
        "territories": ["GB"],
        "platforms": ["social.youtube", "social.instagram"],
        "verdict": "CLEARED",
        "windows": [{"start": "2026-11-24T19:00:00Z", "end": "2026-12-24T00:00:00Z"}],
        "reasons": [],
    },
    {
        "territories": ["DE"],
        "platforms": ["social.youtube", "social.instagram"],
        "verdict": "PARTIAL",
        "windows": [{"start": "2026-12-15T00:00:00Z", "end": "2026-12-24T00:00:00Z"}],
        "reasons": ["R1"],
    },
    {"territories": ["US"], "platforms": ["social"], "verdict": "DENIED", "windows": [], "reasons": ["R2"]},
]
HOURS = [10] * 7 + [30] * 5 + [40] * 5 + [60, 75, 95, 100, 90, 60, 30]
PROPOSE = {
    "title": "The butterfly",
    "media": V2,
    "territories": ["GB", "DE", "US"],
    "cleared": CELLS,
    "duration_seconds": 15,
}


def _channel(name: str, platform: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": name.title(),
        "kind": "social",
        "platform": platform,
        "territories": ["WORLD"],
        "time_zone": "Europe/London",
        "daily_cap": 4,
        "min_gap_minutes": 60,
        "title_separation_hours": 12,
        "reach": {"source": "invented", "hours": {"all": HOURS}},
    } | fields


def _clearance(keys: KeyPair = RIGHTS, **claims: Any) -> str:
    now = int(START.timestamp())
    given = {
        "iss": "mcp:rights",
        "sub": V2,
        "elements": ELEMENTS,
        "deliveries": [V2],
        "cells": CELLS,
        "iat": now,
        "exp": now + 86400,
        "jti": "clr_ONE",
    }
    return statements.sign(keys, "clearance+jwt", given | claims)


def _approval(keys: KeyPair = GATEWAY, **claims: Any) -> str:
    now = int(START.timestamp())
    given = {
        "iss": "gateway",
        "sub": V2,
        "elements": ELEMENTS,
        "clearance": "clr_ONE",
        "question": OTHER,
        "decision": "approved",
        "by": "person:mia",
        "for": "person:sam",
        "iat": now,
        "exp": now + 86400,
        "jti": "apr_ONE",
    }
    return statements.sign(keys, "approval+jwt", given | claims)


@dataclass
class House:
    """A schedule with a clock that is set by hand, and what the rights server says of a clearance."""

    now: datetime = START
    status: Literal["valid", "stale", "revoked", "unknown", "down"] = "valid"
    approved: Literal["valid", "revoked", "unknown", "down"] = "valid"
    asked: list[str] = field(default_factory=list)
    client: Client = field(init=False)
    enforcement: Enforcement = field(default_factory=Enforcement)

    async def clearance_status(self, clearance: str) -> Literal["valid", "stale", "revoked", "unknown"]:
        self.asked.append(clearance)
        if self.status == "down":
            raise ConnectionError("nobody there")
        return self.status

    async def approval_status(self, approval: str) -> Literal["valid", "revoked", "unknown"]:
        self.asked.append(approval)
        if self.approved == "down":
            raise ConnectionError("nobody there")
        return self.approved

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        """No right here has a run limit."""

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        """No right here has a run limit."""

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        """No right here has a run limit."""

    async def call(self, tool: str, key: str | None = None, **arguments: Any) -> dict[str, Any]:
        meta: Any = None if key is None else {IDEMPOTENCY_META: key}
        result = await self.client.call_tool(tool, arguments, meta=meta)
        assert result.structured_content is not None
        return {"failed": bool(result.is_error)} | result.structured_content

    async def refusal(self, tool: str, key: str | None = None, **arguments: Any) -> tuple[str, str, str]:
        answer = await self.call(tool, key, **arguments)
        assert answer["failed"], answer
        return answer["code"], answer["message"], answer["hint"]

    async def held(self, **fields: Any) -> dict[str, Any]:
        given: dict[str, Any] = {
            "channel": "tube",
            "title": "The butterfly",
            "media": V2,
            "availability": [_piece("GB", "2026-11-24T20:00:00Z"), _piece("DE", "2026-12-15T00:00:00Z")],
        }
        answer = await self.call("hold_slot", **(given | fields))
        assert not answer["failed"], answer
        return answer


def _piece(territories: str, start: str, end: str | None = "2026-12-24T00:00:00Z") -> dict[str, Any]:
    piece: dict[str, Any] = {"territories": territories.split(), "start": start}
    return piece if end is None else piece | {"end": end}


@asynccontextmanager
async def _house(home: Path, person: str = "person:sam", *, allow_write: bool = True) -> AsyncGenerator[House]:
    house = House()
    ring = KeyRing({"gateway": [GATEWAY.public_jwk], "mcp:rights": [RIGHTS.public_jwk]})
    audit = AuditLog(home / "audit", OWN, lambda: house.now)
    services = open_services(
        Database(home / "db" / "schedule.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=lambda: house.now,
        new_id=id_maker(lambda: house.now),
        keys=OWN,
        ring=ring,
        audit=audit,
        enforcement=house.enforcement,
    )
    local = local_caller(person, allow_write, "mcp:schedule")
    door = server.build(
        services, Outside(house.clearance_status, house, approval_status=house.approval_status), local=local
    )
    try:
        async with Client(door.mcp) as house.client:
            if allow_write:
                for name, platform in (("tube", "social.youtube"), ("gram", "social.instagram")):
                    await house.call("record_channel", channel=_channel(name, platform))
            yield house
    finally:
        audit.close()
        services.database.close()


_WRITING = (
    "record_channel",
    "hold_slot",
    "extend_hold",
    "commit_publication",
    "lock_publication",
    "move_publication",
    "cancel_publication",
)


@pytest.mark.asyncio
async def test_every_tool_has_a_title_a_description_a_schema_and_honest_hints(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        listed = (await house.client.list_tools()).tools
    names = [tool.name for tool in listed]
    assert len(names) == len(set(names))
    assert set(names) >= {"list_channels", "get_schedule", "find_conflicts", "propose_slots", *_WRITING}
    for tool in listed:
        assert tool.title
        assert tool.description
        assert tool.output_schema
        assert tool.annotations is not None
    hints = {tool.name: tool.annotations for tool in listed}
    assert {name for name, hint in hints.items() if hint and not hint.read_only_hint} >= set(_WRITING)
    assert hints["cancel_publication"]
    assert hints["cancel_publication"].destructive_hint


@pytest.mark.asyncio
async def test_proposed_held_and_committed_with_a_clearance_and_an_approval(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        proposal = await house.call("propose_slots", platforms=["social"], **PROPOSE)
        assert [each["channel"] for each in proposal["channels"]] == ["gram", "tube"]
        slot = proposal["channels"][1]["slots"][0]
        assert slot["start"] == "2026-11-24T20:00:00Z"
        hold = await house.held(availability=slot["availability"], reasons=slot["reasons"])
        assert hold["expires"] == "2026-11-22T13:15:00Z"
        assert hold["publication"]["state"] == "held"
        done = await house.call("commit_publication", hold=hold["id"], clearance=_clearance(), approval=_approval())
        assert (done["state"], done["clearance"], done["approval"]) == ("scheduled", "clr_ONE", "apr_ONE")
        assert done["id"] == hold["publication"]["id"]
        assert "expires" not in done
        assert house.asked == ["clr_ONE", "apr_ONE"]
        page = await house.call("get_schedule", history=True)
    rows = page["items"][0]["history"]
    assert [(row["state"], row["on_behalf_of"]) for row in rows] == [
        ("held", "person:sam"),
        ("approved", "person:sam"),
        ("scheduled", "person:sam"),
    ]
    assert (rows[1]["by"], rows[1]["why"]) == ("person:mia", "approved in apr_ONE with clr_ONE")
    assert rows[2]["why"] == "cleared by clr_ONE, approved by person:mia"


@pytest.mark.asyncio
async def test_who_asks_is_told_that_an_approval_was_taken_back(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        proposal = await house.call("propose_slots", platforms=["social"], **PROPOSE)
        slot = proposal["channels"][1]["slots"][0]
        hold = await house.held(availability=slot["availability"], reasons=slot["reasons"])
        done = await house.call("commit_publication", hold=hold["id"], clearance=_clearance(), approval=_approval())
        told: list[Any] = []
        for house.approved in ("valid", "revoked", "down"):
            page = await house.call("get_schedule", publications=[done["id"]], approvals=True)
            told.append(page["approvals"])
        plain = await house.call("get_schedule", publications=[done["id"]])
    assert told == [{"apr_ONE": "valid"}, {"apr_ONE": "revoked"}, {"apr_ONE": "unknown"}]
    assert "approvals" not in plain


@pytest.mark.asyncio
async def test_text_and_structure_carry_the_same_slots(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        result = await house.client.call_tool("propose_slots", PROPOSE | {"channels": ["tube"], "count": 1})
    text = getattr(result.content[0], "text", "")
    assert "1. Tue 24 Nov 2026 20:00 GMT  score 99" in text
    assert "DE 2026-12-15T00:00:00Z to 2026-12-24T00:00:00Z" in text
    assert "OUTSIDE_CLEARED_WINDOW: GB opens only Tue 24 Nov 2026 19:00 GMT" in text
    assert "not in US: nothing clears it on social.youtube" in text


_REFUSED_STATEMENTS: list[tuple[dict[str, Any], dict[str, Any] | None, str, str]] = [
    ({}, None, "APPROVAL_REQUIRED", "no person's approval"),
    ({}, {"decision": "rejected"}, "APPROVAL_REQUIRED", "'rejected'"),
    ({}, {"clearance": "clr_OLD"}, "APPROVAL_REQUIRED", "given with clearance clr_OLD"),
    ({}, {"sub": V1}, "APPROVAL_HASH_MISMATCH", "other media"),
    ({}, {"elements": OTHER}, "APPROVAL_HASH_MISMATCH", "other media"),
    ({}, {"by": "person:sam"}, "SEPARATION_OF_DUTIES", "may not also approve"),
    ({}, {"by": "person:sam", "for": "person:zoe"}, "SEPARATION_OF_DUTIES", "may not also approve"),
    ({}, {"exp": int(START.timestamp())}, "STATEMENT_EXPIRED", "approval+jwt"),
    ({}, {"keys": STRANGER}, "STATEMENT_INVALID", "approval+jwt"),
    ({}, {"iss": "mcp:rights", "keys": RIGHTS}, "STATEMENT_INVALID", "approval+jwt"),
    ({"sub": V1, "deliveries": [V1]}, {}, "CLEARANCE_HASH_MISMATCH", "other media"),
    ({"exp": int(START.timestamp())}, {}, "CLEARANCE_EXPIRED", "no longer valid"),
    ({"keys": STRANGER}, {}, "STATEMENT_INVALID", "clearance+jwt"),
    ({"cells": "all of them"}, {}, "STATEMENT_INVALID", "lacks what the schedule needs"),
    ({"cells": []}, {}, "TERRITORY_NOT_CLEARED", "in GB"),
    ({"cells": CELLS[1:]}, {}, "TERRITORY_NOT_CLEARED", "in GB"),
    ({}, {"slots": []}, "APPROVAL_REQUIRED", "for other slots than hold_"),
    ({}, {"slots": "all of them"}, "STATEMENT_INVALID", "lacks what the schedule needs"),
    ({}, {"by": "policy:low-value", "tier": 3}, "APPROVAL_REQUIRED", "is of tier 3"),
    ({}, {"by": "policy:low-value"}, "APPROVAL_REQUIRED", "of tier unknown"),
]


@pytest.mark.asyncio
async def test_a_commit_without_what_it_needs_is_refused_and_the_hold_stays(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        hold = (await house.held())["id"]
        for clearance, approval, code, said in _REFUSED_STATEMENTS:
            signed = {"clearance": _clearance(**clearance)}
            if approval is not None:
                signed["approval"] = _approval(**approval)
            found = await house.refusal("commit_publication", hold=hold, **signed)
            assert (found[0], said in found[1], bool(found[2])) == (code, True, True), found
            assert [each["state"] for each in (await house.call("get_schedule"))["items"]] == ["held"]
        done = await house.call("commit_publication", hold=hold, clearance=_clearance(), approval=_approval())
    assert done["state"] == "scheduled"


_ANSWERS: dict[Literal["stale", "revoked", "unknown", "down"], str] = {
    "stale": "CLEARANCE_STALE",
    "revoked": "CLEARANCE_REVOKED",
    "unknown": "UNAVAILABLE",
    "down": "UNAVAILABLE",
}
_REFUSED_WINDOWS: list[tuple[list[dict[str, Any]], str, str]] = [
    ([_piece("GB", "2026-11-24T18:59:59Z")], "OUTSIDE_CLEARED_WINDOW", "in GB"),
    ([_piece("GB", "2026-11-24T20:00:00Z", "2026-12-24T00:00:01Z")], "OUTSIDE_CLEARED_WINDOW", "in GB"),
    ([_piece("GB", "2026-11-24T20:00:00Z", None)], "OUTSIDE_CLEARED_WINDOW", "onwards"),
    ([_piece("DE GB", "2026-11-24T20:00:00Z")], "OUTSIDE_CLEARED_WINDOW", "in DE"),
    ([_piece("GB US", "2026-11-24T20:00:00Z")], "TERRITORY_NOT_CLEARED", "in US"),
]


@pytest.mark.asyncio
async def test_nothing_goes_out_before_an_embargo_after_its_rights_or_where_it_is_not_cleared(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        for availability, code, said in _REFUSED_WINDOWS:
            hold = (await house.held(availability=availability))["id"]
            found = await house.refusal("commit_publication", hold=hold, clearance=_clearance(), approval=_approval())
            assert (found[0], said in found[1], bool(found[2])) == (code, True, True), found
            await house.call("cancel_publication", publication=hold, reason="refused")


@pytest.mark.asyncio
async def test_a_clearance_that_may_no_longer_stand_commits_nothing(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        signed = {"hold": (await house.held())["id"], "clearance": _clearance(), "approval": _approval()}
        for status, code in _ANSWERS.items():
            house.status = status
            assert (await house.refusal("commit_publication", **signed))[0] == code
            assert [each["state"] for each in (await house.call("get_schedule"))["items"]] == ["held"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "code"), [("revoked", "APPROVAL_REVOKED"), ("unknown", "UNAVAILABLE"), ("down", "UNAVAILABLE")]
)
async def test_an_approval_that_may_have_been_taken_back_commits_nothing(
    tmp_path: Path, answer: Any, code: str
) -> None:
    async with _house(tmp_path) as house:
        signed = {"hold": (await house.held())["id"], "clearance": _clearance(), "approval": _approval()}
        house.approved = answer
        found = await house.refusal("commit_publication", **signed)
        assert (found[0], "apr_ONE" in found[1], bool(found[2])) == (code, True, True)
        assert [each["state"] for each in (await house.call("get_schedule"))["items"]] == ["held"]


@pytest.mark.asyncio
async def test_what_has_become_more_valuable_since_it_was_cleared_is_cleared_again_first(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        held, media = await house.held(), MediaStore(tmp_path / "media")
        by_policy = {"approval": _approval(by="policy:autonomy", tier=1), "clearance": _clearance(tier=1)}
        media.value(V2, 2)
        code, said, cure = await house.refusal("commit_publication", hold=held["id"], **by_policy)
        assert (code, "value tier 1" in said, "is of tier 2" in said) == ("CLEARANCE_STALE", True, True)
        assert "clear the cut again" in cure
        again = {"clearance": _clearance(tier=2, jti="clr_TWO"), "approval": _approval(clearance="clr_TWO")}
        done = await house.call("commit_publication", hold=held["id"], **again)
        assert done["state"] == "scheduled"
        media.value(V2, 3)
        later = [_piece("GB", "2026-11-25T20:00:00Z"), _piece("DE", "2026-12-15T00:00:00Z")]
        move = {"publication": done["id"], "availability": later, "reason": "better"}
        assert (await house.refusal("move_publication", **move))[0] == "CLEARANCE_STALE"
        newer = _clearance(tier=3, jti="clr_THREE", iat=int(START.timestamp()) + 1)
        house.now += timedelta(minutes=1)
        assert not (await house.call("move_publication", **move, clearances=[newer]))["failed"]


def _seen(held: dict[str, Any], **other: Any) -> list[dict[str, Any]]:
    """What the person saw of a held slot."""
    seen = {name: held["publication"][name] for name in ("channel", "start", "availability")}
    return [{"hold": held["id"]} | seen | other]


@pytest.mark.asyncio
async def test_an_approval_is_good_for_the_slot_as_it_was_shown_and_for_no_other(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        held = await house.held()
        other = await house.held(availability=[_piece("GB", "2026-12-20T20:00:00Z")])
        shown = held["publication"]["availability"]
        wrong = [
            _seen(other),
            _seen(held, hold=other["id"]),
            _seen(held, channel="gram"),
            _seen(held, start="2026-11-24T20:00:01Z"),
            _seen(held, availability=shown[:1]),
            _seen(held, availability=[shown[0] | {"end": "2026-12-23T00:00:00Z"}, *shown[1:]]),
        ]
        for slots in wrong:
            signed = {"clearance": _clearance(), "approval": _approval(slots=slots)}
            found = await house.refusal("commit_publication", hold=held["id"], **signed)
            assert (found[0], bool(found[2])) == ("APPROVAL_REQUIRED", True), found
        signed = {"clearance": _clearance(), "approval": _approval(slots=[*_seen(other), *_seen(held)])}
        assert (await house.call("commit_publication", hold=held["id"], **signed))["state"] == "scheduled"


@pytest.mark.asyncio
async def test_a_slot_that_grew_after_it_was_approved_is_not_committed(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        held = await house.held(availability=[_piece("GB", "2026-11-24T20:00:00Z", "2026-12-01T00:00:00Z")])
        approval = _approval(slots=_seen(held))
        longer = {"availability": [_piece("GB", "2026-11-24T20:00:00Z")], "reason": "longer after all"}
        moved = await house.call("move_publication", publication=held["id"], **longer)
        assert not moved["failed"], moved
        signed = {"hold": held["id"], "clearance": _clearance(), "approval": approval}
        found = await house.refusal("commit_publication", **signed)
    assert found[0] == "APPROVAL_REQUIRED"
    assert "would be seen longer in GB" in found[1]


@pytest.mark.asyncio
async def test_a_policy_approves_what_is_of_little_value_as_a_person_does(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        held = await house.held()
        approval = _approval(by="policy:low-value", tier=2, slots=_seen(held))
        done = await house.call("commit_publication", hold=held["id"], clearance=_clearance(), approval=approval)
    assert done["state"] == "scheduled"


@pytest.mark.asyncio
async def test_what_the_guardian_holds_back_is_not_committed_until_it_is_released(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        held = await house.held()
        signed = {"hold": held["id"], "clearance": _clearance(), "approval": _approval()}
        for name in (V2, held["id"], held["publication"]["id"], "clr_ONE", "apr_ONE"):
            house.enforcement.standing.hold_back([name], by="guardian", why="made by a stopped task")
            found = await house.refusal("commit_publication", **signed)
            assert (found[0], name in found[1], "stopped task" in found[1], bool(found[2])) == (
                "QUARANTINED",
                True,
                True,
                True,
            )
            house.enforcement.standing.release([name], by="person:mia")
        assert (await house.call("commit_publication", **signed))["state"] == "scheduled"


@pytest.mark.asyncio
async def test_every_delivery_of_a_clearance_is_approved_by_its_own_bytes_and_elements(tmp_path: Path) -> None:
    both = {"sub": V1, "elements": OTHER, "deliveries": [V1, V2], "delivery_elements": {V1: OTHER, V2: ELEMENTS}}
    async with _house(tmp_path) as house:
        signed = {"hold": (await house.held())["id"], "clearance": _clearance(**both)}
        for wrong in ({"elements": OTHER}, {"sub": V1, "elements": OTHER}):
            refused = await house.refusal("commit_publication", approval=_approval(**wrong), **signed)
            assert refused[0] == "APPROVAL_HASH_MISMATCH"
        assert (await house.call("commit_publication", approval=_approval(), **signed))["state"] == "scheduled"


@pytest.mark.asyncio
async def test_a_second_commit_is_refused_but_the_same_key_gets_the_kept_result_whatever_has_changed(
    tmp_path: Path,
) -> None:
    async with _house(tmp_path) as house:
        hold = await house.held()
        signed = {"hold": hold["id"], "clearance": _clearance(), "approval": _approval()}
        first = await house.call("commit_publication", "task/7", **signed)
        house.now += timedelta(days=2)
        house.status = "revoked"
        assert await house.call("commit_publication", "task/7", **signed) == first
        assert (await house.refusal("commit_publication", "task/8", **signed))[0] == "ALREADY_COMMITTED"
        assert (await house.refusal("commit_publication", **signed))[0] == "ALREADY_COMMITTED"


@pytest.mark.asyncio
async def test_a_hold_lapses_by_the_clock_and_frees_its_slot(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        hold = await house.held(minutes=10)
        code, message, _ = await house.refusal(
            "hold_slot",
            channel="tube",
            title="Something else",
            media=OTHER,
            availability=[_piece("GB", "2026-11-24T20:00:00Z")],
        )
        assert (code, "taken by 'The butterfly' (held)" in message) == ("SLOT_TAKEN", True)
        house.now += timedelta(minutes=10)
        found = await house.refusal("commit_publication", hold=hold["id"], clearance=_clearance(), approval=_approval())
        assert found[0] == "HOLD_EXPIRED"
        page = await house.call("get_schedule", states=["cancelled"], history=True)
        assert page["items"][0]["history"][-1]["why"] == "hold lapsed"
        assert (await house.call("get_schedule", states=["held"]))["items"] == []
        await house.held(title="Something else")


@pytest.mark.asyncio
async def test_two_who_want_the_same_slot_at_once_do_not_both_get_it(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        asked = [
            house.call(
                "hold_slot",
                f"task/{n}",
                channel="tube",
                title=f"Title {n}",
                media=OTHER,
                availability=[_piece("GB", f"2026-11-24T20:{n:02}:00Z")],
            )
            for n in range(12)
        ]
        answers = await asyncio.gather(*asked)
        assert sorted(each["failed"] for each in answers) == [False] + [True] * 11
        assert {each["code"] for each in answers if each["failed"]} <= {"SLOT_TAKEN", "SLOT_REFUSED"}
        assert (await house.call("find_conflicts"))["items"] == []


@pytest.mark.asyncio
async def test_only_the_one_it_is_kept_for_commits_a_hold(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        hold = await house.held()
    async with _house(tmp_path, "person:eve") as house:
        found = await house.refusal("commit_publication", hold=hold["id"], clearance=_clearance(), approval=_approval())
    assert (found[0], "kept for person:sam" in found[1]) == ("PERMISSION_DENIED", True)


@pytest.mark.asyncio
async def test_a_held_slot_is_given_back_only_by_the_person_it_is_held_for(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        hold = await house.held()
    async with _house(tmp_path, "person:eve") as house:
        for name in (hold["id"], hold["publication"]["id"]):
            code, message, hint = await house.refusal("cancel_publication", publication=name, reason="I want it")
            assert (code, "kept for person:sam" in message, "give it back" in hint) == ("PERMISSION_DENIED", True, True)
        assert [each["state"] for each in (await house.call("get_schedule"))["items"]] == ["held"]
    async with _house(tmp_path) as house:
        freed = await house.call("cancel_publication", publication=hold["id"], reason="changed my mind")
        assert freed["state"] == "cancelled"
    async with _house(tmp_path, "person:eve") as house:
        again = await house.call("cancel_publication", publication=hold["id"], reason="it is free already")
        assert again["state"] == "cancelled"


@pytest.mark.asyncio
async def test_cancelling_gives_the_slot_back_and_is_taken_down_after_the_start(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        hold = await house.held()
        freed = await house.call("cancel_publication", publication=hold["id"], reason="changed my mind")
        assert freed["state"] == "cancelled"
        again = await house.call("cancel_publication", publication=hold["id"], reason="once more")
        assert again["state"] == "cancelled"
        hold = await house.held()
        await house.call("commit_publication", hold=hold["id"], clearance=_clearance(), approval=_approval())
        house.now = datetime(2026, 11, 25, tzinfo=UTC)
        down = await house.call("cancel_publication", publication=hold["publication"]["id"], reason="wrong credit")
        assert down["state"] == "taken_down"
        rows = (await house.call("get_schedule", states=["taken_down"], history=True))["items"][0]["history"]
    assert [row["why"] for row in rows][-1] == "wrong credit"


@pytest.mark.asyncio
async def test_the_calendar_is_tentative_while_held_confirmed_when_committed_and_keeps_its_uids(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        hold = await house.held(reasons=["reach 100 of 100"])
        before = Calendar.from_ical((await house.call("export_schedule"))["files"][0]["content"])
        await house.call("commit_publication", hold=hold["id"], clearance=_clearance(), approval=_approval())
        first, second = [(await house.call("export_schedule"))["files"][0]["content"] for _ in range(2)]
    after = Calendar.from_ical(first)
    assert first == second
    assert [str(each["status"]) for each in before.events] == ["TENTATIVE"] * 2
    assert [str(each["status"]) for each in after.events] == ["CONFIRMED"] * 2
    assert [str(each["uid"]) for each in before.events] == [str(each["uid"]) for each in after.events]
    assert [each.start for each in after.events] == [
        datetime(2026, 11, 24, 20, tzinfo=UTC),
        datetime(2026, 12, 15, tzinfo=UTC),
    ]
    assert "reach 100 of 100" in str(after.events[0]["description"])
    assert str(after.events[1]["summary"]) == "The butterfly opens in DE on Tube"


@pytest.mark.asyncio
async def test_the_schedule_is_paged_in_order(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        for day in (26, 25, 27, 28):
            await house.held(availability=[_piece("GB", f"2026-11-{day}T20:00:00Z")])
        seen: list[str] = []
        cursor: dict[str, Any] = {}
        while True:
            page = await house.call("get_schedule", limit=3, **cursor)
            seen += [each["start"] for each in page["items"]]
            if "next_cursor" not in page:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == [f"2026-11-{day}T20:00:00Z" for day in (25, 26, 27, 28)]
        only = await house.call("get_schedule", channels=["gram"])
        assert only["items"] == []
        assert (await house.refusal("get_schedule", cursor="nonsense"))[0] == "INVALID_ARGUMENT"


_HOLD = {
    "channel": "tube",
    "title": "The butterfly",
    "media": V2,
    "availability": [_piece("GB", "2026-11-25T13:00:00Z")],
}
_BAD_INPUT: list[tuple[str, dict[str, Any], str, str]] = [
    ("propose_slots", PROPOSE | {"channels": ["tubes"]}, "CHANNEL_UNKNOWN", "Did you mean tube?"),
    ("propose_slots", PROPOSE | {"channels": ["zzz"]}, "CHANNEL_UNKNOWN", "The channels are gram, tube."),
    ("propose_slots", PROPOSE | {"platforms": ["vod.svod"]}, "CHANNEL_UNKNOWN", "social.instagram, social.youtube"),
    ("propose_slots", PROPOSE | {"platforms": ["youtube"]}, "MEDIUM_UNKNOWN", "social.youtube"),
    ("propose_slots", PROPOSE | {"territories": ["UK"]}, "TERRITORY_UNKNOWN", "Did you mean GB?"),
    ("propose_slots", PROPOSE | {"latest": "2026-11-22T12:00:00Z"}, "RANGE_INVALID", "still to come"),
    (
        "propose_slots",
        PROPOSE | {"earliest": "2026-12-02T00:00:00Z", "latest": "2026-12-01T00:00:00Z"},
        "RANGE_INVALID",
        "later than the start",
    ),
    ("propose_slots", PROPOSE | {"until": "2026-11-01T00:00:00Z"}, "RANGE_INVALID", "later than the start"),
    ("propose_slots", PROPOSE | {"latest": "2028-12-01T00:00:00Z"}, "RANGE_INVALID", "a part of it"),
    ("propose_slots", PROPOSE | {"media": "movie.mp4"}, "INVALID_ARGUMENT", "input schema"),
    ("hold_slot", {"availability": [_piece("GB", "2026-11-22T13:00:00Z")]}, "INVALID_ARGUMENT", "propose_slots"),
    (
        "hold_slot",
        {"availability": [_piece("GB", "2026-11-25T13:00:00Z", "2026-11-25T13:00:00Z")]},
        "RANGE_INVALID",
        "later than the start",
    ),
    ("hold_slot", {"availability": [_piece("UK", "2026-11-25T13:00:00Z")]}, "TERRITORY_UNKNOWN", "mean GB?"),
    ("hold_slot", {"availability": []}, "INVALID_ARGUMENT", "at least one"),
    ("hold_slot", {"availability": [_piece("GB", "2026-11-25T13:00:00")]}, "INVALID_ARGUMENT", "schema"),
    ("hold_slot", {"channel": "tub"}, "CHANNEL_UNKNOWN", "Did you mean tube?"),
    ("commit_publication", {"hold": "hold_NONE", "clearance": "x"}, "NOT_FOUND", "hold_slot"),
    ("cancel_publication", {"publication": "pub_NONE", "reason": "x"}, "NOT_FOUND", "get_schedule"),
    ("record_channel", {"channel": _channel("x", "social.myspace")}, "MEDIUM_UNKNOWN", "social.youtube"),
    ("record_channel", {"channel": _channel("x", "social", territories=["UK"])}, "TERRITORY_UNKNOWN", "GB?"),
    ("record_channel", {"channel": _channel("x", "social", time_zone="Mars")}, "INVALID_ARGUMENT", "schema"),
]


@pytest.mark.asyncio
async def test_bad_input_is_told_what_is_wrong_and_the_cure(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        for tool, arguments, code, hint in _BAD_INPUT:
            given = _HOLD | arguments if tool == "hold_slot" else arguments
            found = await house.refusal(tool, **given)
            assert (found[0], hint in found[2]) == (code, True), (tool, arguments, found)
        assert (await house.call("get_schedule"))["items"] == []


@pytest.mark.asyncio
async def test_a_watershed_that_is_moved_conflicts_with_what_may_only_be_shown_after_it(tmp_path: Path) -> None:
    tube = _channel("tube", "social.youtube", min_gap_minutes=0, watershed={"start": "20:00", "end": "05:30"})
    async with _house(tmp_path) as house:
        await house.call("record_channel", channel=tube)
        late = await house.held(title="Late", after_watershed=True)
        await house.held(title="Early", availability=[_piece("GB", "2026-11-24T20:15:00Z")])
        assert (await house.call("find_conflicts"))["items"] == []
        await house.call("record_channel", channel=tube | {"watershed": {"start": "21:00", "end": "05:30"}})
        [found] = (await house.call("find_conflicts"))["items"]
        assert (found["rule"], found["publications"]) == ("WATERSHED", [late["publication"]["id"]])
        assert "only after the watershed, 21:00 to 05:30" in found["text"]


@pytest.mark.asyncio
async def test_a_blank_that_nobody_sees_makes_no_other_title_or_sponsor(tmp_path: Path) -> None:
    apart = _channel("tube", "social.youtube", min_gap_minutes=0, sponsor_separation_minutes=60)
    async with _house(tmp_path) as house:
        await house.call("record_channel", channel=apart)
        await house.held(details={"sponsor": "cars"})
        given = {"channel": "tube", "media": V2, "availability": [_piece("GB", "2026-11-24T20:30:00Z")]}
        again = await house.call("hold_slot", title="The butterfly ", **given)
        assert again["details"]["rule"] == "TITLE_SEPARATION"
        rival = await house.call("hold_slot", title="Another", details={"sponsor": " Cars"}, **given)
        assert rival["details"]["rule"] == "SPONSOR_SEPARATION"
        assert (await house.refusal("hold_slot", title="  ", **given))[0] == "INVALID_ARGUMENT"


@pytest.mark.asyncio
async def test_who_may_only_read_changes_nothing(tmp_path: Path) -> None:
    async with _house(tmp_path, allow_write=False) as house:
        found = await house.refusal("record_channel", channel=_channel("tube", "social.youtube"))
        assert found[0] == "WRITE_NOT_ALLOWED"
        assert (await house.call("list_channels"))["total"] == 0


@pytest.mark.asyncio
async def test_channels_are_kept_whole_and_found_by_platform(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        answer = await house.call("list_channels", platforms=["social.youtube"])
        text = (await house.client.call_tool("list_channels", {})).content[0]
    channel = answer["items"][0]
    assert (channel["name"], channel["reach"]["source"], len(channel["reach"]["hours"])) == ("tube", "invented", 7)
    assert "at most 4 a day; 60 min apart; a title again after 12 h" in getattr(text, "text", "")
    assert json.dumps(channel)


@pytest.mark.asyncio
async def test_who_reads_only_the_text_sees_locks_history_and_the_watershed(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        late = _channel("tube", "social.youtube", watershed={}, sponsor_separation_minutes=30, takedown_lead_minutes=60)
        await house.call("record_channel", channel=late)
        hold = await house.held()
        await house.call("lock_publication", publication=hold["id"], locked=True, reason="sold with it")
        books = (await house.client.call_tool("get_schedule", {"history": True})).content[0]
        channels = (await house.client.call_tool("list_channels", {"platforms": ["social.youtube"]})).content[0]
    lines = getattr(books, "text", "").splitlines()
    assert "  tube  held, locked  'The butterfly'  " in lines[0]
    assert [line.split("  ")[-1] for line in lines[1:]] == [
        "by person:sam for person:sam: slot held",
        "by person:sam for person:sam: locked: sold with it",
    ]
    told = "competing sponsors 30 min apart; watershed 21:00 to 05:30; taken down 60 min early"
    assert told in getattr(channels, "text", "")


@pytest.mark.asyncio
async def test_channels_come_page_by_page_in_order_of_their_names(tmp_path: Path) -> None:
    async with _house(tmp_path) as house:
        for name in ("alpha", "beta", "gamma"):
            await house.call("record_channel", channel=_channel(name, "social.youtube"))
        names, cursor = [], None
        while True:
            page = await house.call("list_channels", platforms=["social"], limit=2, cursor=cursor)
            names += [each["name"] for each in page["items"]]
            assert len(page["items"]) <= 2
            if (cursor := page.get("next_cursor")) is None:
                break
        assert names == sorted(names)
        assert len(names) == page["total"] >= 3
