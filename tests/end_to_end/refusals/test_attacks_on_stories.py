"""What strangers try to learn of a closed story, and users of too low a level to take, through the real doors.

Each is answered as if there were nothing: in the very words that a made-up id gets.
"""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from holdback_base.database import put_into_story
from holdback_base.ids import system_clock
from holdback_base.vocabulary import instant_text
from holdback_servers.rights.tables import STORIES as RIGHTS
from holdback_trust.tokens import TokenAuthority
from sqlalchemy import Connection

pytestmark = pytest.mark.asyncio(loop_scope="session")
STORY = "court-ruling"
SCOPES = {
    "assets": ["assets:read", "assets:write", "assets:declare", "assets:hold"],
    "editing": ["editing:read", "editing:write"],
    "rights": ["rights:read", "rights:write", "rights:clear"],
    "schedule": ["schedule:read", "schedule:plan", "schedule:commit"],
}
NO_SUCH = {kind: f"{kind}_{'0' * 26}" for kind in ("ast", "ver", "seg", "tl", "clr")} | {"media": f"sha256:{'0' * 64}"}


@dataclass
class Caller:
    """Somebody with a token of their own for every door."""

    url: str
    foundation: Any
    http: httpx.AsyncClient
    stories: tuple[str, ...] = ()

    async def ask(self, room: str, method: str, **params: Any) -> dict[str, Any]:
        keys = self.foundation.keys("gateway")
        authority = TokenAuthority("gateway", keys, system_clock, lambda: self.foundation.new_id("evt"))
        token = authority.issue(
            audience=f"mcp:{room}",
            person="person:sam",
            roles=["editor"],
            scopes=SCOPES[room],
            stories=list(self.stories),
        )
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-06-18",
        }
        return (await self.http.post(f"{self.url}/mcp/{room}", json=asked, headers=headers)).json()

    async def call(self, capability: str, **arguments: Any) -> dict[str, Any]:
        room, _, tool = capability.partition(".")
        answer = await self.ask(room, "tools/call", name=tool, arguments=arguments)
        return answer["result"]["structuredContent"] if "result" in answer else answer["error"]


@dataclass
class Secret:
    """A closed asset with all that hangs on it, who knows of it, and who does not."""

    knower: Caller
    stranger: Caller
    ids: dict[str, str]
    statement: str
    words: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def secret(house: Any) -> AsyncGenerator[Secret]:
    async with httpx.AsyncClient(timeout=60) as http:
        knower = Caller(house.url, house.foundation, http, (STORY,))
        found = (await knower.call("assets.search_assets", query="Voice"))["items"][0]
        asset = await knower.call("assets.get_asset", asset_id=found["asset_id"], include_statements=True)
        version = asset["versions"][0]
        segments = (await knower.call("assets.list_segments", version_id=version["id"]))["items"]
        words = [{"field": "story", "value": STORY}]
        closed = await knower.call("assets.update_metadata", target=asset["id"], values=words)
        assert closed["values"][0]["value"] == STORY
        told = await knower.call("assets.get_asset", asset_id=asset["id"], include_statements=True)
        film = (await knower.call("assets.search_assets", query="Three fields"))["items"][0]
        shown = await knower.call("assets.get_asset", asset_id=film["asset_id"], include_statements=True)
        cut = await knower.call(
            "editing.create_timeline",
            title="What the court ruled",
            sources=[told["versions"][0]["statement"], shown["versions"][0]["statement"]],
            clips=[{"media": film["media"], "in_frame": 0, "out_frame": 24}],
        )
        ids = {
            "ast": asset["id"],
            "ver": version["id"],
            "seg": segments[0]["id"] if segments else NO_SUCH["seg"],
            "tl": cut["id"],
            "media": version["media"],
        }
        yield Secret(knower, Caller(house.url, house.foundation, http), ids, version["statement"], asset["title"])
        opened = [{"field": "story", "value": ""}]
        assert "code" not in await knower.call("assets.update_metadata", target=asset["id"], values=opened)


QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "look at it": ("assets.get_asset", {"asset_id": "ast"}),
    "list its segments": ("assets.list_segments", {"asset_id": "ast"}),
    "list the segments of its version": ("assets.list_segments", {"version_id": "ver"}),
    "measure its curves": ("assets.get_curves", {"version_id": "ver"}),
    "find pictures like it": ("assets.find_similar", {"asset_id": "ast"}),
    "find copies of it": ("assets.find_duplicates", {"version_id": "ver"}),
    "find where it was used": ("assets.find_usage", {"asset_id": "ast"}),
    "read its history": ("assets.get_history", {"target": "ast"}),
    "list the holds it is under": ("assets.list_holds", {"asset_id": "ast"}),
    "export it": ("assets.export_catalogue", {"format": "omc", "asset_ids": ["ast"]}),
    "read the credentials of its bytes": ("assets.get_credentials", {"media": "bytes"}),
    "place a hold on it": ("assets.place_hold", {"asset_id": "ast", "reason": "to see whether it is there"}),
    "remove it": ("assets.remove_asset", {"asset_id": "ast", "reason": "to see whether it is there"}),
    "collect it": ("assets.record_collection", {"title": "Mine", "add": ["ast"]}),
    "open it": ("assets.update_metadata", {"target": "ast", "values": [{"field": "title", "value": "Mine"}]}),
    "write down what it says": ("assets.transcribe_media", {"version_id": "ver"}),
    "look at a cut of it": ("editing.get_timeline", {"timeline_id": "tl"}),
    "compare a cut of it": ("editing.diff_timelines", {"before": "tl", "after": "tl"}),
    "validate a cut of it": ("editing.validate_timeline", {"timeline_id": "tl"}),
    "export a cut of it": ("editing.export_timeline", {"timeline_id": "tl", "format": "edl"}),
    "render a cut of it": ("editing.render_timeline", {"timeline_id": "tl"}),
    "revise a cut of it": ("editing.revise_timeline", {"timeline_id": "tl", "operations": []}),
    "list its family": ("editing.list_timelines", {"family_of": "tl"}),
    "measure its bytes": ("editing.measure_media", {"media": "bytes"}),
}


@pytest.mark.parametrize("attempt", QUESTIONS)
async def test_a_stranger_who_names_what_is_closed_hears_what_a_made_up_id_hears(
    secret: Secret, unmoved: Any, attempt: str
) -> None:
    capability, arguments = QUESTIONS[attempt]

    def named(ids: dict[str, str]) -> dict[str, Any]:
        whole = json.dumps(arguments)
        for kind, value in ids.items():
            name = "bytes" if kind == "media" else kind
            whole = whole.replace(f'"{name}"', f'"{value}"')
        return json.loads(whole)

    async with unmoved():
        heard = await secret.stranger.call(capability, **named(secret.ids))
        made_up = await secret.stranger.call(capability, **named(NO_SUCH))
    told, expected = json.dumps(heard), json.dumps(made_up)
    for kind, value in secret.ids.items():
        told = told.replace(value, NO_SUCH[kind])
    if capability == "assets.get_history":  # of what is not there there is no history
        assert heard["items"] == made_up["items"] == []
        return
    assert heard["code"] in ("NOT_FOUND", "MEDIA_OFFLINE", "UNAVAILABLE"), heard
    assert told == expected


@pytest.mark.parametrize("uri", ["asset://{ast}", "media://{hex}", "keyframe://{seg}"])
async def test_a_stranger_who_reads_a_closed_resource_gets_no_byte(secret: Secret, unmoved: Any, uri: str) -> None:
    ids = secret.ids | {"hex": secret.ids["media"][7:]}
    async with unmoved():
        answer = await secret.stranger.ask("assets", "resources/read", uri=uri.format(**ids))
    assert "result" not in answer, answer
    assert "There is no" in answer["error"]["message"]


async def test_a_stranger_who_searches_and_counts_finds_nothing_of_it(secret: Secret, unmoved: Any) -> None:
    async with unmoved():
        for typed in (secret.words, "", f"story:{STORY}", "court"):
            found = await secret.stranger.call("assets.search_assets", query=typed, facets=True, limit=50)
            assert secret.ids["ast"] not in json.dumps(found)
        counted = await secret.stranger.call("assets.describe_library")
        known = await secret.knower.call("assets.describe_library")
        listed = await secret.stranger.call("editing.list_timelines", title="court")
    assert counted["assets"] == known["assets"] - 1
    assert STORY not in json.dumps(counted)
    assert listed["items"] == []


