"""The transmissions of a publication, each of which takes a run, and what becomes of them. Pure."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from holdback_base.vocabulary import Instant, Noun

from holdback_servers.schedule.model import Publication

Reservation = Mapping[str, int]
"""Publications whose runs are reserved for a change under way, each with the revision of its intent."""

_STANDING = frozenset({"approved", "scheduled", "live"})


class Run(Noun):
    """One transmission: when, where, and whether it went out."""

    at: Instant
    territories: tuple[str, ...]
    platform: str
    used: bool = False

    def within(self, other: "Run") -> bool:
        """Whether the other is the same transmission and reaches as far."""
        return (self.at, self.platform) == (other.at, other.platform) and set(self.territories) <= {*other.territories}


class Asked(Noun):
    """Runs under a clearance."""

    clearance: str | None
    runs: tuple[Run, ...]


class Order(Noun):
    """What runs a publication is to have, what a change under way has asked for, and what the keeper knows.

    `wanted` follows the publication. `secured` is what the keeper was last heard to hold, and can go back to. `done`
    says that it holds what is wanted. The revision grows with every change of the order.
    """

    publication: str
    clearance: str | None
    wanted: tuple[Run, ...]
    intended: Asked | None
    secured: Asked | None
    done: bool
    revision: int
    attempts: int
    changed_at: Instant

    @property
    def reserved(self) -> tuple[Run, ...]:
        """Those that are still to go out."""
        return tuple(each for each in self.wanted if not each.used)

    @property
    def held(self) -> bool:
        """Whether what the keeper held reaches as far as what is still to go out."""
        known = self.secured
        if known is None or known.clearance != self.clearance:
            return False
        return all(any(each.within(other) for other in known.runs) for each in self.reserved)

    @property
    def exact(self) -> bool:
        """Whether nothing of it need be reserved anew."""
        known = self.secured
        return known is not None and self.held and all(each in known.runs for each in self.reserved)


def runs_of(publication: Publication) -> tuple[Run, ...]:
    """One for each instant at which it opens, with the territories that open then; none without a clearance."""
    if publication.clearance is None:
        return ()
    opening: dict[datetime, set[str]] = {}
    for piece in publication.availability:
        opening.setdefault(piece.start, set()).update(piece.territories)
    return tuple(
        Run(at=at, territories=tuple(sorted(places)), platform=publication.platform)
        for at, places in sorted(opening.items())
    )


def wanted_runs(
    publication: Publication, before: Iterable[Run], seen: Collection[str], now: datetime
) -> tuple[Run, ...]:
    """What went out stays used for good; the rest is reserved as long as the publication stands."""
    used = {each.at: each for each in before if each.used}
    going_live = publication.state == "live" and not used
    for each in runs_of(publication):
        if each.at <= now and each.at not in used and (going_live or not set(each.territories).isdisjoint(seen)):
            used[each.at] = each.model_copy(update={"used": True})
    standing = publication.state in _STANDING
    reserved = [each for each in runs_of(publication) if standing and each.at not in used]
    return tuple(sorted([*used.values(), *reserved], key=lambda each: each.at))
