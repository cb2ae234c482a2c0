"""A file with content credentials comes in through the door: what it says is kept, and what does not hold is told."""

import runpy
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
signed: Any = runpy.run_path(str(TESTS / "domain" / "test_assets_credentials.py"))["_signed"]
library: Any = runpy.run_path(str(TESTS / "protocol" / "test_assets_exchanging.py"))["library"]

pytestmark = pytest.mark.processes


async def _taken(client: Any, name: str) -> dict[str, Any]:
    job = (await client.call_tool("ingest_media", {"path": name, "kind": "still"})).structured_content
    while job.get("state") in ("queued", "running"):
        given = {"job_id": job["id"], "wait_seconds": 20, "after_seq": job["seq"]}
        job = (await client.call_tool("get_job", given)).structured_content
    assert job["state"] == "succeeded", job
    asset = await client.call_tool("get_asset", {"asset_id": job["result"]["asset_id"]})
    return asset.structured_content["versions"][0]


@pytest.mark.asyncio
async def test_credentials_are_kept_at_ingest_and_a_changed_file_carries_a_warning(tmp_path: Path) -> None:
    path, authority = signed(tmp_path)
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    (tmp_path / "changed.jpg").write_bytes(content)
    home = tmp_path / "home"
    (home / "trust_anchors").mkdir(parents=True)
    (home / "trust_anchors" / "camera.pem").write_text(authority)
    async with library(home) as (client, services):
        object.__setattr__(services.settings, "library_roots", (tmp_path,))
        good, bad, plain = [await _taken(client, name) for name in ("signed.jpg", "changed.jpg", "plain.jpg")]
        read = (await client.call_tool("get_credentials", {"media": good["media"]})).structured_content
    fields = {each["field"]: each["value"] for each in good["fields"]}
    assert (fields["credentials"], fields["credentials_generator"]) == ("Trusted", "Camera 7")
    assert (read["state"], read["training"]) == ("Trusted", {"ai_training": "notAllowed"})
    assert next(each["value"] for each in bad["fields"] if each["field"] == "credentials") == "Invalid"
    assert any("do not hold" in each for each in bad["facts"]["warnings"])
    assert plain["fields"] == []
    assert not good["facts"].get("warnings")
