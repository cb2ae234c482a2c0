"""The cutting room's door: make a timeline, change it, look at it, render it, hand it to other programs."""

from pathlib import Path

from holdback_trust.identity import Caller

from holdback_servers.editing import store
from holdback_servers.editing.cutting import offer_cutting
from holdback_servers.editing.examining import offer_examining
from holdback_servers.editing.exchanging import offer_exchanging
from holdback_servers.editing.finishing import offer_finishing
from holdback_servers.editing.looking import offer_looking
from holdback_servers.editing.proving import PROVE
from holdback_servers.job_tools import add_job_tools
from holdback_servers.services import Services
from holdback_servers.serving import Door

_INSTRUCTIONS = """\
A timeline is never changed: revise_timeline makes a new one from it. Frames are counted from 0, spans are half-open.
Media comes in by its signed cut statement (get_asset or an earlier render) in sources; it is named by sha256.
render_timeline is long work: it answers with a job to follow with get_job; its result holds the cut statement that the
rights server accepts. Boxes are in thousandths of the picture."""


def build(services: Services, *, local: Caller | None = None) -> Door:
    """The editing MCP server.

    Args:
        local: who calls where there is no HTTP request (stdio).
    """
    door = Door(
        "editing",
        title="Holdback editing",
        description="The cutting room: timelines, revisions, renders with a signed list of what they are made of.",
        instructions=_INSTRUCTIONS,
        services=services,
        local=local,
        kept=Path(__file__).with_name("tools.json"),
    )
    services.follow_stories(store.STORIES, store.follow)
    offer_cutting(door)
    offer_looking(door)
    offer_exchanging(door)
    offer_finishing(door)
    offer_examining(door)
    add_job_tools(door, reading=frozenset({PROVE}))
    return door
