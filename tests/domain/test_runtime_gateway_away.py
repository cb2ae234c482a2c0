"""A gateway that is away for a moment fails no task."""

from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
from holdback_agents.runtime.house import House, Session
from holdback_agents.runtime.lines import OverNetwork
from holdback_base.problem import Problem
from holdback_trust.identity import Caller
from holdback_trust.keys import KeyPair

NOW = datetime(2026, 11, 24, 19, tzinfo=UTC)
SAM = Session(
    Caller(person="person:sam", audience="agent:compliance", token_id="evt_1", expires=NOW + timedelta(minutes=5)),
    "token",
)


def _house(answer: httpx.MockTransport) -> House:
    numbers = count()
    return House(
        OverNetwork("http://gateway", httpx.AsyncClient(transport=answer)),
        "agent:compliance",
        keys=KeyPair.generate(),
        clock=lambda: NOW,
        new_id=lambda kind: f"{kind}_{next(numbers)}",
    )


@pytest.mark.asyncio
async def test_a_token_is_asked_for_again_with_a_new_assertion_when_the_gateway_was_away() -> None:
    assertions: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assertions.append(httpx.QueryParams(request.content.decode())["client_assertion"])
        if len(assertions) == 1:
            raise httpx.ConnectTimeout("busy")
        if len(assertions) == 2:
            return httpx.Response(502, json={"code": "UNAVAILABLE", "message": "begins"}, request=request)
        return httpx.Response(200, json={"access_token": "narrow", "expires_in": 300}, request=request)

    assert await _house(httpx.MockTransport(answer)).token(SAM, "mcp:rights") == "narrow"
    assert len(set(assertions)) == 3


@pytest.mark.asyncio
async def test_a_refusal_is_not_asked_twice() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(400, json={"error": "invalid_scope", "error_description": "no"}, request=request)

    with pytest.raises(Problem, match="no"):
        await _house(httpx.MockTransport(answer)).token(SAM, "mcp:rights")
    assert asked == ["/oauth/token"]
