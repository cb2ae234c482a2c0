"""The gateway's places for approvals: `/approvals` and below, and `/status/approval/{id}`, which is open to all."""

from typing import Any

from holdback_trust.identity import Caller
from starlette.types import Receive, Scope

from holdback_agents.gateway.approvals import Approvals
from holdback_agents.gateway.edge import no_such_place, read_body, read_json
from holdback_agents.gateway.oauth import FORM_LIMIT
from holdback_agents.gateway.questions import Questions
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.verdicts import Verdicts

STATUS_PLACE = "/status/approval/"


class ApprovalDoor:
    """Answers requests about approvals."""

    def __init__(self, services: GatewayServices, registry: Registry, ledger: Ledger) -> None:
        self._approvals = Approvals(services, ledger)
        self._questions = Questions(services, registry, ledger, self._approvals)
        self._verdicts = Verdicts(services, ledger, self._approvals)

    async def answer(
        self, caller: Caller, scope: Scope, receive: Receive, query: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """The status and the answer. Raises Problem, NOT_FOUND for a place or method that is none."""
        identity, _, below = scope["path"].removeprefix("/approvals").removeprefix("/").partition("/")
        match scope["method"], identity, below:
            case "GET", "", "":
                return 200, await self._approvals.page(caller, query)
            case "GET", _, "":
                return 200, await self._approvals.get(caller, identity)
            case "POST", "", "":
                shape, new = await self._questions.ask(caller, read_json(await read_body(scope, receive)))
                return 201 if new else 200, shape
            case "POST", _, "":
                body = read_json(await read_body(scope, receive, FORM_LIMIT))
                return 200, await self._verdicts.decide(caller, identity, body)
            case "POST", _, "revoke" if identity:
                body = read_json(await read_body(scope, receive, FORM_LIMIT))
                return 200, await self._verdicts.revoke(caller, identity, body)
            case _:
                raise no_such_place()

    async def status(self, path: str) -> str:
        """How the approval at the end of the path stands, signed. Raises Problem NOT_FOUND for another path."""
        identity = path.removeprefix(STATUS_PLACE)
        if identity == path or not identity or "/" in identity:
            raise no_such_place()
        return await self._verdicts.status(identity)
