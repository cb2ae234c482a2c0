"""What a room keeps things in: the same two methods, `write` and `read`, over SQLite or PostgreSQL."""

from holdback_base.database.port import Database, Ground, Reader, Unit, load_instant, store_instant

__all__ = ["Database", "Ground", "Reader", "Unit", "load_instant", "store_instant"]
