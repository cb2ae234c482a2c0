"""Puts an example pack into a house, through the same doors as everybody: MCP tools, with a token."""

import asyncio
from collections.abc import Callable
from typing import Any

from holdback_base.vocabulary import Noun

from holdback.desk import Desk
from holdback.pack_model import Pack, PackContract, PackMedia

Tell = Callable[[str], None]


class Loaded(Noun):
    """What the pack became: asset ids by file, and how many rights and channels were recorded."""

    assets: dict[str, str]
    rights: int
    channels: int


async def load(pack: Pack, desk: Desk, tell: Tell) -> Loaded:
    """Ingest the media with its shot log, record contracts with rights, and the channels. Doing it again changes
    nothing.

    Raises:
        Problem: what a server refused.
    """
    jobs = [await _ingest(pack, media, desk) for media in pack.media]
    for contract in pack.contracts:
        await _record(contract, desk)
    rights = sum(len(contract.rights) for contract in pack.contracts)
    tell(f"{rights} rights of {len(pack.contracts)} contracts recorded")
    for channel in pack.channels:
        await desk.tool("schedule.record_channel", channel=_plain(channel))
    tell(f"{len(pack.channels)} channels recorded")
    results = await asyncio.gather(*(desk.job("assets", job) for job in jobs))
    for media, result in zip(pack.media, results, strict=True):
        shots = f", {result['shots']} shots" if result.get("shots") else ""
        tell(f"{media.file} ingested: {result['seconds']:.1f} s{shots}, {result.get('integrated_lufs')} LUFS")
    assets = {media.file: result["asset_id"] for media, result in zip(pack.media, results, strict=True)}
    return Loaded(assets=assets, rights=rights, channels=len(pack.channels))


async def _ingest(pack: Pack, media: PackMedia, desk: Desk) -> dict[str, Any]:
    return await desk.tool(
        "assets.ingest_media",
        path=str(pack.path(media.file)),
        title=media.title,
        kind=media.kind,
        description=media.description or None,
        tags=media.tags,
        elements=[_plain(element) for element in media.elements],
        segments=[_plain(line.entry()) for line in media.log],
        proxy=False,  # nobody browses an example before it is cut
    )


async def _record(contract: PackContract, desk: Desk) -> None:
    await desk.tool(
        "rights.record_right",
        contract=_plain(contract.terms()) | {"external_key": contract.key},
        rights=[_plain(right.terms()) | {"external_key": right.key} for right in contract.rights],
    )


def _plain(noun: Noun) -> dict[str, Any]:
    return noun.model_dump(mode="json", exclude_none=True)
