"""What the rights server refuses, and what it must not: limits, contradictions, statements that disagree."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.rights import server, store
from holdback_servers.services import open_services
from holdback_servers.settings import Settings
from holdback_servers.wire import encode_cursor
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import sign_cut
from mcp.client import Client

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS, ASSETS = KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"mcp:assets": [ASSETS.public_jwk], "mcp:rights": [KEYS.public_jwk]})
HERE = {"territories": ["GB"], "platforms": ["linear"]}
WHEN = {"start": "2026-11-23T00:00:00Z", "end": "2026-12-23T00:00:00Z"}
FILM = "film:heron"
PARTY = {"external_key": "heron", "counterparty": "Heron Films", "direction": "in", "status": "active"}
MEDIA = "sha256:" + "1" * 64


@asynccontextmanager
async def house(home: Path) -> AsyncGenerator[Client]:
    def clock() -> datetime:
        return NOW

    services = open_services(
        Database(home / "db" / "rights.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=clock,
        new_id=id_maker(clock),
        keys=KEYS,
        ring=RING,
        audit=AuditLog(home / "audit", KEYS, clock),
    )
    try:
        async with Client(server.build(services, local=local_caller("person:robin", True, "mcp:rights")).mcp) as client:
            yield client
    finally:
        services.audit.close()
        services.database.close()


async def call(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    assert result.structured_content is not None
    return result.structured_content


async def record(client: Client, *rights: dict[str, Any]) -> None:
    await call(client, "record_right", contract=PARTY, rights=list(rights))


def right(key: str, ref: str = FILM, kind: str = "grant", **terms: Any) -> dict[str, Any]:
    shape = {"external_key": key, "ref": ref, "kind": kind, "media": ["all"], "territories": ["WORLD"], **terms}
    return {"first_day": "2026-01-01", **shape} if kind == "grant" else shape


def statement(*refs: str) -> str:
    """A signed statement of one cut, always the same bytes, with these elements."""
    whole = (Span(in_frame=0, out_frame=250),)
    kinds = {"film": "programme", "talent": "talent"}
    elements = tuple(
        Element.model_validate(
            {"id": each, "kind": kinds[each.partition(":")[0]], "ref": each, "name": each, "spans": whole}
        )
        for each in refs
    )
    facts = CutFacts(media=MEDIA, element_list=ElementList(rate=Rate(num=25), frames=250, elements=elements))
    return sign_cut(ASSETS, "mcp:assets", facts, NOW)


async def test_runs_are_not_taken_of_a_right_where_another_gives_the_same_without_a_limit(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        for number in range(4):  # ids of one instant are in no order: each of both comes first somewhere
            ref = f"film:heron-{number}"
            rights = [
                right(f"limited-{number}", ref, max_runs=1),
                right(f"free-{number}", ref),
            ]
            await record(client, *rights)
            cleared = await call(client, "issue_clearance", cut_statements=[statement(ref)], **HERE, **WHEN)
            there = [{"territories": ["GB"], "platform": "linear", "at": f"2026-12-0{day}T20:00:00Z"} for day in (1, 2)]
            answer = await call(
                client,
                "reserve_runs",
                publication=f"pub_{number}",
                clearance=cleared["clearance"],
                transmissions=there,
            )
            assert answer["rights"] == []


async def test_two_statements_that_disagree_about_the_same_bytes_are_refused_in_either_order(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        both = [statement(FILM), statement(FILM, "talent:ada-voss")]
        for given in (both, both[::-1]):
            problem = await refused(client, "check_clearance", cut_statements=given, **HERE, **WHEN)
            assert problem["code"] == "CONFLICT"
            assert MEDIA in problem["message"]


async def test_no_clearance_is_signed_for_a_window_that_is_over(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        await record(client, right("a"))
        over = {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
        answer = await call(client, "issue_clearance", cut_statements=[statement(FILM)], **HERE, **over)

        assert "statement" not in answer
        assert answer["not_issued"] == "what is clear is over by now; ask for a window that ends later"


async def test_a_window_near_the_end_of_the_calendar_is_judged(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        limited = right("a", FILM, window_max_days=36_600)
        await record(client, limited)
        statements = [statement(FILM)]
        told = await call(client, "check_clearance", cut_statements=statements, **HERE, start="9990-01-01T00:00:00Z")

        assert [each["code"] for each in told["reasons"]] == ["WINDOW_LIMIT"]


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:00:00-05:00"])
async def test_an_instant_beyond_the_calendar_is_a_mistake_of_the_caller(tmp_path: Path, start: str) -> None:
    async with house(tmp_path) as client:
        problem = await refused(client, "check_reference", refs=[FILM], **HERE, start=start, end="2026-12-23T00:00:00Z")

        assert problem["code"] == "INVALID_ARGUMENT"
        assert "outside the years 1 to 9999 of UTC" in problem["message"]


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"territories": ["GB"], "excluded_territories": ["GB"]}, "INVALID_ARGUMENT"),
        ({"territories": ["DE", "FR"], "excluded_territories": ["EU"]}, "INVALID_ARGUMENT"),
        ({"territories": ["US-CA"], "excluded_territories": ["US"]}, "INVALID_ARGUMENT"),
        ({"territories": ["US-ZZ"]}, "TERRITORY_UNKNOWN"),
        ({"languages": ["xq"]}, "LANGUAGE_UNKNOWN"),
        ({"media": ["telly"]}, "MEDIUM_UNKNOWN"),
    ],
)
async def test_a_right_that_cannot_be_is_named_by_its_place_and_nothing_is_recorded(
    tmp_path: Path, terms: dict[str, Any], code: str
) -> None:
    async with house(tmp_path) as client:
        good = right("good", FILM)
        bad = right("bad", FILM, "blackout", **terms)
        problem = await refused(client, "record_right", contract=PARTY, rights=[good, bad])

        assert problem["code"] == code
        assert problem["message"].startswith("rights.1 (bad): ")
        assert problem["hint"]
        assert (await call(client, "list_rights", ref=FILM))["items"] == []


async def test_a_holdback_in_a_language_stands_whatever_code_it_was_written_with(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        rights = [
            right("a", FILM),
            right("b", FILM, "holdback", languages=["ger"], clause="Not in German."),
        ]
        await record(client, *rights)
        told = await call(client, "check_reference", refs=[FILM], **HERE, **WHEN, languages=["de"])

        assert [each["clause"] for each in told["report"]["reasons"]] == ["Not in German."]


async def test_a_reason_is_told_for_the_cells_where_it_holds_and_no_others(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        await record(
            client,
            right("gb", territories=["GB"], media=["linear"]),
            right("de", territories=["DE"], media=["web"]),
        )
        asked = {"territories": ["GB", "DE"], "platforms": ["linear", "web"], **WHEN}
        result = await client.call_tool("check_reference", {"refs": [FILM], **asked})
        lines = [each.strip() for each in result.content[0].text.splitlines()]  # pyright: ignore

        assert "DE on linear" in lines
        assert "GB on web" in lines
        assert "everywhere asked" not in lines


async def test_a_question_about_a_contract_or_a_reference_that_is_none_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        contract = await refused(client, "report_expiring", contract="ctr_none")
        ref = await refused(client, "report_expiring", ref="heron")

        assert (contract["code"], ref["code"]) == ("NOT_FOUND", "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "position", [{"closes": "x"}, {"closes": None}, {"closes": 10**30}, {"id": 7}, {"closes": True}]
)
async def test_a_cursor_of_another_shape_is_refused(tmp_path: Path, position: dict[str, Any]) -> None:
    async with house(tmp_path) as client:
        problem = await refused(client, "report_expiring", cursor=encode_cursor(position))

        assert problem["code"] == "INVALID_ARGUMENT"
        assert "cursor" in problem["message"]


async def test_a_change_is_assessed_for_a_reference_written_with_spaces(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        await record(client, right("a"))
        await call(client, "issue_clearance", cut_statements=[statement(FILM)], **HERE, **WHEN)
        told = await call(client, "assess_change", ref=f" {FILM}")

        assert (told["losing"], told["relying"]) == (1, 1)


@pytest.mark.parametrize(("most", "stale"), [(0, 1), (2, 1), (3, 0)])
async def test_a_clearance_is_stale_once_its_right_gives_fewer_runs_than_it_was_decided_for(
    tmp_path: Path, most: int, stale: int
) -> None:
    async with house(tmp_path) as client:
        await record(client, right("a", max_runs=3, clause="Three runs."))
        cleared = await call(client, "issue_clearance", cut_statements=[statement(FILM)], **HERE, **WHEN, runs=3)
        run = [{"territories": ["GB"], "platform": "linear", "at": "2026-12-01T20:00:00Z"}]
        await call(client, "reserve_runs", publication="pub_1", clearance=cleared["clearance"], transmissions=run)
        fewer = right("a", max_runs=most, clause=f"Now {most} runs.")
        told = await call(client, "record_right", contract=PARTY, rights=[fewer])

        assert len(told["stale"]) == stale
        if stale:
            reasons = told["stale"][0]["lost"][0]["reasons"]
            assert f"Now {most} runs." in reasons[0]
            assert "1 are used or reserved" in reasons[0]
