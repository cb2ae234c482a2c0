"""Attacks on the file itself, by who can write where media lies, once a person has said yes to it."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from holdback_servers.media_store import MediaStore

pytestmark = pytest.mark.asyncio(loop_scope="module")

SWAPPED = b"what nobody has seen or cleared"


@pytest_asyncio.fixture(loop_scope="module")
async def on_its_day(house: Any) -> AsyncGenerator[Any]:
    """Goes to the instant at which a publication opens, lets the house's clock look, and comes back."""

    async def go(done: dict[str, Any], start: str) -> dict[str, Any]:
        house.ahead[0] = datetime.fromisoformat(start) - house.foundation.clock() + timedelta(seconds=1)
        return await house.looked_at(done["id"], "scheduled")

    yield go
    house.ahead[0] = timedelta()


def _published(house: Any) -> list[bytes]:
    """All files in the folder from which others take what is on show, hidden ones too."""
    return [path.read_bytes() for path in (house.home / "published").rglob("*") if path.is_file()]


async def test_the_file_is_swapped_after_it_was_approved(house: Any, on_its_day: Any) -> None:
    story = await house.approved()
    start = story.held["publication"]["start"]
    done = await house.commit(story.held, story.issued["statement"], story.statement)
    path = MediaStore(house.home / "media").path(story.cut.media)
    path.chmod(0o600)
    path.write_bytes(SWAPPED)
    told = await on_its_day(done, start)
    assert told["state"] != "live", told
    assert SWAPPED not in _published(house)


async def test_nothing_is_wrong_with_a_file_that_was_left_alone(house: Any, on_its_day: Any) -> None:
    story = await house.approved()
    start = story.held["publication"]["start"]
    done = await house.commit(story.held, story.issued["statement"], story.statement)
    told = await on_its_day(done, start)
    assert told["state"] == "live", told
    assert MediaStore(house.home / "media").path(story.cut.media).read_bytes() in _published(house)
