"""Opens the rooms of a house. Each room's code is imported only when it is opened."""

from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import TYPE_CHECKING

from holdback_base.problem import Problem

from holdback.foundation import Foundation

if TYPE_CHECKING:
    from holdback_base.database import Database
    from holdback_servers.services import RoomTables, Services
    from holdback_servers.serving import Door
    from sqlalchemy import MetaData

ROOMS = ("assets", "editing", "rights", "schedule")
ClearanceStatus = Callable[[str], Awaitable[str]]


def open_room(name: str, foundation: Foundation, clearance_status: ClearanceStatus | None = None) -> "Door":
    """The door of one room over its store in the home.

    Args:
        name: one of `ROOMS`.
        clearance_status: how the schedule learns whether a clearance was revoked; by default from this home's rights.

    Raises:
        Problem: NOT_FOUND for a name that is no room.
    """
    match name:
        case "assets":
            from holdback_servers.assets import server, store

            return server.build(_services(name, foundation, store.METADATA, store.TABLES))
        case "editing":
            from holdback_servers.editing import server, store

            return server.build(_services(name, foundation, store.METADATA, store.TABLES))
        case "rights":
            from holdback_servers.rights import server, store

            return server.build(_services(name, foundation, store.METADATA, store.TABLES))
        case "schedule":
            from holdback_servers.schedule import server, store

            services = _services(name, foundation, store.METADATA, store.TABLES)
            return server.build(services, clearance_status or home_clearance_status(foundation))
        case _:
            raise no_such_room(name)


def no_such_room(name: str) -> Problem:
    """What is wrong with a name that is no room's."""
    return Problem("NOT_FOUND", f"There is no server {name}.", f"Choose one of {', '.join(ROOMS)}.")


def room_store(name: str, foundation: Foundation, metadata: "MetaData") -> "Database":
    """A room's store in the home."""
    from holdback_base.database import Database

    return Database(foundation.settings.home / "db" / f"{name}.sqlite", metadata)


def home_clearance_status(foundation: Foundation) -> ClearanceStatus:
    """Asks the rights of this home; its store is opened for each question, of which there is one a commit."""

    async def status(clearance: str) -> str:
        from holdback_servers.rights import store

        with closing(room_store("rights", foundation, store.METADATA)) as rights:
            return await rights.read(lambda connection: store.clearance_status(connection, clearance))

    return status


def _services(name: str, foundation: Foundation, metadata: "MetaData", tables: "RoomTables") -> "Services":
    from holdback_servers.services import open_services

    return open_services(
        room_store(name, foundation, metadata),
        tables,
        settings=foundation.settings,
        clock=foundation.clock,
        new_id=foundation.new_id,
        keys=foundation.keys(f"mcp:{name}"),
        ring=foundation.ring,
        audit=foundation.audit,
    )
