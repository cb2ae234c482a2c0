"""Opens the rooms of a house. Each room's code is imported only when it is opened."""

from typing import TYPE_CHECKING

from holdback_base.problem import Problem

from holdback.foundation import Foundation
from holdback.outside import home_outside

if TYPE_CHECKING:
    from holdback_base.database import Database
    from holdback_servers.schedule.ports import Outside
    from holdback_servers.services import RoomTables, Services
    from holdback_servers.serving import Door
    from sqlalchemy import MetaData

ROOMS = ("assets", "editing", "rights", "schedule")


def open_room(name: str, foundation: Foundation, outside: "Outside | None" = None, *, ticking: bool = True) -> "Door":
    """The door of one room over its store in the home.

    Args:
        name: one of `ROOMS`.
        outside: what the schedule asks of the world outside; by default this home's rights answer.
        ticking: whether the schedule's clock runs, and watched folders are looked at, while the room's door is open.

    Raises:
        Problem: NOT_FOUND for a name that is no room.
    """
    match name:
        case "assets":
            from holdback_servers.assets import server, tables

            return server.build(_services(name, foundation, tables.METADATA, tables.TABLES), watching=ticking)
        case "editing":
            from holdback_servers.editing import server, store

            return server.build(_services(name, foundation, store.METADATA, store.TABLES))
        case "rights":
            from holdback_servers.rights import server, store

            return server.build(_services(name, foundation, store.METADATA, store.TABLES))
        case "schedule":
            from holdback_servers.schedule import server, store

            services = _services(name, foundation, store.METADATA, store.TABLES)
            return server.build(services, outside or home_outside(foundation), ticking=ticking)
        case _:
            raise no_such_room(name)


def no_such_room(name: str) -> Problem:
    """What is wrong with a name that is no room's."""
    return Problem("NOT_FOUND", f"There is no server {name}.", f"Choose one of {', '.join(ROOMS)}.")


def room_store(name: str, foundation: Foundation, metadata: "MetaData") -> "Database":
    """A room's store: in the home, or the library's where the settings say."""
    from holdback_base.database import Database

    elsewhere = foundation.settings.assets_database
    if name == "assets" and elsewhere is not None:
        return Database(elsewhere.get_secret_value(), metadata, name="holdback_assets")
    return Database(foundation.settings.home / "db" / f"{name}.sqlite", metadata)


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
        enforcement=foundation.enforcement,
    )
