"""The questions beyond one cut, through a real client: references, what ends, conflicts, and a change not yet made."""

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
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import sign_cut
from mcp.client import Client

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS, ASSETS = KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"mcp:assets": [ASSETS.public_jwk], "mcp:rights": [KEYS.public_jwk]})
FILM = "film:a"
WHERE = {"territories": ["GB", "DE"], "platforms": ["linear", "social.youtube"], "start": "2026-11-23T00:00:00Z"}


@asynccontextmanager
async def rights(home: Path) -> AsyncGenerator[Client]:
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


async def record(client: Client, key: str, *rights: dict[str, Any], status: str = "active") -> dict[str, Any]:
    """A contract with these rights; licences out make it one of direction out."""
    direction = "out" if any(each.get("kind") == "licence_out" for each in rights) else "in"
    contract = {"external_key": key, "counterparty": key.title(), "direction": direction, "status": status}
    return await call(client, "record_right", contract=contract, rights=list(rights))


def right(key: str, kind: str = "grant", **terms: Any) -> dict[str, Any]:
    given = {"ref": FILM, "media": ["all"], "territories": ["WORLD"], "start": "2026-01-01T00:00:00Z"}
    return {"external_key": key, "kind": kind} | given | terms


async def cleared(client: Client, ref: str = FILM) -> str:
    span = Span(in_frame=0, out_frame=100)
    element = Element(id="e", kind="programme", ref=ref, name=ref, spans=(span,))
    cut = CutFacts(
        media="sha256:" + "1" * 64, element_list=ElementList(rate=Rate(num=25), frames=100, elements=(element,))
    )
    asked = {"cut_statements": [sign_cut(ASSETS, "mcp:assets", cut, NOW)], "end": "2026-12-23T00:00:00Z", **WHERE}
    return (await call(client, "issue_clearance", **asked))["clearance"]


async def test_an_open_ended_question_about_a_film_says_when_it_opens(tmp_path: Path) -> None:
    async with rights(tmp_path) as client:
        await record(
            client,
            "studio",
            right("all", clause="1", conditions=[{"type": "credit", "text": "(c) Studio"}]),
            right("embargo", "embargo", territories=["DE"], end="2026-12-01T00:00:00Z", clause="8.2"),
            right("never", "blackout", media=["linear"], territories=["GB"]),
        )
        answer = await call(client, "check_reference", refs=[FILM], **WHERE)
        text = (await client.call_tool("check_reference", {"refs": [FILM], **WHERE})).content[0]

    opens = {(*each["territories"], *each["platforms"]): each.get("opens") for each in answer["opens"]}
    assert opens == {
        ("DE", "linear", "social.youtube"): "2026-12-01T00:00:00Z",
        ("GB", "social.youtube"): "2026-11-23T00:00:00Z",
        ("GB", "linear"): None,
    }
    assert all(each["once_met"] for each in answer["opens"] if each.get("opens"))
    assert {each["clause"] for each in answer["report"]["reasons"] if each["code"] == "EMBARGO"} == {"8.2"}
    assert answer["report"]["cuts"] == []
    assert "GB on linear: does not open" in str(text)


async def test_what_bounds_the_grants_that_give_is_told_where_there_is_no_cut_to_measure(tmp_path: Path) -> None:
    bounds: dict[str, Any] = {"max_duration_seconds": 30, "max_runs": 3, "window_max_days": 40, "clause": "4.2"}
    asked = {"refs": [FILM], "end": "2026-12-23T00:00:00Z", **WHERE}
    async with rights(tmp_path) as client:
        await record(client, "studio", right("gives", **bounds), right("b", territories=["FR"], max_runs=1))
        answer = await call(client, "check_reference", **asked)
        text = str((await client.call_tool("check_reference", asked)).content[0])
        free = await record(client, "free", right("free", ref="film:b"))
        unbound = await call(client, "check_reference", **{**asked, "refs": ["film:b"]})

    (limit,) = answer["limits"]
    assert answer["report"]["verdict"] == "CLEARED"
    assert (limit["clause"], limit["max_duration_seconds"], limit["runs_left"], limit["window_max_days"]) == (
        "4.2", 30, 3, 40
    )  # fmt: skip
    assert "Limits:" in text
    assert "at most 30 s in a cut, 3 runs left, up for 40 days of 24 hours at most" in text
    assert free["rights"]
    assert unbound["limits"] == []


