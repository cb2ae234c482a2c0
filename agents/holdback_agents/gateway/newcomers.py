"""Agents from outside that are let in, or let in anew, while the gateway runs: it knows them a second later."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from holdback_agents.gateway.beside import Beside
from holdback_agents.gateway.registry import AgentEntry, Registry
from holdback_agents.gateway.services import GatewayServices

LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Newcomers(Beside):
    """Looks every second whether the admissions are what they were; whoever let somebody in is another process.

    Args:
        changed: called after the registry was changed.
    """

    def __init__(self, services: GatewayServices, registry: Registry, changed: Callable[[], None]) -> None:
        super().__init__()
        self._services, self._registry, self._changed = services, registry, changed
        self._stamp: tuple[tuple[str, str], ...] | None = None

    async def run(self) -> None:
        """Look again and again; in a house that reaches nobody outside there is nothing to look for."""
        while self._services.egress is not None and await self.pause(LOOK_SECONDS):
            try:
                await self.look()
            except Exception:
                _log.exception("who was let in cannot be told now; it is looked at again")

    async def look(self) -> None:
        """Take in whom the registry does not know as they were let in last."""
        egress, stamp = self._services.egress, await self._services.admissions.stamp()
        if egress is None or stamp == self._stamp:
            return
        house = [each for each in self._registry.agents.values() if each.admission is None]
        guests = await asyncio.to_thread(self._services.admissions.vendors, house, egress)
        known = {each.name: each.admission for each in self._registry.agents.values()}
        if any(known.get(each.name) != each.admission for each in guests):
            self._registry.take_in([*house, *self._gone(guests), *guests])
            self._changed()
        self._stamp = stamp

    def _gone(self, guests: Sequence[AgentEntry]) -> list[AgentEntry]:
        """Those who were sent away: known as long as nobody else has their name or a skill of theirs, so that whoever
        asks for them is told."""
        taken = {each.name for each in guests} | {skill.id for each in guests for skill in each.card.skills}
        return [
            each
            for each in self._registry.agents.values()
            if each.admission is not None and not taken & {each.name, *(skill.id for skill in each.card.skills)}
        ]
