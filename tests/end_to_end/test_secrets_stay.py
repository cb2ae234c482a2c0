"""Nothing that opens a door is written down: no token and no key in any log, audit row, store or page of a house."""

import base64
import json
import logging
import re
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from holdback.logs import Redacting

pytestmark = pytest.mark.asyncio(loop_scope="session")
_TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{40,}")


async def test_what_a_run_leaves_holds_no_token_and_no_private_key(
    house: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        tokens = [await house.sam.person.token(audience) for audience in ("mcp:assets", "mcp:rights", "gateway")]
        await house.sam.tool("assets.search_assets", query=tokens[0][:60])
        async with httpx.AsyncClient(timeout=100) as http:
            for token in tokens:  # for another audience, as a parameter, in a path: refused, and not written down
                await http.get(f"{house.url}/mcp/schedule", headers={"authorization": f"Bearer {token}"})
                await http.get(f"{house.url}/health", params={"access_token": token})
                await http.get(f"{house.url}/status/approval/{token}")
    house.foundation.audit.flush()
    secrets = [token.rpartition(".")[2].encode() for token in tokens] + _private_numbers(house)
    for path in [each for each in house.home.rglob("*") if each.is_file() and each.parent.name != "keys"]:
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), path
    caplog.handler.setFormatter(Redacting())
    told = "\n".join(caplog.handler.format(each) for each in caplog.records).encode()
    assert b"/status/approval/" in told
    leaked = [secret for secret in secrets if secret in told]
    assert not leaked


async def test_no_audit_row_holds_anything_that_looks_like_a_token_but_signed_heads(house: Any) -> None:
    house.foundation.audit.flush()
    for path in (house.home / "audit").glob("*.jsonl"):
        for found in _TOKEN.findall(path.read_bytes()):
            head = json.loads(base64.urlsafe_b64decode(found.split(b".")[0] + b"=="))
            assert head["typ"] == "audit-head+jwt", path.name


def _private_numbers(house: Any) -> list[bytes]:
    """Each private key of the house as it would be written in a JWK, in hexadecimal, and in its file."""
    found: list[bytes] = []
    for path in (house.home / "keys").glob("*.pem"):
        key: Any = load_pem_private_key(path.read_bytes(), None)
        number = key.private_numbers().private_value.to_bytes(32, "big")
        found += [
            base64.urlsafe_b64encode(number).rstrip(b"="),
            number.hex().encode(),
            path.read_bytes().split(b"\n")[1],
        ]
    assert found
    return found
