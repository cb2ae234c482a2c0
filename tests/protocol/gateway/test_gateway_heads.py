"""Signed heads at the gateway: who may send them, and what their tasks are after that."""

from dataclasses import replace

import pytest
from holdback_agents.gateway.app import build_gateway
from holdback_trust.edges import Rate

pytestmark = pytest.mark.asyncio


async def test_who_sends_heads_that_nobody_signed_waits_and_an_agent_that_signs_does_not(build_house):
    house = build_house()
    house = replace(house, gateway=build_gateway(replace(house.services, rate=Rate(6, now=lambda: 0.0))))
    good = {"head": house.services.audit.sign_head("task-1")}
    async with house.open() as client:
        forged = [(await client.post("/audit/heads", json={"head": "no head"})).status_code for _ in range(4)]
        kept = [(await client.post("/audit/heads", json=good)).status_code for _ in range(4)]
    assert forged == [400, 400, 429, 429]
    assert kept == [202] * 4
