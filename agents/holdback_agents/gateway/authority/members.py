"""Who may sign in here as what: people of the house, or those whom the issuer vouches for, as of now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdback_agents.gateway.authority import kept
from holdback_agents.gateway.authority.kept import Guest
from holdback_agents.gateway.registry import PersonEntry, Registry
from holdback_agents.gateway.services import GatewayServices

_BY_KEY_ONLY = frozenset({"admin-loader"})
"""Roles of programs rather than of people: they never sign in at a browser."""


@dataclass(frozen=True)
class Member:
    """A person who may sign in, with the roles and closed stories of today."""

    id: str
    name: str
    roles: frozenset[str]
    stories: frozenset[str]

    def profile(self) -> dict[str, Any]:
        """The claims that OpenID Connect has for it."""
        name = self.id.removeprefix("person:")
        return {"name": self.name, "preferred_username": name, "groups": sorted(self.roles)}


class Members:
    """Everybody who may sign in at a browser."""

    def __init__(self, services: GatewayServices, registry: Registry) -> None:
        self._services, self._registry = services, registry

    @property
    def issuer(self) -> str:
        """Who says who somebody is; empty for the house itself."""
        return self._services.issuer.issuer if self._services.issuer is not None else ""

    async def recall(self) -> None:
        """Know those again whom the issuer vouched for before this process began."""
        if self._services.issuer is not None:
            for each in await self._services.database.read(kept.guests):
                self._remember(each)

    async def welcome(self, guest: Guest) -> None:
        """Take over what the issuer says of a person now."""
        await self._services.database.write(lambda c: kept.welcome(c, guest))
        self._remember(guest)

    def _remember(self, guest: Guest) -> None:
        entry = PersonEntry(id=guest.id, name=guest.name, roles=frozenset(guest.roles), key={})
        self._registry.guests[guest.id] = entry

    def find(self, person: str) -> Member | None:
        """The person as of now; with an issuer, only those whom it vouches for."""
        known = self._registry.people if self._services.issuer is None else self._registry.guests
        entry = known.get(person)
        if entry is None or self.by_key_only(person):
            return None
        return Member(entry.id, entry.name, entry.roles, self._services.stories_of(person))

    def by_key_only(self, person: str) -> bool:
        """Whether it is one of the house's own programs, which nobody can sign in as."""
        entry = self._registry.people.get(person)
        return entry is not None and bool(entry.roles & _BY_KEY_ONLY)

    def signed_out(self, person: str, since: datetime) -> bool:
        """Whether who signed in at that instant was signed out after it."""
        credentials = self._services.credentials
        return credentials is not None and credentials.signed_out(person, since)
