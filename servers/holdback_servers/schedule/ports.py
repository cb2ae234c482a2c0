"""What the schedule asks of the world outside: whether statements stand, runs, and whoever delivers. Pure.

Each is given to the schedule when it is built; what stands behind it, another server, a folder or a vendor's address,
the schedule does not know.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from holdback_servers.schedule.model import Publication

Status = Callable[[str], Awaitable[str]]
"""Asks the issuer of a clearance or an approval, by its id, whether it still stands: `valid`, `stale` (a clearance
only), `revoked` or `unknown`."""


@dataclass(frozen=True)
class Transmission:
    """One transmission of a publication, which takes a run of a right with a run limit wherever it reaches."""

    territories: tuple[str, ...]
    platform: str
    at: datetime


class RunKeeper(Protocol):
    """Counts the runs of rights; every call may be repeated and then changes nothing."""

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        """Reserve the runs that these transmissions take, all or none, and give back what is reserved beyond them.

        What went out stays as it is.

        Raises:
            Problem: RUNS_EXHAUSTED, OUTSIDE_CLEARED_WINDOW, TERRITORY_NOT_CLEARED; UNAVAILABLE when nobody answers.
        """
        ...

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        """Give back what is reserved but for the transmissions at these instants; what went out stays as it is.

        What was reserved at one of these instants and given back, for a change that was not made, is reserved again.

        Raises:
            Problem: RUNS_EXHAUSTED when somebody else has taken what was given back; UNAVAILABLE when nobody answers.
        """
        ...

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        """Its transmissions at these instants went out: their runs are used for good.

        One that takes no run is no error. Raises Problem UNAVAILABLE when nobody answers.
        """
        ...


@dataclass(frozen=True)
class Package:
    """What is delivered: the publication with the files that belong to it.

    `key` is the same whenever the same thing is delivered again: whoever gets it twice does it once. `territories` are
    those in which it is to be seen from now on; none means that it comes down. `files` are the names of its files and
    where their bytes are.
    """

    key: str
    publication: Publication
    channel: str
    account: str
    revision: int
    territories: tuple[str, ...]
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    manifest: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Publisher(Protocol):
    """Delivers to the outside; must do the same package twice as if it were once."""

    async def deliver(self, package: Package) -> str:
        """Deliver it, or take it down when its territories are none; a receipt in one line.

        Raises:
            Problem: UNAVAILABLE when it may be tried again, CONFLICT when trying again is of no use.
        """
        ...


@dataclass(frozen=True)
class Outside:
    """Everything that the schedule is given of the world outside; `publishers` by the name that channels use."""

    clearance_status: Status
    runs: RunKeeper
    publishers: Mapping[str, Publisher] = field(default_factory=dict[str, Publisher])
    approval_status: Status = field(kw_only=True)

    async def status(self, statement: str) -> str:
        """How a clearance, or an approval (`apr_...`), stands by the word of its issuer."""
        ask = self.approval_status if is_approval(statement) else self.clearance_status
        return await ask(statement)


def is_approval(statement: str) -> bool:
    """Whether the id is that of an approval, not of a clearance."""
    return statement.startswith("apr_")
