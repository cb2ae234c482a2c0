"""What is needed to have a cut decided again: its signed cut statement, and the terms of its clearance."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdback_agents.phrases import claims_of
from holdback_agents.runtime.run import Run


async def versions_of(run: Run, asset: str) -> Sequence[Mapping[str, Any]]:
    """The versions of an asset of the library, the newest first, each with the library's signed `statement` on it."""
    return (await run.tool("assets.get_asset", asset_id=asset, include_statements=True))["versions"]


def terms_of(clearance: str) -> dict[str, Any]:
    """What a signed clearance was asked for beside place and time, as arguments of a question to the rights server."""
    claims: Mapping[str, Any] = claims_of(clearance)
    return {name: claims[name] for name in ("purpose", "languages", "undertakings", "exclusive") if claims.get(name)}
