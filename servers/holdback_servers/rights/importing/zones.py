"""A contract on record that a file gives another time zone. Plain reading.

Days are days of the zone, so all rights of the contract move with it; those that other files hold must not move unseen.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Connection

from holdback_servers.rights import recording
from holdback_servers.rights.interchange.batch import ImportedContract, Remark
from holdback_servers.rights.writing import known_of_contract


@dataclass(frozen=True)
class MovedZone:
    """A contract on record that the file gives another time zone."""

    given: ImportedContract
    before: str

    def mistake(self, others: int) -> Remark:
        """Why that is refused while so many of its rights are not in the file."""
        terms, rights = self.given.terms, "1 right" if others == 1 else f"{others} rights"
        return Remark(
            place=self.given.place,
            message=f"The contract {self.given.key} with {terms.counterparty} is on record with days of {self.before}, "
            f"and this file gives it {terms.time_zone}: {rights} outside this file would begin or end at another hour.",
            hint=f"Import it with the time zone {self.before}, or change the zone with a file that holds all its "
            "rights.",
            given=terms.time_zone,
        )


def zone_mistakes(c: Connection, moved: Mapping[str, MovedZone], told: AbstractSet[str]) -> Iterator[Remark]:
    """A mistake for each of these contracts, by id, with rights that hang on its days and are not told of: `told` are
    keys, or ids of rights without one."""
    for identity, each in moved.items():
        standing = (known for known in known_of_contract(c, identity) if recording.hangs(known.row))
        others = sum((known.row.external_key or known.id) not in told for known in standing)
        if others:
            yield each.mistake(others)
