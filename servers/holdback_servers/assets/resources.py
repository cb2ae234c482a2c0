"""What can be read as MCP resources: an asset as JSON, a segment's keyframe, the bytes of a version."""

from holdback_base.database import current_sight
from holdback_base.problem import Problem
from sqlalchemy import Connection

from holdback_servers.assets import store
from holdback_servers.assets.model import Asset, Segment
from holdback_servers.assets.reading import asset_view
from holdback_servers.serving import Door


def offer_resources(door: Door) -> None:
    """Offer `asset://{id}`, `keyframe://{segment_id}` and `media://{sha256}`."""
    services = door.services

    @door.mcp.resource(
        "asset://{asset_id}",
        title="An asset",
        description="An asset with its metadata and versions, as get_asset gives it.",
        mime_type="application/json",
    )
    async def asset(asset_id: str) -> str:
        view = await services.database.read(asset_view(asset_id, history=False, sign=None))
        return view.model_dump_json(exclude_none=True)

    @door.mcp.resource(
        "keyframe://{segment_id}",
        title="A keyframe",
        description="A still from the middle of a segment, at most 640 pixels wide.",
        mime_type="image/jpeg",
    )
    async def keyframe(segment_id: str) -> bytes:
        segment, kept = await services.database.read(lambda c: _segment_and_asset(c, segment_id))
        _check_within_reach(kept)
        if segment.keyframe is None:
            raise Problem("NOT_FOUND", f"{segment_id} has no keyframe.", "Sound and short spans have none.")
        return services.media.path(segment.keyframe).read_bytes()

    @door.mcp.resource(
        "media://{digest}",
        title="Media bytes",
        description="The file of a version by the hex digits of its sha256; get_asset tells its MIME type.",
        mime_type="application/octet-stream",
    )
    async def media(digest: str) -> bytes:
        name = f"sha256:{digest}"
        kept = await services.database.read(lambda c: _asset_of_media(c, name))
        _check_within_reach(kept)
        _check_level(kept)
        size = services.media.size(name)
        if size > services.settings.inline_limit:
            raise Problem(
                "TOO_LARGE",
                f"The file has {size} bytes; a resource holds at most {services.settings.inline_limit}.",
                "Look at keyframes, render a smaller version, or raise inline_limit.",
                bytes=size,
            )
        return services.media.path(name).read_bytes()


def _check_within_reach(asset: Asset) -> None:
    """Raises Problem PERMISSION_DENIED for an asset that was removed or taken down."""
    if asset.status in ("taken_down", "removed"):
        did = "was removed" if asset.status == "removed" else "was taken down"
        cure = "Ask a librarian to restore it, or to set its status."
        raise Problem("PERMISSION_DENIED", f"{asset.title} {did}.", cure)


def _check_level(asset: Asset) -> None:
    """Raises Problem PERMISSION_DENIED for whoever may read what is said of an asset of its tier, but not have it."""
    sight = current_sight()
    if sight is not None and not sight.reaches(asset.tier):
        raise Problem(
            "PERMISSION_DENIED",
            f"{asset.title} is of value tier {asset.tier}, above the security level of who asks for its bytes.",
            "Let a person do this, or an agent of a higher security level; its facts may be read.",
            tier=asset.tier,
        )


def _segment_and_asset(connection: Connection, segment_id: str) -> tuple[Segment, Asset]:
    """A segment and the asset it is of. Raises Problem NOT_FOUND."""
    segment = store.find_segment(connection, segment_id)
    version = store.find_version(connection, segment.version_id)
    return segment, store.find_asset(connection, version.asset_id)


def _asset_of_media(connection: Connection, media: str) -> Asset:
    """The asset that some bytes are a version or a rendition of. Raises Problem NOT_FOUND."""
    version = store.version_of_media(connection, media)
    if version is None and (rendition := store.rendition_of_media(connection, media)) is not None:
        version = store.find_version(connection, rendition.version_id)
    if version is None:
        raise store.unknown("version with the bytes", media, "get_asset gives the sha256 of each version.")
    return store.find_asset(connection, version.asset_id)
