"""One MCP server on stdio, for the person at this machine. Standard output is the protocol."""

from typing import TYPE_CHECKING

from holdback_servers.settings import Settings
from holdback_trust.policy import local_caller

from holdback.logs import log_to
from holdback.starting import undisturbed_start

if TYPE_CHECKING:
    from holdback_servers.serving import Door

    from holdback.foundation import Foundation


def run_stdio(name: str, settings: Settings) -> None:
    """Serve a room on standard input and output until the input ends.

    Raises:
        Problem: NOT_FOUND for a name that is no room; nothing is made then.
    """
    log_to()
    with undisturbed_start():
        foundation, door = open_local(name, settings)
    try:
        _serve(door)
        foundation.audit.sign_head("close")
    finally:
        foundation.audit.close()


def open_local(name: str, settings: Settings) -> "tuple[Foundation, Door]":
    """A room for the person of the settings, who knows the closed stories that they give that person.

    Raises:
        Problem: NOT_FOUND for a name that is no room; nothing is made then.
    """
    from holdback.foundation import lay_foundation
    from holdback.rooms import ROOMS, no_such_room, open_room

    if name not in ROOMS:
        raise no_such_room(name)
    process, person = f"mcp:{name}", settings.person
    foundation = lay_foundation(settings, process, hasty=True)
    try:
        door = open_room(name, foundation, ticking=settings.allow_write)
        door.local = local_caller(person, settings.allow_write, process, settings.stories_of(person))
    except BaseException:
        foundation.audit.close()
        raise
    return foundation, door


def _serve(door: "Door") -> None:
    import anyio

    async def serve() -> None:
        async with door.serving():
            await door.mcp.run_stdio_async()

    try:
        anyio.run(serve)
    finally:
        door.services.database.close()
