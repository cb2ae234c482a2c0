"""Runs through a real client: a clearance that relies on a limited right, its runs reserved, used, given back."""

from collections.abc import AsyncIterator
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
from holdback_servers.serving import IDEMPOTENCY_META
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import sign_cut
from mcp.client import Client

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RIGHTS, ASSETS = KeyPair.generate(), KeyPair.generate()
WHOLE = (Span(in_frame=0, out_frame=240),)
CUT = CutFacts(
    media="sha256:" + "1" * 64,
    element_list=ElementList(
        rate=Rate(num=24),
        frames=240,
        elements=(
            Element(id="film", kind="programme", ref="film:heron", name="The Heron", spans=WHOLE),
            Element(id="clip", kind="third_party_clip", ref="clip:storm", name="Storm", spans=WHOLE),
        ),
    ),
)
ASKED = {
    "territories": ["GB", "IE"],
    "platforms": ["linear", "social.youtube"],
    "start": "2026-11-23T00:00:00Z",
    "end": "2026-11-27T00:00:00Z",
}
MONDAY, TUESDAY = "2026-11-23T20:00:00Z", "2026-11-24T20:00:00Z"


@asynccontextmanager
async def house(home: Path) -> AsyncIterator[Client]:
    """The rights door over a fresh store: the film twice on linear with a repeat, online without a limit."""

    def clock() -> datetime:
        return NOW

    services = open_services(
        Database(home / "rights.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=clock,
        new_id=id_maker(clock),
        keys=RIGHTS,
        ring=KeyRing({"mcp:assets": [ASSETS.public_jwk], "mcp:rights": [RIGHTS.public_jwk]}),
        audit=AuditLog(home / "audit", RIGHTS, clock),
    )
    door = server.build(services, local=local_caller("person:robin", True, "mcp:rights"))
    contract = {"external_key": "c", "counterparty": "Heron Films (invented)", "direction": "in", "status": "active"}
    shape = {"kind": "grant", "territories": ["WORLD"], "start": "2026-01-01T00:00:00Z"}
    limited = {"max_runs": 2, "reruns": {"repeats": 1, "hours": 48}, "clause": "4.1 two runs, one repeat in 48 hours"}
    rights = [
        {**shape, "external_key": "film", "ref": "film:heron", "media": ["linear"], **limited},
        {**shape, "external_key": "online", "ref": "film:heron", "media": ["social"]},
        {**shape, "external_key": "clip", "ref": "clip:storm", "media": ["all"]},
    ]
    try:
        async with Client(door.mcp) as client:
            await call(client, "record_right", contract=contract, rights=rights)
            yield client
    finally:
        services.audit.close()
        services.database.close()


async def call(client: Client, tool: str, key: str | None = None, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments, meta={IDEMPOTENCY_META: key} if key else None)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return result.structured_content


async def cleared(client: Client, **more: Any) -> str:
    issued = await call(
        client, "issue_clearance", cut_statements=[sign_cut(ASSETS, "mcp:assets", CUT, NOW)], **{**ASKED, **more}
    )
    return issued["clearance"]


def out(at: str, platform: str = "linear", *territories: str) -> dict[str, Any]:
    return {"territories": territories or ["GB", "IE"], "platform": platform, "at": at}


@pytest.mark.asyncio
async def test_the_server_knows_which_limited_rights_a_clearance_relies_on(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        under = {"publication": "pub_1", "clearance": await cleared(client)}
        on_air = await call(client, "reserve_runs", **under, transmissions=[out(MONDAY), out(TUESDAY)])
        online = await call(
            client,
            "reserve_runs",
            **{**under, "publication": "pub_2"},
            transmissions=[out(MONDAY, "social.youtube")],
        )

    assert [(each["at"], each["counted"]) for each in on_air["runs"]] == [(MONDAY, True), (TUESDAY, False)]
    assert [(each["ref"], each["limit"], each["taken"], each["left"]) for each in on_air["rights"]] == [
        ("film:heron", 2, 1, 1)
    ]
    assert (online["runs"], online["rights"]) == ([], [])


@pytest.mark.asyncio
async def test_a_reservation_counts_at_once_and_leaves_the_clearance_it_was_made_under_valid(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        clearance = await cleared(client, runs=2, platforms=["linear"])
        await call(
            client,
            "reserve_runs",
            publication="pub_1",
            clearance=clearance,
            transmissions=[out(MONDAY), out("2026-11-26T20:00:00Z")],
        )
        checked = await call(
            client, "check_clearance", cut_statements=[sign_cut(ASSETS, "mcp:assets", CUT, NOW)], **ASKED
        )
        record = await call(client, "get_clearance", clearance=clearance)

    assert record["status"] == "valid"
    assert [(each["code"], each["platforms"]) for each in checked["reasons"]] == [("RUNS_EXHAUSTED", ["linear"])]
    assert "2 are used or reserved" in checked["reasons"][0]["text"]


@pytest.mark.asyncio
async def test_what_is_used_up_is_refused_with_who_has_it_and_a_release_gives_it_back(tmp_path: Path) -> None:
    late, later = "2026-11-26T20:00:00Z", "2026-11-26T21:00:00Z"
    async with house(tmp_path) as client:
        under = {"clearance": await cleared(client)}
        every = [out(each) for each in (MONDAY, TUESDAY, late, later)]
        await call(client, "reserve_runs", publication="pub_1", **under, transmissions=every)
        refusal = await refused(
            client, "reserve_runs", publication="pub_2", **under, transmissions=[out("2026-11-25T23:00:00Z")]
        )
        await call(client, "settle_runs", publication="pub_1", action="use", at=[MONDAY])
        await call(client, "settle_runs", publication="pub_1", action="release", at=[late, later])
        again = await call(client, "reserve_runs", publication="pub_2", **under, transmissions=[out(late)])
        listed = (await call(client, "list_rights", ref="film:heron"))["items"]

    assert sorted(each.get("runs_taken") or 0 for each in listed) == [0, 2]
    assert refusal["code"] == "RUNS_EXHAUSTED"
    assert "4.1 two runs" in refusal["message"]
    assert {each["publication"] for each in refusal["details"]["taken"]} == {"pub_1"}
    assert [(each["taken"], each["used"], each["left"]) for each in again["rights"]] == [(2, 1, 0)]


@pytest.mark.asyncio
async def test_the_same_call_again_changes_nothing_with_a_key_or_without(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        wanted = {"publication": "pub_1", "clearance": await cleared(client), "transmissions": [out(MONDAY)]}
        first = await call(client, "reserve_runs", "key-1", **wanted)
        assert await call(client, "reserve_runs", "key-1", **wanted) == first
        assert await call(client, "reserve_runs", **wanted) == first
        used = await call(client, "settle_runs", publication="pub_1", action="use")
        assert await call(client, "settle_runs", publication="pub_1", action="use") == used


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("transmission", "code"),
    [
        (out(MONDAY, "linear", "DE"), "TERRITORY_NOT_CLEARED"),
        (out(MONDAY, "vod.svod"), "TERRITORY_NOT_CLEARED"),
        (out("2026-11-27T00:00:00Z"), "OUTSIDE_CLEARED_WINDOW"),
    ],
)
async def test_a_transmission_outside_the_clearance_is_refused(
    tmp_path: Path, transmission: dict[str, Any], code: str
) -> None:
    async with house(tmp_path) as client:
        clearance = await cleared(client)
        refusal = await refused(
            client, "reserve_runs", publication="pub_1", clearance=clearance, transmissions=[transmission]
        )

    assert refusal["code"] == code


@pytest.mark.asyncio
async def test_a_revoked_clearance_reserves_nothing_and_neither_does_half_a_question(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        clearance = await cleared(client)
        await call(client, "revoke_clearance", clearance=clearance, reason="a mistake")
        revoked = await refused(
            client, "reserve_runs", publication="pub_1", clearance=clearance, transmissions=[out(MONDAY)]
        )
        half = await refused(client, "reserve_runs", publication="pub_1", clearance=clearance)

    assert (revoked["code"], half["code"]) == ("CLEARANCE_REVOKED", "INVALID_ARGUMENT")


@pytest.mark.asyncio
async def test_when_a_right_loses_its_reruns_they_count_as_runs_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        clearance = await cleared(client)
        wanted = {"publication": "pub_1", "clearance": clearance, "transmissions": [out(MONDAY), out(TUESDAY)]}
        before = await call(client, "reserve_runs", **wanted)
        listed = (await call(client, "list_rights", ref="film:heron"))["items"]
        own = next(each["right"] for each in listed if each["right"].get("max_runs"))
        contract = {"id": own["contract"], "counterparty": "Heron Films (invented)", "direction": "in"}
        changed = {"external_key": "film", "ref": "film:heron", "kind": "grant", "territories": ["WORLD"]}
        changed |= {"media": ["linear"], "start": "2026-01-01T00:00:00Z", "max_runs": 2}
        await call(client, "record_right", contract={**contract, "status": "active"}, rights=[changed])
        after = await call(client, "reserve_runs", **wanted)

    assert [each["counted"] for each in before["runs"]] == [True, False]
    assert [each["counted"] for each in after["runs"]] == [True, True]
    assert [(each["taken"], each["left"]) for each in after["rights"]] == [(2, 0)]


@pytest.mark.asyncio
async def test_runs_are_reserved_right_by_right_without_a_clearance_and_read_well(tmp_path: Path) -> None:
    async with house(tmp_path) as client:
        listed = (await call(client, "list_rights", ref="film:heron"))["items"]
        limited = next(each["right"]["id"] for each in listed if each["right"].get("max_runs"))
        result = await client.call_tool(
            "reserve_runs", {"publication": "pub_1", "rights": [{"right": limited, "at": MONDAY}]}
        )

    assert result.content[0].text.splitlines() == [
        "pub_1:",
        f"  {limited}, film:heron (4.1 two runs, one repeat in 48 hours): 1 of 2 runs taken, 0 of them used, 1 left.",
        f"  {MONDAY} against {limited}: reserved, a run.",
    ]