async def test_what_would_clear_a_reference_is_offered_before_there_is_a_cut(tmp_path: Path) -> None:
    asked = {"refs": [FILM], "end": "2026-12-23T00:00:00Z", **WHERE}
    async with rights(tmp_path) as client:
        await record(client, "studio", right("all"), right("embargo", "embargo", end="2026-12-01T00:00:00Z"))
        answer = await call(client, "check_reference", **asked)
        without = await call(client, "check_reference", **asked, plans=False)

    plan = answer["report"]["plans"][0]
    assert plan["verified"]
    assert [(each["kind"], each["start"]) for each in plan["remedies"]] == [("start_later", "2026-12-01T00:00:00Z")]
    assert without["report"]["plans"] == []


async def test_the_true_date_of_an_event_is_recorded_and_says_which_windows_it_leaves_empty(tmp_path: Path) -> None:
    held = right("held", "holdback", start="2026-12-01T00:00:00Z", end_event={"event": "broadcast"})
    asked = {"refs": [FILM], "end": "2026-12-23T00:00:00Z", **WHERE}
    async with rights(tmp_path) as client:
        recorded = await record(client, "studio", right("all"), held)
        before = await call(client, "check_reference", **asked)
        event = await call(client, "record_event", ref=FILM, event="broadcast", day="2026-11-30")
        after = await call(client, "check_reference", **asked)
        later = await call(client, "record_event", ref=FILM, event="broadcast", day="2026-12-10")

    assert [each["report"]["verdict"] for each in (before, after)] == ["PARTIAL", "CLEARED"]
    assert (event["empty"], event["windows_moved"]) == ([recorded["rights"][1]["id"]], 1)
    assert (later["empty"], later["windows_moved"]) == ([], 1)


async def test_blanket_licences_are_nothing_to_show(tmp_path: Path) -> None:
    async with rights(tmp_path) as client:
        await record(client, "society", right("blanket", ref="music:any", element_kinds=["music_performance"]))
        problem = await refused(client, "check_reference", refs=["music:any"], **WHERE)

    assert problem["code"] == "INVALID_ARGUMENT"
    assert "blanket" in problem["message"]


async def test_several_references_must_all_be_clear(tmp_path: Path) -> None:
    async with rights(tmp_path) as client:
        await record(client, "studio", right("all"), right("b", ref="film:b", territories=["GB"]))
        one = await call(client, "check_reference", refs=[FILM], **WHERE)
        both = await call(client, "check_reference", refs=[FILM, "film:b"], **WHERE)
        unknown = await call(client, "check_reference", refs=["film:nobody"], **WHERE)
        wrong = await refused(client, "check_reference", refs=["Not a ref"], **WHERE)

    assert [each["report"]["verdict"] for each in (one, both, unknown)] == ["CLEARED", "PARTIAL", "NEEDS_HUMAN"]
    assert wrong["code"] == "INVALID_ARGUMENT"


async def test_what_ends_soon_comes_in_order_of_its_end_page_by_page(tmp_path: Path) -> None:
    async with rights(tmp_path) as client:
        ends = [f"2026-12-{day:02}T00:00:00Z" for day in range(1, 8)]
        await record(client, "studio", *(right(f"r{n}", ref=f"film:{n}", end=end) for n, end in enumerate(ends)))
        await record(client, "later", right("late", ref="film:late", end="2027-12-01T00:00:00Z"))
        await record(client, "draft", right("draft", ref="film:draft", end=ends[0]), status="draft")
        found: list[str] = []
        cursor = None
        for _ in range(4):
            page = await call(client, "report_expiring", limit=2, cursor=cursor)
            found += [each["ends"] for each in page["items"]]
            cursor = page.get("next_cursor")

    assert found == ends
    assert cursor is None


