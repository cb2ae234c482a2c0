"""What the authority keeps in the gateway's store: access that a program may renew, and people an issuer vouched for.

A family is all tokens that came of one consent. Of its refresh tokens one counts, the last; whoever brings an earlier
one has a copy, or was robbed of it, so the family ends (RFC 9700, 4.14.2).
"""

from datetime import datetime
from typing import Literal

from holdback_base.database import load_instant, store_instant
from holdback_base.vocabulary import Instant, Noun
from sqlalchemy import JSON, Column, Connection, String, Table, delete, select, update

from holdback_agents.gateway.store import METADATA

_families = Table(
    "families",
    METADATA,
    Column("id", String, primary_key=True),
    Column("client", String, nullable=False),
    Column("person", String, nullable=False),
    Column("issuer", String, nullable=False),
    Column("audience", String, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("factors", JSON, nullable=False),
    Column("began", String, nullable=False),
    Column("until", String, nullable=False, index=True),
    Column("refresh", String, nullable=False),
    Column("token", String, nullable=False),
    Column("ended", String, nullable=False),
)
_guests = Table(
    "guests",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("roles", JSON, nullable=False),
)
End = Literal["", "reused", "revoked"]


class Family(Noun):
    """Access that a person allowed a program once.

    `issuer` is who vouched for the person, empty for the house. `refresh` is the sha256 of the refresh token that
    counts, `token` the id of the last access token; `ended` says why nothing of it counts any more.
    """

    id: str
    client: str
    person: str
    issuer: str
    audience: str
    scopes: tuple[str, ...]
    factors: tuple[str, ...]
    began: Instant
    until: Instant
    refresh: str
    token: str
    ended: End = ""


class Guest(Noun):
    """A person of the issuer's, with the roles that its last word gave."""

    id: str
    name: str
    roles: tuple[str, ...]


def begin(c: Connection, family: Family, now: datetime) -> None:
    """Keep a new family, and forget those that are over."""
    c.execute(delete(_families).where(_families.c.until <= store_instant(now)))
    row = family.model_dump() | {"scopes": list(family.scopes), "factors": list(family.factors)}
    times = {"began": store_instant(family.began), "until": store_instant(family.until)}
    c.execute(_families.insert().values(row | times))


def find(c: Connection, identity: str) -> Family | None:
    """The family of that id."""
    row = c.execute(select(_families).where(_families.c.id == identity)).mappings().one_or_none()
    if row is None:
        return None
    return Family.model_validate(dict(row) | {name: load_instant(row[name]) for name in ("began", "until")})


def renew(c: Connection, identity: str, brought: str, refresh: str, token: str) -> bool:
    """The refresh token that was brought gives way to the next, if it is still the one that counts."""
    changed = c.execute(
        update(_families)
        .where(_families.c.id == identity, _families.c.refresh == brought, _families.c.ended == "")
        .values(refresh=refresh, token=token)
    )
    return changed.rowcount == 1


def end(c: Connection, identity: str, why: End) -> str:
    """Nothing of the family counts any more; the id of its last access token, or nothing when it had ended before."""
    found = find(c, identity)
    if found is None or found.ended:
        return ""
    c.execute(update(_families).where(_families.c.id == identity).values(ended=why))
    return found.token


def welcome(c: Connection, guest: Guest) -> None:
    """Keep what the issuer said of a person last."""
    c.execute(delete(_guests).where(_guests.c.id == guest.id))
    c.execute(_guests.insert().values(guest.model_dump(mode="json")))


def guests(c: Connection) -> list[Guest]:
    """Everybody whom the issuer ever vouched for."""
    return [Guest.model_validate(dict(row)) for row in c.execute(select(_guests)).mappings()]
