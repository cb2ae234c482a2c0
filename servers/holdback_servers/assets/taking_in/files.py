"""The tools that take in one file, or a cut."""

import asyncio
from typing import Annotated, Any

from holdback_base.elements import Notice
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Sha256
from holdback_trust.grants import DECLARE
from holdback_trust.identity import StoryName
from holdback_trust.policy import Action
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets import ingest, store
from holdback_servers.assets.closing import mark_media, value_media
from holdback_servers.assets.cuts import examine_cut, write_cut
from holdback_servers.assets.intake import INGEST
from holdback_servers.assets.model import AssetKind, Lineage, LogEntry, Relation, Title
from holdback_servers.assets.organising.writing import require_closing
from holdback_servers.assets.papers import DeclaredElement, IngestRequest, Registered, RegisterRequest
from holdback_servers.jobs import Job
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_files(door: Door) -> None:
    """Offer `ingest_media` and `register_version`."""
    _offer_ingest(door)
    _offer_registering(door)


def _offer_ingest(door: Door) -> None:
    services = door.services

    @door.tool(title="Ingest media", scope=DECLARE, kind="write", idempotent=True)
    async def ingest_media(
        call: Call,
        *,
        path: Annotated[str, Field(max_length=4096, description="A file under a library root; absolute, or from it")],
        title: Annotated[Title | None, Field(description="Else the file's name")] = None,
        kind: AssetKind = "master",
        ref: Annotated[str | None, Field(description="The name of its rights, as film:big-buck-bunny")] = None,
        elements: Annotated[
            tuple[DeclaredElement, ...],
            Field(max_length=200, description="What it is made of; else all is one element"),
        ] = (),
        segments: Annotated[tuple[LogEntry, ...], Field(max_length=2000, description="The supplier's shot log")] = (),
        tags: Annotated[tuple[str, ...], Field(max_length=100)] = (),
        description: Annotated[str | None, Field(max_length=4000)] = None,
        story: Annotated[StoryName | None, Field(description="Closed to all but who knows of this story")] = None,
        tier: Annotated[int, Field(ge=1, le=3, description="How valuable: 1 ordinary, to 3")] = 1,
        proxy: Annotated[
            bool, Field(description="Make a small copy to look at; half of the time an ingest takes")
        ] = True,
    ) -> Job:
        """Take a media file into the library: copied, hashed, probed, cut into shots with keyframes, loudness measured.

        Black, frozen, silent and flashing spans are found and kept as segments; a waveform, a poster and a proxy are
        made. All of it in one pass.

        Answers at once with a job; follow it with get_job until its result names the asset and version. A file whose
        bytes are known already changes nothing: the result says `already` and names what is known. A file that fails
        leaves nothing behind. A shot log entry that falls on a detected shot describes it.
        """
        if story is not None:
            require_closing(call, story)
        request = IngestRequest(
            path=path,
            title=title,
            kind=kind,
            ref=ref,
            elements=elements,
            segments=segments,
            tags=tags,
            description=description,
            story=story,
            tier=tier,
            proxy=proxy,
            by=_by(call),
        )
        await asyncio.to_thread(ingest.find_in_library, path, services.settings)
        kept = await services.database.write(
            lambda c: call.once(c, lambda: _json(services.jobs.submit(c, INGEST, _json(request), call.caller.person)))
        )
        await services.jobs.wake()
        return Job.model_validate(kept)


def _offer_registering(door: Door) -> None:
    services = door.services

    @door.tool(title="Register a version", scope="assets:write", kind="write", idempotent=True)
    async def register_version(
        call: Call,
        *,
        cut_statement: Annotated[
            str | None, Field(description="The statement that render_timeline answered with; proves media and elements")
        ] = None,
        media: Annotated[Sha256 | None, Field(description="Else: media that is in the store, made elsewhere")] = None,
        elements: Annotated[
            tuple[DeclaredElement, ...], Field(max_length=500, description="With media: all that it is made of")
        ] = (),
        notices: Annotated[tuple[Notice, ...], Field(max_length=50, description="With media: credits it shows")] = (),
        relation: Annotated[Relation | None, Field(description="How it relates to of_versions")] = None,
        of_versions: Annotated[tuple[str, ...], Field(max_length=50, description="Versions it was made from")] = (),
        reason: Annotated[str, Field(max_length=1000, description="Why it was made")] = "",
        asset_id: Annotated[str | None, Field(description="Whose new version it is; else a new asset")] = None,
        title: Annotated[Title | None, Field(description="Of a new asset")] = None,
        kind: Annotated[AssetKind, Field(description="Of a new asset")] = "highlight",
    ) -> Registered:
        """Put a new cut on record with its lineage and what it is made of.

        Elements are believed on a signed cut statement. Without one they are declared by the caller, which takes
        assets:declare, and must then hold every ref that the source versions hold. The same statement again changes
        nothing and says `already`.
        """
        if cut_statement is None:
            call.require(Action(name="assets.register_version", scope=DECLARE, kind="write"))
        if (relation is None) != (not of_versions):
            raise Problem("INVALID_ARGUMENT", "relation and of_versions belong together.", "Give both, or neither.")
        request = RegisterRequest(
            asset_id=asset_id,
            title=title,
            kind=kind,
            cut_statement=cut_statement,
            media=media,
            elements=elements,
            notices=notices,
            lineage=Lineage(relation=relation, of_versions=of_versions, reason=reason) if relation else None,
            by=_by(call),
        )
        cut = await examine_cut(call, request)
        now = services.clock()

        def effect(c: Connection) -> dict[str, Any]:
            written = write_cut(c, cut, services.new_id, now)
            if store.find_asset(c, written.asset_id).story is not None:
                mark_media(c, services.media, [written.asset_id])
            value_media(c, services.media, [written.asset_id])
            return _json(written)

        kept = await services.database.write(lambda c: call.once(c, lambda: effect(c)))
        return Registered.model_validate(kept)


def _by(call: Call) -> str:
    return call.caller.text()


def _json(noun: Noun) -> dict[str, Any]:
    return noun.model_dump(mode="json", exclude_none=True)