async def test_what_ends_names_what_goes_on_and_the_clearances_that_rely_on_it(tmp_path: Path) -> None:
    async with rights(tmp_path) as client:
        recorded = await record(
            client, "studio", right("a", end="2026-12-01T00:00:00Z", clause="3"), right("b", territories=["EU", "GB"])
        )
        clearance = await cleared(client)
        item = (await call(client, "report_expiring", days=30, territory="US", platform="linear"))["items"][0]
        other = await call(client, "report_expiring", ref="film:other")
        only = await call(client, "report_expiring", contract=recorded["contract"]["id"])

    first, second = (each["id"] for each in recorded["rights"])
    assert (item["right"], item["clause"], item["within_days"]) == (first, "3", 30)
    assert item["covered_on_by"] == [second]
    assert item["lost"][0]["territories"] == ["WORLD"]
    assert "DE" in item["lost"][0]["excluded_territories"]
    assert item["clearances"] == [clearance]
    assert (other["items"], len(only["items"])) == ([], 1)


async def test_a_draft_contract_is_judged_as_if_it_were_active(tmp_path: Path) -> None:
    async with rights(tmp_path) as client:
        await record(client, "studio", right("all", exclusive=True))
        await record(client, "first", right("de", "licence_out", territories=["DE"], exclusive=True))
        sale = right("dach", "licence_out", territories=["DACH"], media=["vod"], clause="6")
        draft = await record(client, "second", sale, status="draft")
        by_contract = await call(client, "find_conflicts", contract=draft["contract"]["id"])
        by_ref = await call(client, "find_conflicts", ref=FILM)

    assert by_contract["items"] == by_ref["items"]
    (conflict,) = by_contract["items"]
    assert conflict["code"] == "RIGHTS_OUT_OVERLAP"
    assert (conflict["right"]["contract_status"], conflict["right"]["clause"]) == ("draft", "6")
    assert conflict["scopes"][0]["territories"] == ["DE"]
    assert conflict["scopes"][0]["media"] == ["vod"]


async def test_conflicts_come_page_by_page(tmp_path: Path) -> None:
    async with rights(tmp_path) as client:
        sales = [right(f"s{n}", "licence_out", ref=f"film:{n % 3}", territories=["US"]) for n in range(7)]
        deal = await record(client, "buyer", *sales, status="pending")
        found: list[str] = []
        cursor = None
        for _ in range(4):
            page = await call(client, "find_conflicts", contract=deal["contract"]["id"], limit=2, cursor=cursor)
            found += [each["right"]["right"] for each in page["items"]]
            cursor = page.get("next_cursor")

    assert sorted(found) == sorted(each["id"] for each in deal["rights"])
    assert cursor is None


async def test_conflicts_of_what_cannot_be_judged_are_refused_with_the_cure(tmp_path: Path) -> None:
    async with rights(tmp_path) as client:
        rejected = await record(client, "buyer", right("s", "licence_out"), status="rejected")
        nothing = await refused(client, "find_conflicts")
        unknown = await refused(client, "find_conflicts", contract="ctr_nobody")
        dead = await refused(client, "find_conflicts", contract=rejected["contract"]["id"])

    assert [each["code"] for each in (nothing, unknown, dead)] == ["INVALID_ARGUMENT", "NOT_FOUND", "INVALID_ARGUMENT"]
    assert "rejected" in dead["message"]
    assert all(each["hint"] for each in (nothing, unknown, dead))


async def test_a_change_is_assessed_and_nothing_is_kept(tmp_path: Path) -> None:
    async with rights(tmp_path) as client:
        studio = await record(client, "studio", right("gb", territories=["GB"]), right("de", territories=["DE"]))
        await record(client, "other", right("b", ref="film:b"))
        clearance, other = await cleared(client), await cleared(client, "film:b")
        withdrawn = await call(client, "assess_change", rights=[studio["rights"][1]["id"]])
        inactive = await call(client, "assess_change", contract=studio["contract"]["id"])
        active = await call(client, "assess_change", contract=studio["contract"]["id"], status="active")
        emptied = await call(client, "assess_change", ref="film:b")
        two = await refused(client, "assess_change", ref="film:b", contract=studio["contract"]["id"])
        after = [await call(client, "get_clearance", clearance=each) for each in (clearance, other)]

    assert [each["clearance"] for each in withdrawn["clearances"]] == [clearance]
    assert withdrawn["clearances"][0]["lost"][0]["territories"] == ["DE"]
    assert (inactive["losing"], active["losing"], active["relying"]) == (1, 0, 1)
    assert "is inactive" in str(inactive["clearances"][0]["lost"])
    assert [each["clearance"] for each in emptied["clearances"]] == [other]
    assert two["code"] == "INVALID_ARGUMENT"
    assert [each["status"] for each in after] == ["valid", "valid"]
