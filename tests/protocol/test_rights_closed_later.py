"""Clearances of material that is closed after they were issued, and the runs of what goes out under them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.rights import server, store
from holdback_servers.services import Services, open_services
from holdback_servers.serving import Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import sign_cut

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = KeyPair.generate()
STORY = "court-ruling"
WIDE, TALL = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
ASKED = {
    "territories": ["GB"],
    "platforms": ["linear"],
    "start": "2026-11-23T00:00:00Z",
    "end": "2026-11-27T00:00:00Z",
}
FILM = {
    "kind": "grant",
    "external_key": "film",
    "ref": "film:heron",
    "media": ["linear"],
    "territories": ["WORLD"],
    "start": "2026-01-01T00:00:00Z",
    "max_runs": 1,
    "clause": "4.1 one run",
}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = open_services(
        Database(tmp_path / "rights.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=tmp_path),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=KEYS,
        ring=KeyRing({"mcp:assets": [KEYS.public_jwk], "mcp:rights": [KEYS.public_jwk]}),
        audit=AuditLog(tmp_path / "audit", KEYS, lambda: NOW),
    )
    yield opened
    opened.audit.close()
    opened.database.close()


def _door(services: Services, *stories: str) -> Door:
    robin = local_caller("person:robin", True, "mcp:rights")
    return server.build(services, local=robin.model_copy(update={"stories": frozenset(stories)}))


async def _ask(door: Door, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = (await door.enter(tool, arguments, None)).structured_content
    assert answer is not None
    return answer


async def _cleared(door: Door) -> str:
    """The clearance of two deliveries of one cut, of a film that may go out once."""
    contract = {"external_key": "c", "counterparty": "Heron Films (invented)", "direction": "in", "status": "active"}
    await _ask(door, "record_right", contract=contract, rights=[FILM])
    whole = (Span(in_frame=0, out_frame=240),)
    film = Element(id="film", kind="programme", ref="film:heron", name="The Heron", spans=whole)
    elements = ElementList(rate=Rate(num=24), frames=240, elements=(film,))
    cuts = [CutFacts(media=each, element_list=elements) for each in (WIDE, TALL)]
    statements = [sign_cut(KEYS, "mcp:assets", each, NOW) for each in cuts]
    return (await _ask(door, "issue_clearance", cut_statements=statements, **ASKED))["clearance"]


@pytest.mark.parametrize("closed", [WIDE, TALL])
async def test_a_clearance_is_closed_with_any_delivery_of_it_and_opened_with_it(
    services: Services, closed: str
) -> None:
    stranger, knower = _door(services), _door(services, STORY)
    clearance = await _cleared(stranger)
    services.media.close(closed, STORY)
    heard = await _ask(stranger, "get_clearance", clearance=clearance)
    none = await _ask(stranger, "get_clearance", clearance=f"clr_{'0' * 26}")
    assert (heard["code"], heard["message"].replace(clearance, f"clr_{'0' * 26}")) == ("NOT_FOUND", none["message"])
    assert (await _ask(knower, "get_clearance", clearance=clearance))["clearance"] == clearance
    services.media.close(closed, None)
    assert (await _ask(stranger, "get_clearance", clearance=clearance))["clearance"] == clearance


async def test_the_runs_of_what_goes_out_under_a_clearance_that_is_closed_later_name_nothing(
    services: Services,
) -> None:
    stranger, knower = _door(services), _door(services, STORY)
    under = {"clearance": await _cleared(stranger)}
    at = [{"territories": ["GB"], "platform": "linear", "at": "2026-11-23T20:00:00Z"}]
    assert "code" not in await _ask(stranger, "reserve_runs", publication="pub_closed", transmissions=at, **under)
    services.media.close(WIDE, STORY)
    given_back = await _ask(stranger, "settle_runs", publication="pub_closed", action="release")
    assert given_back["code"] == "NOT_FOUND"
    (right,) = (await _ask(stranger, "list_rights", ref="film:heron"))["items"]
    for door, told in ((stranger, False), (knower, True)):
        more = [{"right": right["right"]["id"], "at": "2026-11-24T20:00:00Z"}]
        refused = await _ask(door, "reserve_runs", publication="pub_open", rights=more)
        assert refused["code"] == "RUNS_EXHAUSTED", refused
        assert ("pub_closed" in str(refused)) == told
