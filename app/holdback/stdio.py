"""One MCP server on stdio, for the person at this machine. Standard output is the protocol."""

import logging
import sys

from holdback_servers.settings import Settings
from holdback_trust.policy import local_caller


def run_stdio(name: str, settings: Settings) -> None:
    """Serve a room on standard input and output until the input ends.

    Raises:
        Problem: NOT_FOUND for a name that is no room.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    from holdback.foundation import lay_foundation
    from holdback.rooms import ROOMS, open_room

    process = f"mcp:{name}"
    foundation = lay_foundation(settings, process if name in ROOMS else "gateway")
    try:
        door = open_room(name, foundation)
        door.local = local_caller(settings.person, settings.allow_write, process)
        import anyio

        async def serve() -> None:
            async with door.serving():
                await door.mcp.run_stdio_async()

        anyio.run(serve)
        door.services.database.close()
    finally:
        foundation.audit.close()
