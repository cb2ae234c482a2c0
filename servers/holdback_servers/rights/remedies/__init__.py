"""Changes that may clear a request: `telling` says them, `applying` makes them and decides again. Pure."""

from holdback_servers.rights.remedies.applying import Decide, Fixed, acquired, applied, clears, with_acquired

__all__ = ["Decide", "Fixed", "acquired", "applied", "clears", "with_acquired"]
