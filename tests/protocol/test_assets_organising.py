"""Works, collections, holds, reviews, AI configurations, removal and history through a real client."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.elements import Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets import server, store, tables
from holdback_servers.assets.indexing import index_asset
from holdback_servers.assets.model import Asset, Lineage, Segment, TechnicalFacts, Version
from holdback_servers.services import Services, open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import agent_scopes, local_caller, person_scopes
from holdback_trust.task_policy import mint, policy_sha256
from mcp.client import Client

OWN = KeyPair.generate()
START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
CONFIG: dict[str, Any] = {
    "id": "urn:example:tagger:1",
    "task": "tag",
    "model": {"name": "Tagger", "version": "3.1", "provider": "Example"},
    "parameters": {"threshold": 0.4},
    "training_data": "A million pictures of meadows",
    "licence": "Apache-2.0",
    "evaluations": [{"dataset": "meadows", "metric": "F1", "value": "0.91", "day": "2026-10-01"}],
}


@dataclass
class Library:
    client: Client
    services: Services

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        answer: dict[str, Any] = result.structured_content or {}
        return {"problem": answer} if result.is_error else answer

    async def code(self, tool: str, **arguments: Any) -> str:
        problem = (await self.call(tool, **arguments))["problem"]
        assert problem["hint"]
        return problem["code"]

    async def asset(self, title: str = "Meadow", of: tuple[str, ...] = ()) -> tuple[str, str]:
        """An asset with a version of 48 frames, made from others or not: the ids of both."""
        new_id, now = self.services.new_id, self.services.clock()
        asset = Asset(id=new_id("ast"), kind="clip", title=title, at=now)
        facts = TechnicalFacts(container="mov", size_bytes=10, frames=48, rate=Rate(num=25))
        element = Element(id="e", kind="programme", ref="film:m", name="M", spans=(Span(in_frame=0, out_frame=48),))
        version = Version(
            id=new_id("ver"),
            asset_id=asset.id,
            number=1,
            media=self.services.media.put(asset.id.encode()),
            facts=facts,
            element_list=ElementList(rate=facts.rate, frames=48, elements=(element,)),
            elements_from="supplier",
            lineage=Lineage(relation="derivation", of_versions=of) if of else None,
            by="person:sam",
            at=now,
        )
        shot = Segment(
            id=new_id("seg"), version_id=version.id, kind="shot", in_frame=0, out_frame=48, method="imported"
        )

        def unit(c: Any) -> None:
            store.add_asset(c, asset)
            store.add_version(c, version)
            store.add_segments(c, [shot])
            index_asset(c, asset.id)

        await self.services.database.write(unit)
        return asset.id, version.id

    async def tell(self, target: str, field: str, value: Any, **more: Any) -> dict[str, Any]:
        return await self.call("update_metadata", target=target, values=[{"field": field, "value": value, **more}])


@asynccontextmanager
async def library(home: Path, caller: Caller | None = None) -> AsyncGenerator[Library]:
    audit = AuditLog(home / "audit", OWN, lambda: START)
    ticks = count()

    def clock() -> datetime:
        return START + timedelta(seconds=next(ticks))

    services = open_services(
        Database(home / "db" / "assets.sqlite", tables.METADATA),
        tables.TABLES,
        settings=Settings(home=home),
        clock=clock,
        new_id=id_maker(clock),
        keys=OWN,
        ring=KeyRing({"mcp:assets": [OWN.public_jwk]}),
        audit=audit,
    )
    door = server.build(services, local=caller or local_caller("person:sam", True, "mcp:assets"), watching=False)
    try:
        async with door.serving(), Client(door.mcp) as client:
            yield Library(client, services)
    finally:
        audit.close()
        services.database.close()


@pytest.mark.asyncio
async def test_an_asset_under_a_legal_hold_is_neither_removed_nor_archived_until_the_last_is_released(
    tmp_path: Path,
) -> None:
    async with library(tmp_path) as house:
        asset_id, _ = await house.asset()
        first = await house.call("place_hold", asset_id=asset_id, reason="Court order 12/2026")
        second = await house.call("place_hold", asset_id=asset_id, reason="Audit")
        assert (await house.call("get_asset", asset_id=asset_id))["legal_holds"] == 2
        for hold in (first, second):
            assert await house.code("remove_asset", asset_id=asset_id, reason="tidy") == "LEGAL_HOLD"
            problem = (await house.tell(asset_id, "status", "archived"))["problem"]
            assert problem["code"] == "LEGAL_HOLD"
            await house.call("release_hold", hold_id=hold["id"], reason="closed")
        released = await house.call("release_hold", hold_id=first["id"], reason="once more")
        assert released["release_reason"] == "closed"
        assert (await house.call("list_holds", asset_id=asset_id))["items"] == []
        register = await house.call("list_holds", include_released=True, limit=1)
        assert [each["id"] for each in register["items"]] == [first["id"]]
        rest = await house.call("list_holds", include_released=True, limit=1, cursor=register["next_cursor"])
        assert [each["id"] for each in rest["items"]] == [second["id"]]
        assert (await house.call("remove_asset", asset_id=asset_id, reason="tidy"))["status"] == "removed"


@pytest.mark.asyncio
async def test_a_removed_asset_is_out_of_reach_keeps_its_bytes_and_comes_back_as_it_was(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        asset_id, _ = await house.asset()
        await house.tell(asset_id, "status", "restricted")
        gone = await house.call("remove_asset", asset_id=asset_id, reason="duplicate")
        assert await house.call("remove_asset", asset_id=asset_id, reason="duplicate") == gone
        assert (await house.call("search_assets", query="meadow"))["total"] == 0
        asset = await house.call("get_asset", asset_id=asset_id)
        media = asset["versions"][0]["media"]
        assert house.services.media.has(media)
        with pytest.raises(Exception, match="was removed"):
            await house.client.read_resource(asset["versions"][0]["media_uri"])
        for value in ("ready", "removed"):
            assert (await house.tell(asset_id, "status", value))["problem"]["code"] == "INVALID_ARGUMENT"
        back = await house.call("restore_asset", asset_id=asset_id, reason="no duplicate after all")
        assert back["status"] == "restricted"
        assert await house.code("restore_asset", asset_id=asset_id, reason="again") == "CONFLICT"
        told = [each["what"] for each in (await house.call("get_history", target=asset_id))["items"]]
        assert told == ["restored", "value", "removed", "value", "value", "version_added"]


@pytest.mark.asyncio
async def test_blanks_are_no_reason_and_a_text_has_neither_a_nul_nor_endless_length(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        asset_id, _ = await house.asset()
        for tool in ("place_hold", "remove_asset"):
            assert await house.code(tool, asset_id=asset_id, reason="  \n  ") == "INVALID_ARGUMENT"
        nul = (await house.tell(asset_id, "mood", "ca\0lm"))["problem"]
        assert (nul["code"], "values.0.value" in nul["message"]) == ("INVALID_ARGUMENT", True)
        assert (await house.tell(asset_id, "mood", "x" * 100_001))["problem"]["code"] == "INVALID_ARGUMENT"
        assert "problem" not in await house.tell(asset_id, "mood", "x" * 100_000)
        assert (await house.tell(asset_id, "title", " \t "))["problem"]["code"] == "INVALID_ARGUMENT"
        for tool in ("record_work", "record_collection"):
            assert await house.code(tool, title="   ") == "INVALID_ARGUMENT"
        assert (await house.call("list_holds"))["items"] == []


@pytest.mark.asyncio
async def test_a_write_that_brings_an_old_etag_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        asset_id, version_id = await house.asset()
        seen = (await house.call("get_asset", asset_id=asset_id))["etag"]
        told = await house.tell(version_id, "grade", "final")
        newer = (await house.call("get_asset", asset_id=asset_id))["etag"]
        assert (newer != seen, told["etag"] == newer) == (True, False)
        for tool, arguments in (
            ("update_metadata", {"target": asset_id, "values": [{"field": "title", "value": "Other"}]}),
            ("remove_asset", {"asset_id": asset_id, "reason": "tidy"}),
        ):
            assert await house.code(tool, **arguments, if_etag=seen) == "CONFLICT", tool
        values = [{"field": "title", "value": "Other"}]
        done = await house.call("update_metadata", target=asset_id, values=values, if_etag=newer)
        assert done["etag"] == (await house.call("get_asset", asset_id=asset_id))["etag"]
        work = await house.call("record_work", title="Meadow")
        await house.call("record_work", work_id=work["id"], title="The meadow", if_etag=work["etag"])
        assert await house.code("record_work", work_id=work["id"], title="X", if_etag=work["etag"]) == "CONFLICT"
        kept = await house.call("record_collection", title="Best", add=[asset_id])
        await house.call("record_collection", collection_id=kept["id"], title="Worst", if_etag=kept["etag"])
        again = {"collection_id": kept["id"], "if_etag": kept["etag"]}
        assert await house.code("record_collection", **again, take_out=[asset_id]) == "CONFLICT"
        assert await house.code("remove_collection", **again) == "CONFLICT"


@pytest.mark.asyncio
async def test_a_work_is_known_by_checked_identifiers_and_each_names_one_work(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        asset_id, _ = await house.asset()
        eidr = {"scope": "eidr", "value": "10.5240/7791-8534-2c23-9030-8610-5"}
        work = await house.call("record_work", title="Meadow", kind="film", identifiers=[eidr], asset_ids=[asset_id])
        assert work["identifiers"] == [{"scope": "EIDR", "value": "10.5240/7791-8534-2C23-9030-8610-5"}]
        assert [each["asset_id"] for each in work["assets"]] == [asset_id]
        wrong = {"scope": "EIDR", "value": "10.5240/7791-8534-2C23-9030-8611-5"}
        assert await house.code("record_work", title="Other", identifiers=[wrong]) == "INVALID_ARGUMENT"
        assert await house.code("record_work", title="Other", identifiers=[eidr]) == "CONFLICT"
        assert await house.code("record_work", work_id=asset_id, title="Other") == "NOT_FOUND"
        await house.call("record_work", title="Élan % vital")
        for words, found in (("élan", 1), ("ÉLAN VITAL", 1), ("%", 1), ("_", 0), ("7791-8534-2c23", 1)):
            assert len((await house.call("list_works", words=words))["items"]) == found, words
        assert [each["title"] for each in (await house.call("list_works"))["items"]] == ["Meadow", "Élan % vital"]
        assert (await house.tell(asset_id, "work", "wrk_nothing"))["problem"]["code"] == "INVALID_ARGUMENT"
        await house.tell(asset_id, "work", "")
        assert "work" not in await house.call("get_asset", asset_id=asset_id)
        assert (await house.call("get_work", work_id=work["id"]))["total"] == 0


@pytest.mark.asyncio
async def test_collections_hold_assets_in_pages_and_their_history_outlives_them(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        ids = [(await house.asset(f"Meadow {n}"))[0] for n in range(3)]
        kept = await house.call("record_collection", title="Summer", add=[*ids, ids[0]])
        assert kept["total"] == 3
        page = await house.call("get_collection", collection_id=kept["id"], limit=2)
        rest = await house.call("get_collection", collection_id=kept["id"], limit=2, cursor=page["next_cursor"])
        assert [each["asset_id"] for each in (*page["items"], *rest["items"])] == ids
        await house.call("record_collection", collection_id=kept["id"], take_out=ids[1:])
        asset = await house.call("get_asset", asset_id=ids[0])
        assert asset["collections"] == [{"id": kept["id"], "title": "Summer"}]
        gone = await house.call("remove_collection", collection_id=kept["id"], reason="over")
        assert await house.call("remove_collection", collection_id=kept["id"], reason="again") == gone
        assert await house.code("get_collection", collection_id=kept["id"]) == "NOT_FOUND"
        assert (await house.call("list_collections"))["items"] == []
        assert "collections" not in await house.call("get_asset", asset_id=ids[0])
        told = [each["what"] for each in (await house.call("get_history", target=kept["id"]))["items"]]
        assert told == ["removed", *["asset_taken_out"] * 2, *["asset_added"] * 3, "created"]
        assert await house.code("record_collection", add=ids) == "INVALID_ARGUMENT"


@pytest.mark.asyncio
async def test_only_a_configuration_on_record_and_in_use_makes_values(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        asset_id, _ = await house.asset()
        guess = {"method": "auto", "confidence": 700, "ai_config": CONFIG["id"]}
        problem = (await house.tell(asset_id, "genre", "nature", **guess))["problem"]
        assert (problem["code"], CONFIG["id"] in problem["message"]) == ("INVALID_ARGUMENT", True)
        first = await house.call("record_ai_config", config=CONFIG)
        assert await house.call("record_ai_config", config=CONFIG) == first
        made = (await house.tell(asset_id, "genre", "nature", **guess, intended_use="search"))["values"][0]
        assert made["intended_use"] == "search"
        second = await house.call("record_ai_config", config=CONFIG | {"status": "retired"}, if_etag=first["etag"])
        assert (first["revision"], second["revision"], second["values"]) == (1, 2, 1)
        assert (await house.tell(asset_id, "genre", "film", **guess))["problem"]["code"] == "INVALID_ARGUMENT"
        then = await house.call("get_ai_config", config_id=CONFIG["id"], at=made["at"])
        assert (then["revision"], then["config"]["status"]) == (1, "active")
        assert then["config"]["evaluations"][0]["value"] == "0.91"
        assert await house.code("get_ai_config", config_id=CONFIG["id"], revision=3) == "NOT_FOUND"
        listed = [each["id"] for each in (await house.call("list_ai_configs"))["items"]]
        assert {CONFIG["id"], "urn:holdback:detector:shots:1", "urn:holdback:detector:flashing:1"} <= set(listed)
        own = CONFIG | {"id": "urn:holdback:detector:shots:1"}
        assert await house.code("record_ai_config", config=own) == "PERMISSION_DENIED"


@pytest.mark.asyncio
async def test_a_person_accepts_corrects_or_rejects_what_a_machine_said(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        asset_id, _ = await house.asset()
        await house.call("record_ai_config", config=CONFIG)
        guess = {"method": "auto", "confidence": 700, "ai_config": CONFIG["id"]}

        async def say(value: str) -> str:
            return (await house.tell(asset_id, "genre", value, **guess))["values"][0]["id"]

        async def genre() -> list[tuple[str, str | None]]:
            fields = (await house.call("get_asset", asset_id=asset_id))["fields"]
            return [(each["value"], each.get("review")) for each in fields if each["field"] == "genre"]

        first = await say("nature")
        await house.call("review_value", value_id=first, verdict="accepted")
        second = await say("horror")
        await house.call("review_value", value_id=second, verdict="rejected", comment="it is a butterfly")
        assert await genre() == [("nature", "accepted")]
        assert (await house.call("search_assets", query="genre:horror"))["total"] == 0
        assert await house.code("review_value", value_id=second, verdict="accepted") == "CONFLICT"
        assert await house.code("review_value", value_id=first, verdict="corrected") == "INVALID_ARGUMENT"
        done = await house.call("review_value", value_id=first, verdict="corrected", value="animation")
        assert [(each["value"], each.get("review")) for each in done["values"]] == [
            ("nature", "corrected"),
            ("animation", None),
        ]
        assert await genre() == [("animation", None)]
        items = (await house.call("get_history", target=asset_id))["items"]
        facts = [each["facts"] for each in items if each["what"] == "reviewed"]
        assert [each["verdict"] for each in facts] == ["corrected", "rejected", "accepted"]
        assert facts[1]["comment"] == "it is a butterfly"


@pytest.mark.asyncio
async def test_what_was_made_from_a_version_is_told_on_both_sides(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        source, source_version = await house.asset("Film")
        cut, cut_version = await house.asset("Highlight", of=(source_version,))
        (version,) = (await house.call("get_asset", asset_id=source))["versions"]
        assert version["made_into"] == [
            {"relation": "derivation", "version_id": cut_version, "asset_id": cut, "title": "Highlight"}
        ]
        (made,) = (await house.call("get_asset", asset_id=cut))["versions"]
        assert made["lineage"]["of_versions"] == [source_version]


@pytest.mark.asyncio
async def test_a_history_is_paged_without_a_gap_or_a_repetition(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        asset_id, _ = await house.asset()
        for number in range(5):
            await house.tell(asset_id, "take", number)
            await house.call("record_collection", title=f"C{number}", add=[asset_id])
        whole = (await house.call("get_history", target=asset_id))["items"]
        assert len(whole) == 11
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            page = await house.call("get_history", target=asset_id, limit=3, **more)
            found += page["items"]
            if (cursor := page.get("next_cursor")) is None:
                break
        assert found == whole


@pytest.mark.asyncio
async def test_an_agent_neither_reviews_nor_releases_nor_records_what_it_is(tmp_path: Path) -> None:
    agent = "agent:editing-assistant"
    held = agent_scopes(agent, "mcp:assets")
    tools = ("place_hold", "release_hold", "record_ai_config", "review_value", "update_metadata")
    claim = TaskClaim(
        id="t",
        root="t",
        skill="make-highlight",
        tools=frozenset(f"assets.{each}" for each in tools),
        expires=START + timedelta(days=1),
    )
    task = claim.model_copy(update={"policy": policy_sha256(mint(claim, agent, "person:sam"))})
    caller = local_caller("person:sam", True, "mcp:assets").model_copy(
        update={"agent": agent, "chain": (agent,), "scopes": held, "roles": frozenset(), "task": task}
    )
    async with library(tmp_path, caller) as house:
        asset_id, _ = await house.asset()
        house.services.enforcement.shown("t", [asset_id])
        for tool, arguments in (
            ("place_hold", {"asset_id": asset_id, "reason": "because"}),
            ("release_hold", {"hold_id": "hold_x", "reason": "because"}),
            ("record_ai_config", {"config": CONFIG}),
            ("review_value", {"value_id": "evt_x", "verdict": "accepted"}),
        ):
            assert await house.code(tool, **arguments) == "PERMISSION_DENIED", tool
        assert (await house.tell(asset_id, "genre", "nature", method="imported"))["values"][0]["by"].startswith(agent)


@pytest.mark.asyncio
async def test_the_tier_of_an_asset_is_that_of_its_bytes_in_every_room_and_of_what_was_made_of_it(
    tmp_path: Path,
) -> None:
    async with library(tmp_path) as house:
        source, version = await house.asset()
        made, _ = await house.asset("Made", of=(version,))
        found = [(await house.call("get_asset", asset_id=each))["versions"][0]["media"] for each in (source, made)]
        tiers: list[list[int]] = []
        for tier in (3, 2, 1):
            await house.tell(source, "tier", tier)
            tiers.append([house.services.media.tier(each) for each in found])
    assert tiers == [[3, 3], [2, 3], [1, 3]]


def test_only_librarians_hold_what_places_and_releases_holds() -> None:
    holding = {role for role in ("editor", "librarian", "planner", "viewer", "admin-loader", "approver")
               if "assets:hold" in person_scopes([role], "mcp:assets")}  # fmt: skip
    assert holding == {"librarian"}
