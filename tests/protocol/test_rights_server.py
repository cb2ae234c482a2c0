"""The rights server through a real client: record, check, issue, use for other bytes, revoke, ask for the status."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from holdback_base.database import Database
from holdback_base.elements import CutFacts, Element, ElementList, Notice
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.rights import server, store
from holdback_servers.services import open_services
from holdback_servers.serving import IDEMPOTENCY_META, Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing, open_jws
from holdback_trust.policy import local_caller
from holdback_trust.statements import CLEARANCE, read, sign_cut
from mcp.client import Client

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RIGHTS, ASSETS, STRANGER = KeyPair.generate(), KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"mcp:assets": [ASSETS.public_jwk], "mcp:rights": [RIGHTS.public_jwk]})
CREDIT = "Big Buck Bunny (c) 2008 Blender Foundation, CC BY 3.0"
ASKED = {
    "territories": ["GB", "DE", "US"],
    "platforms": ["social.youtube", "social.instagram"],
    "start": "2026-11-23T00:00:00Z",
    "end": "2026-12-23T00:00:00Z",
}


@asynccontextmanager
async def house(
    home: Path, hands: Sequence[datetime] = (NOW,), *, allow_write: bool = True
) -> AsyncIterator[tuple[Door, Client]]:
    """The rights door over a fresh store; `hands` holds the one instant its clock shows."""

    def clock() -> datetime:
        return hands[0]

    services = open_services(
        Database(home / "db" / "rights.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=clock,
        new_id=id_maker(clock),
        keys=RIGHTS,
        ring=RING,
        audit=AuditLog(home / "audit", RIGHTS, clock),
    )
    door = server.build(services, local=local_caller("person:robin", allow_write, "mcp:rights"))
    try:
        async with Client(door.mcp) as client:
            yield door, client
    finally:
        services.audit.close()
        services.database.close()


async def call(client: Client, tool: str, key: str | None = None, /, **arguments: Any) -> dict[str, Any]:
    meta = {IDEMPOTENCY_META: key} if key else None
    result = await client.call_tool(tool, arguments, meta=meta)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return result.structured_content


def span(start: int, end: int) -> Span:
    return Span(in_frame=start, out_frame=end)


FILM = Element(id="film", kind="programme", ref="film:big-buck-bunny", name="Big Buck Bunny", spans=(span(0, 360),))
WALTZ = Element(id="waltz", kind="music_master", ref="music:meadow-waltz", name="Meadow Waltz", spans=(span(0, 360),))
SONG = Element(id="song", kind="music_publishing", ref="music:meadow-waltz", name="Meadow Waltz", spans=(span(0, 360),))
VOICE = Element(id="voice", kind="talent", ref="talent:ada-voss", name="Ada Voss", spans=(span(24, 200),))
SIGN = Element(id="sign", kind="logo", ref="logo:lark-and-finch", name="Lark & Finch", spans=(span(0, 72),))


def cut(digit: str, *elements: Element, credited: bool = False) -> CutFacts:
    notices = (Notice(kind="credit", text=CREDIT, span=span(300, 360)),) if credited else ()
    return CutFacts(
        media="sha256:" + digit * 64,
        title=f"v{digit}",
        element_list=ElementList(rate=Rate(num=24), frames=360, elements=elements, notices=notices),
    )


FIRST = cut("1", FILM, WALTZ, SONG, VOICE, SIGN)
SECOND = cut("2", FILM, VOICE, SIGN.model_copy(update={"obscured": SIGN.spans}), credited=True)


def statement(facts: CutFacts, keys: KeyPair = ASSETS) -> str:
    return sign_cut(keys, "mcp:assets", facts, NOW)


def contract(key: str, direction: str = "in", status: str = "active", zone: str = "Europe/London") -> dict[str, Any]:
    return {
        "external_key": key,
        "counterparty": f"{key} (invented)",
        "direction": direction,
        "status": status,
        "title": key,
        "time_zone": zone,
    }


def right(key: str, ref: str, kind: str = "grant", **terms: Any) -> dict[str, Any]:
    return {"external_key": key, "ref": ref, "kind": kind, "media": ["all"], "territories": ["WORLD"], **terms}


PACK: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
    (
        contract("film"),
        [
            right(
                "film-world",
                FILM.ref,
                first_day="2008-05-30",
                clause="CC BY 3.0",
                conditions=[{"type": "credit", "text": CREDIT, "min_seconds": 2}],
            )
        ],
    ),
    (contract("launch"), [right("embargo", FILM.ref, "embargo", end="2026-11-24T19:00:00Z", clause="2.1")]),
    (
        contract("rheinlicht", "out", zone="Europe/Berlin"),
        [right("german", FILM.ref, "holdback", media=["social"], territories=["DE"], last_day="2026-12-14")],
    ),
    (
        contract("waltz"),
        [
            right("waltz-m", WALTZ.ref, media=["linear"], territories=["UKI"], first_day="2026-10-01",
                  element_kinds=["music_master"], clause="1.2 linear, UK and Ireland"),
            right("waltz-p", WALTZ.ref, media=["linear"], territories=["UKI"], first_day="2026-10-01",
                  element_kinds=["music_publishing"]),
        ],
    ),
    (
        contract("society"),
        [right("society", "music:any", first_day="2026-10-01", element_kinds=["music_performance"])],
    ),
    (contract("voice"), [right("voice", VOICE.ref, excluded_territories=["US"], first_day="2026-10-01")]),
    (
        contract("voice-us", status="pending"),
        [right("voice-us", VOICE.ref, territories=["US"], first_day="2026-11-01")],
    ),
    (contract("sign"), [right("sign", SIGN.ref, first_day="2026-10-01", conditions=[{"type": "blur"}])]),
]  # fmt: skip


async def load(client: Client) -> dict[str, str]:
    """Record the pack; answers with right ids by key."""
    ids: dict[str, str] = {}
    for given, rights in PACK:
        recorded = await call(client, "record_right", contract=given, rights=rights)
        ids |= {each["external_key"]: each["id"] for each in recorded["rights"]}
    return ids


@pytest.mark.asyncio
async def test_the_first_cut_is_denied_with_reasons_that_name_the_rights(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        ids = await load(client)
        report = await call(client, "check_clearance", cut_statements=[statement(FIRST)], **ASKED)

    assert report["verdict"] == "DENIED"
    found = {(each["code"], each.get("right")) for each in report["reasons"]}
    assert found == {
        ("EMBARGO", ids["embargo"]),
        ("HOLDBACK", ids["german"]),
        ("NO_RIGHTS_IN", ids["waltz-m"]),
        ("NO_RIGHTS_IN", ids["waltz-p"]),
        ("CONTRACT_NOT_ACTIVE", ids["voice-us"]),
        ("CONDITION_UNMET", ids["film-world"]),
        ("CONDITION_UNMET", ids["sign"]),
    }
    assert {tuple(group["territories"]) for group in report["groups"]} == {("DE",), ("GB",), ("US",)}


@pytest.mark.asyncio
async def test_the_first_plan_is_what_an_editor_would_do(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        ids = await load(client)
        report = await call(client, "check_clearance", cut_statements=[statement(FIRST)], **ASKED)

    plan = report["plans"][0]
    assert plan["verified"]
    assert plan["territories"] == ["DE", "GB"]
    by_kind = {each["kind"]: each for each in plan["remedies"] if each["kind"] != "start_later"}
    assert by_kind.keys() == {"add_credit", "obscure_element", "replace_element", "drop_territory"}
    assert by_kind["add_credit"]["credit"] == CREDIT
    assert by_kind["add_credit"]["min_seconds"] == 2
    assert by_kind["obscure_element"]["elements"] == ["sign"]
    assert by_kind["obscure_element"]["spans"] == [{"in_frame": 0, "out_frame": 72}]
    assert by_kind["replace_element"]["elements"] == ["song", "waltz"]
    assert by_kind["drop_territory"]["territories"] == ["US"]
    assert by_kind["drop_territory"]["rights"] == [ids["voice-us"]]
    later = {tuple(each["territories"]): each for each in plan["remedies"] if each["kind"] == "start_later"}
    assert {places: (each["start"], each["rights"]) for places, each in later.items()} == {
        ("GB",): ("2026-11-24T19:00:00Z", [ids["embargo"]]),
        ("DE",): ("2026-12-14T23:00:00Z", [ids["german"]]),
    }


@pytest.mark.asyncio
async def test_the_second_cut_gets_a_signed_clearance_for_what_is_clear(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        await load(client)
        issued = await call(client, "issue_clearance", cut_statements=[statement(SECOND)], accept_partial=True, **ASKED)

    claims = read(issued["statement"], CLEARANCE, RING, NOW, {"mcp:rights"})
    assert claims["jti"] == issued["clearance"]
    assert (claims["sub"], claims["elements"]) == (SECOND.media, SECOND.element_list.sha256())
    assert claims["deliveries"] == [SECOND.media]
    assert {tuple(each["territories"]): each["windows"] for each in claims["cells"]} == {
        ("GB",): [{"start": "2026-11-24T19:00:00Z", "end": "2026-12-23T00:00:00Z"}],
        ("DE",): [{"start": "2026-12-14T23:00:00Z", "end": "2026-12-23T00:00:00Z"}],
    }
    assert {each["type"] for each in claims["conditions"]} == {"credit", "blur"}
    assert claims["for"] == "person:robin"
    assert claims["rights_snapshot"] == issued["report"]["rights_snapshot"]


@pytest.mark.asyncio
async def test_nothing_is_signed_where_nothing_is_clear_or_a_part_was_not_accepted(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        await load(client)
        nothing = await call(client, "issue_clearance", cut_statements=[statement(FIRST)], accept_partial=True, **ASKED)
        part = await call(client, "issue_clearance", cut_statements=[statement(SECOND)], **ASKED)

    for answer in (nothing, part):
        assert "statement" not in answer
        assert answer["not_issued"]
    assert nothing["report"]["verdict"] == "DENIED"
    assert part["report"]["verdict"] == "PARTIAL"


@pytest.mark.asyncio
async def test_a_clearance_used_for_another_cut_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        await load(client)
        ask = ASKED | {"accept_partial": True}
        issued = await call(client, "issue_clearance", cut_statements=[statement(SECOND)], **ask)
        name = issued["clearance"]
        fits = await call(client, "get_clearance", clearance=name, media=SECOND.media)
        other = await refused(client, "get_clearance", clearance=name, media=FIRST.media)
        elements = await refused(client, "get_clearance", clearance=name, elements=FIRST.element_list.sha256())

    assert fits["status"] == "valid"
    assert not fits["rights_changed"]
    assert other["code"] == elements["code"] == "CLEARANCE_HASH_MISMATCH"
    assert other["details"]["covered"] == [SECOND.media]


@pytest.mark.asyncio
async def test_several_deliveries_are_cleared_together_or_not_at_all(tmp_path: Path) -> None:
    upright = SECOND.model_copy(update={"media": "sha256:" + "3" * 64})
    ask = ASKED | {"accept_partial": True}
    async with house(tmp_path) as (_, client):
        await load(client)
        both = await call(client, "issue_clearance", cut_statements=[statement(SECOND), statement(upright)], **ask)
        mixed = await call(client, "issue_clearance", cut_statements=[statement(SECOND), statement(FIRST)], **ask)

    assert read(both["statement"], CLEARANCE, RING, NOW, {"mcp:rights"})["deliveries"] == [SECOND.media, upright.media]
    assert "statement" not in mixed


@pytest.mark.asyncio
async def test_a_revoked_clearance_says_so_to_everybody(tmp_path: Path) -> None:
    async with house(tmp_path) as (door, client):
        await load(client)
        ask = ASKED | {"accept_partial": True}
        name = (await call(client, "issue_clearance", cut_statements=[statement(SECOND)], **ask))["clearance"]
        before = await status(door, name)
        await call(client, "revoke_clearance", clearance=name, reason="The licensor withdrew.")
        again = await call(client, "revoke_clearance", clearance=name, reason="Once more.")
        record = await call(client, "get_clearance", clearance=name)
        after, unknown = await status(door, name), await status(door, "clr_00000000000000000000000000")

    assert (before["status"], after["status"], unknown["status"]) == ("valid", "revoked", "unknown")
    assert after["sub"] == name
    assert after["exp"] - after["iat"] == 60
    assert record["status"] == "revoked"
    assert again["reason"] == record["reason"] == "The licensor withdrew."


async def status(door: Door, name: str) -> dict[str, Any]:
    """What the open route answers, its signature checked."""
    transport = httpx2.ASGITransport(app=door.http_app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://rights") as http:
        answer = await http.get(f"/status/{name}")
    return open_jws(answer.text, "status+jwt", RING, {"mcp:rights"})


@pytest.mark.asyncio
async def test_a_clearance_expires_after_seven_days_at_most(tmp_path: Path) -> None:
    hands = [NOW]
    async with house(tmp_path, hands) as (_, client):
        await load(client)
        ask = ASKED | {"accept_partial": True}
        issued = await call(client, "issue_clearance", cut_statements=[statement(SECOND)], **ask)
        hands[0] = datetime(2026, 11, 29, 12, tzinfo=UTC)
        record = await call(client, "get_clearance", clearance=issued["clearance"])

    assert issued["expires"] == "2026-11-29T12:00:00Z"
    assert record["status"] == "expired"


@pytest.mark.asyncio
async def test_a_change_of_a_contract_is_seen_by_the_next_decision_and_marks_the_clearance(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        await load(client)
        ask = ASKED | {"accept_partial": True}
        issued = await call(client, "issue_clearance", cut_statements=[statement(SECOND)], **ask)
        await call(client, "record_right", contract=contract("voice-us"))
        report = await call(client, "check_clearance", cut_statements=[statement(SECOND)], **ASKED)
        record = await call(client, "get_clearance", clearance=issued["clearance"])

    cells = {place: each["verdict"] for each in report["groups"] for place in each["territories"]}
    assert cells == {"DE": "PARTIAL", "GB": "PARTIAL", "US": "PARTIAL"}
    assert record["rights_changed"]


@pytest.mark.asyncio
async def test_a_repeated_key_issues_one_clearance(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        await load(client)
        ask = ASKED | {"accept_partial": True, "cut_statements": [statement(SECOND)]}
        first = await call(client, "issue_clearance", "task-1/step-4", **ask)
        second = await call(client, "issue_clearance", "task-1/step-4", **ask)

    assert first == second


@pytest.mark.asyncio
async def test_recording_the_same_again_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        await load(client)
        again = [await call(client, "record_right", contract=given, rights=rights) for given, rights in PACK]
        listed = await call(client, "list_rights")

    assert {each["contract"]["change"] for each in again} == {"unchanged"}
    assert {right["change"] for each in again for right in each["rights"]} == {"unchanged"}
    assert len(listed["items"]) == sum(len(rights) for _, rights in PACK)


@pytest.mark.asyncio
async def test_a_new_time_zone_moves_the_days_of_a_contract(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        await load(client)
        await call(client, "record_right", contract=contract("rheinlicht", "out", zone="America/New_York"))
        listed = await call(client, "list_rights", ref=FILM.ref)

    assert [each["right"]["end"] for each in listed["items"] if each["right"]["kind"] == "holdback"] == [
        "2026-12-15T05:00:00Z"
    ]


@pytest.mark.asyncio
async def test_rights_are_listed_page_by_page_and_by_what_they_speak_for(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        ids = await load(client)
        first = await call(client, "list_rights", limit=5)
        rest = await call(client, "list_rights", limit=5, cursor=first["next_cursor"])
        american = await call(client, "list_rights", territory="US", ref=VOICE.ref)
        pending = await call(client, "list_rights", status="pending")

    assert [each["right"]["id"] for each in first["items"] + rest["items"]] == sorted(ids.values())
    assert "next_cursor" not in rest
    assert [each["right"]["external_key"] for each in american["items"]] == ["voice-us"]
    assert [each["right"]["external_key"] for each in pending["items"]] == ["voice-us"]


@pytest.mark.asyncio
async def test_what_may_be_shown_there_and_then_is_found_page_by_page(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        await load(client)
        online = await call(client, "find_available", **ASKED)
        linear = await call(client, "find_available", **ASKED | {"territories": ["IE"], "platforms": ["linear"]})
        one = await call(client, "find_available", limit=1, **ASKED)
        two = await call(client, "find_available", limit=1, cursor=one["next_cursor"], **ASKED)

    assert [each["ref"] for each in online["items"]] == [FILM.ref, SIGN.ref, VOICE.ref]
    assert [each["ref"] for each in linear["items"]] == [FILM.ref, SIGN.ref, WALTZ.ref, VOICE.ref]
    assert linear["items"][2]["verdict"] == "CLEARED"
    assert linear["items"][2]["kinds"] == ["music_master", "music_publishing", "music_performance"]
    film = online["items"][0]
    assert (film["verdict"], film["conditions"][0]["text"]) == ("CONDITIONAL", CREDIT)
    assert [each["ref"] for each in one["items"] + two["items"]] == [FILM.ref, SIGN.ref]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"territories": ["UK"]}, "TERRITORY_UNKNOWN", "Did you mean GB?"),
        ({"territories": []}, "INVALID_ARGUMENT", "at least one territory"),
        ({"platforms": ["youtube"]}, "MEDIUM_UNKNOWN", "social.youtube"),
        ({"end": "2026-11-22T00:00:00Z"}, "RANGE_INVALID", "half-open"),
        ({"start": "2026-11-23T00:00:00"}, "INVALID_ARGUMENT", ""),
        ({"purpose": "fun"}, "INVALID_ARGUMENT", ""),
        ({"languages": ["english!"]}, "LANGUAGE_UNKNOWN", ""),
        ({"cut_statements": []}, "CUT_STATEMENT_REQUIRED", "get_asset"),
        ({"cut_statements": ["not.a.statement"]}, "STATEMENT_INVALID", ""),
        ({"cut_statements": [statement(SECOND, STRANGER)]}, "STATEMENT_INVALID", ""),
    ],
)
async def test_a_bad_question_gets_a_cure(tmp_path: Path, change: dict[str, Any], code: str, words: str) -> None:
    async with house(tmp_path) as (_, client):
        for tool in ("check_clearance", "issue_clearance"):
            problem = await refused(client, tool, **{"cut_statements": [statement(SECOND)], **ASKED, **change})
            assert problem["code"] == code
            assert problem["message"]
            assert problem["hint"]
            assert words in problem["hint"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("contract_change", "right_change", "code"),
    [
        ({"time_zone": "Mars/Olympus"}, {}, "INVALID_ARGUMENT"),
        ({}, {"territories": ["UK"]}, "TERRITORY_UNKNOWN"),
        ({}, {"media": ["telegraph"]}, "MEDIUM_UNKNOWN"),
        ({}, {"languages": ["?"]}, "LANGUAGE_UNKNOWN"),
        ({}, {"ref": "Big Buck Bunny"}, "INVALID_ARGUMENT"),
        ({}, {"last_day": "2008-05-29"}, "RANGE_INVALID"),
        ({}, {"last_day": "9999-12-31"}, "RANGE_INVALID"),
        ({}, {"start": "2026-01-01T00:00:00Z"}, "INVALID_ARGUMENT"),
        ({}, {"first_day": None}, "INVALID_ARGUMENT"),
        ({}, {"kind": "licence_out"}, "INVALID_ARGUMENT"),
        ({"direction": "out"}, {}, "INVALID_ARGUMENT"),
        ({}, {"kind": "holdback", "conditions": [{"type": "blur"}]}, "INVALID_ARGUMENT"),
        ({}, {"conditions": [{"type": "credit"}]}, "INVALID_ARGUMENT"),
        ({}, {"territories": []}, "INVALID_ARGUMENT"),
        ({}, {"id": "rgt_00000000000000000000000000"}, "NOT_FOUND"),
        ({"id": "ctr_00000000000000000000000000"}, {}, "NOT_FOUND"),
    ],
)
async def test_a_wrong_right_is_refused_and_leaves_nothing_behind(
    tmp_path: Path, contract_change: dict[str, Any], right_change: dict[str, Any], code: str
) -> None:
    good = right("a", FILM.ref, first_day="2008-05-30")
    bad = right("b", FILM.ref, first_day="2008-05-30") | right_change
    async with house(tmp_path) as (_, client):
        problem = await refused(client, "record_right", contract=contract("c") | contract_change, rights=[good, bad])
        listed = await call(client, "list_rights")

    assert problem["code"] == code
    assert problem["hint"]
    assert listed["items"] == []


@pytest.mark.asyncio
async def test_a_right_does_not_move_to_another_contract(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        await load(client)
        problem = await refused(
            client, "record_right", contract=contract("other"), rights=[right("sign", SIGN.ref, first_day="2026-10-01")]
        )

    assert problem["code"] == "CONFLICT"


@pytest.mark.asyncio
async def test_an_unknown_clearance_is_not_found(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        for tool, more in (("get_clearance", {}), ("revoke_clearance", {"reason": "x"})):
            assert (await refused(client, tool, clearance="clr_nothing", **more))["code"] == "NOT_FOUND"


@pytest.mark.asyncio
async def test_a_server_for_reading_issues_and_records_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, allow_write=False) as (_, client):
        ask = {"cut_statements": [statement(SECOND)], **ASKED}
        assert (await refused(client, "issue_clearance", **ask))["code"] == "WRITE_NOT_ALLOWED"
        assert (await refused(client, "record_right", contract=contract("c")))["code"] == "WRITE_NOT_ALLOWED"
        report = await call(client, "check_clearance", **ask)

    assert report["verdict"] == "NEEDS_HUMAN"
    assert {each["code"] for each in report["reasons"]} == {"ELEMENT_UNKNOWN"}


@pytest.mark.asyncio
async def test_the_report_reads_well_as_text(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        ids = await load(client)
        result = await client.call_tool("check_clearance", {"cut_statements": [statement(FIRST)], **ASKED})

    text = result.content[0].text
    lines = text.splitlines()
    assert lines[0].startswith("DENIED: of 6 cells")
    assert any(line.startswith("Territory") for line in lines)
    assert any(line.startswith("GB") and "denied R" in line for line in lines)
    assert f"     {ids['waltz-m']} of " in text
    assert "1.2 linear, UK and Ireland" in text
    assert "What would clear it:\n  1. " in text
    assert "     Decided again: then clear, " in text
    assert all(len(line) < 400 for line in lines)


@pytest.mark.asyncio
async def test_every_tool_tells_what_it_takes_and_gives(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, client):
        tools = (await client.list_tools()).tools

    assert {each.name for each in tools} >= {
        "check_clearance",
        "issue_clearance",
        "get_clearance",
        "revoke_clearance",
        "find_available",
        "list_rights",
        "record_right",
        "reserve_runs",
        "settle_runs",
    }
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.output_schema
        assert "title" not in str(tool.input_schema.get("properties", {}).get("territories", {}))
    reading = {each.name for each in tools if each.annotations and each.annotations.read_only_hint}
    assert reading >= {"check_clearance", "get_clearance", "find_available", "list_rights"}
    assert not reading & {"issue_clearance", "revoke_clearance", "record_right", "reserve_runs", "settle_runs"}
