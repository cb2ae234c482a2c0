"""Cuts of material that is closed after they were made: whoever may not know of its story finds them no more."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.elements import CutFacts, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate
from holdback_servers.editing.server import build
from holdback_servers.editing.store import METADATA, TABLES
from holdback_servers.media_store import MediaStore
from holdback_servers.services import Services, open_services
from holdback_servers.serving import Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import sign_cut

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEYS = KeyPair.generate()
COURT, MERGER = "court-ruling", "merger"
FILM, VOICE = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
CLIPS = [{"media": FILM, "in_frame": 100, "out_frame": 148}]


def _source(media: str) -> str:
    elements = ElementList(rate=Rate(num=24), frames=500, elements=())
    return sign_cut(KEYS, "mcp:assets", CutFacts(media=media, element_list=elements, width=640, height=360), NOW)


def _open(home: Path) -> Services:
    return open_services(
        Database(home / "db" / "editing.sqlite", METADATA),
        TABLES,
        settings=Settings(home=home),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=KEYS,
        ring=KeyRing({"mcp:assets": [KEYS.public_jwk]}),
        audit=AuditLog(home / "audit", KEYS, lambda: NOW),
    )


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = _open(tmp_path)
    yield opened
    opened.audit.close()
    opened.database.close()


def _door(services: Services, *stories: str) -> Door:
    sam = local_caller("person:sam", True, "mcp:editing")
    return build(services, local=sam.model_copy(update={"stories": frozenset(stories)}))


async def _ask(door: Door, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = (await door.enter(tool, arguments, None)).structured_content
    assert answer is not None
    return answer


async def _cut(door: Door, *more: str) -> str:
    sources = [_source(each) for each in (FILM, *more)]
    return (await _ask(door, "create_timeline", title="What the court ruled", sources=sources, clips=CLIPS))["id"]


async def _sees(door: Door, cut: str) -> bool:
    """Whether a timeline is there, by its id and on the list alike."""
    found = await _ask(door, "get_timeline", timeline_id=cut)
    listed = [each["id"] for each in (await _ask(door, "list_timelines"))["items"]]
    assert (cut in listed) == ("code" not in found)
    assert found.get("code", "NOT_FOUND") == "NOT_FOUND"
    return cut in listed


async def test_a_cut_of_material_that_is_closed_later_is_closed_with_it_and_opened_with_it(services: Services) -> None:
    stranger, knower = _door(services), _door(services, COURT)
    cut = await _cut(stranger)
    assert await _sees(stranger, cut)
    services.media.close(FILM, COURT)
    assert (await _sees(stranger, cut), await _sees(knower, cut)) == (False, True)
    services.media.close(FILM, None)
    assert await _sees(stranger, cut)


async def test_a_revision_of_a_cut_whose_material_was_closed_is_closed_too(services: Services) -> None:
    stranger, knower = _door(services), _door(services, COURT)
    cut = await _cut(stranger)
    services.media.close(FILM, COURT)
    wanted = [{"op": "set_gain", "track": "programme", "gain": -30}]
    revised = await _ask(knower, "revise_timeline", timeline_id=cut, operations=wanted)
    assert (await _sees(stranger, revised["id"]), await _sees(knower, revised["id"])) == (False, True)


async def test_a_cut_whose_sources_were_closed_to_two_stories_is_for_who_knows_of_both(services: Services) -> None:
    cut = await _cut(_door(services), VOICE)
    services.media.close(FILM, COURT)
    services.media.close(VOICE, MERGER)
    seen = {known: await _sees(_door(services, *known), cut) for known in ((), (COURT,), (MERGER,), (COURT, MERGER))}
    assert seen == {(): False, (COURT,): False, (MERGER,): False, (COURT, MERGER): True}


async def test_what_was_closed_while_the_room_was_away_is_closed_when_it_is_back(tmp_path: Path) -> None:
    before = _open(tmp_path)
    cut = await _cut(_door(before))
    before.audit.close()
    before.database.close()
    MediaStore(tmp_path / "media").close(FILM, COURT)
    back = _open(tmp_path)
    assert not await _sees(_door(back), cut)
    back.audit.close()
    back.database.close()


async def test_nobody_writes_about_a_cut_whose_material_was_closed_a_moment_ago(services: Services) -> None:
    stranger = _door(services)
    cut = await _cut(stranger)
    services.media.close(FILM, COURT)
    heard = await _ask(
        stranger,
        "revise_timeline",
        timeline_id=cut,
        operations=[{"op": "set_gain", "track": "programme", "gain": -30}],
    )
    assert heard["code"] == "NOT_FOUND"