@pytest.mark.parametrize(
    "capability",
    ["editing.create_timeline", "editing.prove_conditions", "rights.check_clearance", "rights.issue_clearance"],
)
async def test_an_old_statement_of_what_is_closed_now_opens_nothing(
    secret: Secret, unmoved: Any, capability: str
) -> None:
    media, now = secret.ids["media"], instant_text(system_clock())
    clips = [{"media": media, "in_frame": 0, "out_frame": 24}]
    asked: dict[str, dict[str, Any]] = {
        "editing.create_timeline": {"title": "Mine", "sources": [secret.statement], "clips": clips},
        "editing.prove_conditions": {
            "cut_statement": secret.statement,
            "conditions": [{"type": "credit", "ref": "talent:ada-voss", "text": "Ada Voss"}],
        },
    }
    question = {"cut_statements": [secret.statement], "territories": ["GB"], "platforms": ["vod"], "start": now}
    async with unmoved():
        heard = await secret.stranger.call(capability, **asked.get(capability, question))
    assert heard["code"] in ("NOT_FOUND", "MEDIA_OFFLINE"), heard
    assert secret.words not in json.dumps(heard)


async def test_closed_bytes_are_given_no_slot_by_who_may_not_know_of_them(secret: Secret, unmoved: Any) -> None:
    channel = (await secret.stranger.call("schedule.list_channels"))["items"][0]
    start = system_clock() + timedelta(days=3)
    window = {"territories": ["GB"], "start": start.isoformat(), "end": (start + timedelta(minutes=5)).isoformat()}
    async with unmoved():
        heard = await secret.stranger.call(
            "schedule.hold_slot",
            channel=channel["name"],
            title="Mine",
            media=secret.ids["media"],
            availability=[window],
        )
    assert heard["code"] == "NOT_FOUND", heard


async def test_a_closed_clearance_is_neither_read_nor_taken_back(secret: Secret, house: Any, unmoved: Any) -> None:
    database = house.doors["rights"].services.database
    asset = await secret.knower.call("assets.search_assets", query="Three fields")
    shown = await secret.knower.call(
        "assets.get_asset", asset_id=asset["items"][0]["asset_id"], include_statements=True
    )
    statement, now = shown["versions"][0]["statement"], system_clock()
    issued = await secret.knower.call(
        "rights.issue_clearance",
        cut_statements=[statement],
        territories=["GB"],
        platforms=["vod"],
        start=(now + timedelta(days=1)).isoformat(),
        end=(now + timedelta(days=2)).isoformat(),
        accept_partial=True,
        sign_refusal=True,
    )
    clearance = issued["clearance"]

    def close(connection: Connection) -> None:
        put_into_story(connection, RIGHTS, clearance, STORY)

    await database.write(close)
    async with unmoved():
        read = await secret.stranger.call("rights.get_clearance", clearance=clearance)
        gone = await secret.stranger.call("rights.revoke_clearance", clearance=clearance, reason="because")
        none = await secret.stranger.call("rights.get_clearance", clearance=NO_SUCH["clr"])
    assert (read["code"], gone["code"]) == ("NOT_FOUND", "NOT_FOUND")
    assert read["message"].replace(clearance, NO_SUCH["clr"]) == none["message"]
    assert (await secret.knower.call("rights.get_clearance", clearance=clearance))["clearance"] == clearance


async def test_nobody_closes_what_they_could_not_see_any_more(secret: Secret, unmoved: Any) -> None:
    found = (await secret.stranger.call("assets.search_assets", query="Waltz"))["items"][0]
    words = [{"field": "story", "value": STORY}]
    async with unmoved():
        heard = await secret.stranger.call("assets.update_metadata", target=found["asset_id"], values=words)
    assert (heard["code"], "among those who know" in heard["message"]) == ("PERMISSION_DENIED", True)
