"""The channels with the reach curves that what really was seen refines."""

from threading import Lock

from sqlalchemy import Connection, func, select

from holdback_servers.schedule import asruns
from holdback_servers.schedule.channel import Channel, ReachCurve
from holdback_servers.schedule.reach import refined
from holdback_servers.schedule.tables import as_run


class Curves:
    """Refined curves, kept as long as nothing more is known to have aired; for threads."""

    def __init__(self) -> None:
        self._as_of: tuple[str, int] | None = None
        self._known: dict[str, tuple[ReachCurve, ReachCurve]] = {}
        self._lock = Lock()

    def refine(self, c: Connection, channel: Channel) -> Channel:
        """The channel with its curve as its as-run audiences refine it; the same when there are none."""
        # ids rise with time: whatever comes has a higher one, and what goes is missing from the count
        newest, count = c.execute(select(func.max(as_run.c.id), func.count()).select_from(as_run)).one()
        if not count:
            return channel
        with self._lock:
            if self._as_of != (newest, count):
                self._as_of, self._known = (newest, count), {}
            given, better = self._known.get(channel.name, (None, channel.reach))
            if given != channel.reach:
                better = refined(channel.reach, asruns.samples(c, channel.name), channel.zone)
                self._known[channel.name] = (channel.reach, better)
        return channel.model_copy(update={"reach": better})
