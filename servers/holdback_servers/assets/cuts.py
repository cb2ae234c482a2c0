"""How a new cut gets on the shelf: on the word of a signed statement, or of whoever brings it."""

from dataclasses import dataclass

from holdback_base.elements import ElementList
from holdback_base.ids import NewId
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant
from holdback_trust.statements import SignedCut
from sqlalchemy import Connection

from holdback_servers.assets import closing, ingest, store
from holdback_servers.assets.model import Asset, AssetKind, Lineage, TechnicalFacts, Value, Version, missing_refs
from holdback_servers.assets.papers import Registered, RegisterRequest, declared_list, first_values
from holdback_servers.assets.shelf import NewVersion, answer_about, put_on_shelf
from holdback_servers.services import Call


@dataclass(frozen=True)
class CutPapers:
    """A cut that has been verified and probed, ready to be written: of which value tier and closed story it is, by its
    statement or by what its bytes are known to be made of."""

    request: RegisterRequest
    media: str
    facts: TechnicalFacts
    signed: SignedCut | None
    tier: int
    story: str | None


async def examine_cut(call: Call, request: RegisterRequest) -> CutPapers:
    """Verify the statement, find the bytes and probe them.

    Raises:
        Problem: STATEMENT_INVALID; NOT_FOUND for a cut that the caller may not know of; MEDIA_OFFLINE;
            INVALID_ARGUMENT when media and elements are neither proven nor declared, or both; CONFLICT when the
            statement tells of other frames than the media has.
    """
    if (request.cut_statement is None) == (request.media is None):
        raise Problem(
            "INVALID_ARGUMENT",
            "A new cut needs either cut_statement or media.",
            "Pass the cut statement of render_timeline; media with elements is for cuts made elsewhere.",
        )
    if request.cut_statement is not None and (request.elements or request.notices):
        raise Problem("INVALID_ARGUMENT", "Elements come from the cut statement.", "Leave elements and notices out.")
    services = call.services
    signed = None if request.cut_statement is None else call.read_cut(request.cut_statement)
    media = signed.media if signed is not None else request.media or ""
    facts = await ingest.probe(services.media.path(media), media[:19], services.settings)
    if signed is not None:
        facts = _agreeing(facts, signed.element_list)
    tier, story = services.media.tier(media), services.media.story(media)
    if signed is not None:
        tier, story = signed.tier, signed.story
    return CutPapers(request, media, facts, signed, tier, story)


def _agreeing(facts: TechnicalFacts, proven: ElementList) -> TechnicalFacts:
    """Facts that count as the statement does; a container's count may be off by one where it tells a duration."""
    if abs(facts.seconds - proven.rate.seconds(proven.frames)) * proven.rate.fraction > 1:
        raise Problem(
            "CONFLICT",
            f"The statement tells of {proven.frames} frames at {proven.rate.text()}; the media has {facts.frames} at"
            f" {facts.rate.text()}.",
            "Pass the statement that belongs to these bytes.",
        )
    return facts.model_copy(update={"frames": proven.frames, "rate": proven.rate})


def write_cut(connection: Connection, cut: CutPapers, new_id: NewId, now: Instant) -> Registered:
    """Write a verified cut as the first version of a new asset or the next of a known one.

    Raises:
        Problem: NOT_FOUND for an unknown asset or source version; CONFLICT when the bytes are known, or when a
            declared list leaves out what the sources are made of.
    """
    request = cut.request
    same = _same_cut(connection, cut)
    if same is not None:
        return answer_about(connection, same, already=True)
    sources = [store.find_version(connection, each) for each in _sources(request.lineage)]
    made_of = [store.find_asset(connection, each.asset_id) for each in sources]
    tier, story = closing.inherited(made_of, cut.tier, cut.story)
    if cut.signed is None:
        lacking = missing_refs([each.ref for each in request.elements], [each.element_list for each in sources])
        if lacking:
            raise Problem(
                "CONFLICT",
                f"The sources hold {', '.join(lacking)}, which the declared elements leave out.",
                "Declare them, or prove by a cut statement of the editing server that they are gone.",
            )
    known = None if request.asset_id is None else store.find_asset(connection, request.asset_id)
    title = request.title or (known.title if known else None) or (cut.signed.title if cut.signed else "")
    if known is None:
        asset = _new_asset(title, request.kind, new_id, now).model_copy(update={"tier": tier, "story": story})
    else:
        asset = _grown(connection, known, tier, story)
    number = 1 if known is None else store.latest_version(connection, known.id).number + 1
    version = Version(
        id=new_id("ver"),
        asset_id=asset.id,
        number=number,
        media=cut.media,
        facts=cut.facts,
        element_list=cut.signed.element_list if cut.signed else _declared(cut, new_id),
        elements_from="supplier" if cut.signed is None else cut.signed.issuer,
        lineage=request.lineage,
        by=request.by,
        at=now,
    )
    words: dict[str, Value | None] = {"title": title} if known is None else {}
    if known is None:
        words |= {"story": story, "tier": tier if tier > 1 else None}
    values = first_values(asset.id, words, method="manual", by=request.by, at=now, new_id=new_id)
    return put_on_shelf(connection, NewVersion(asset, version, (), tuple(values)))


def _grown(connection: Connection, known: Asset, tier: int, story: str | None) -> Asset:
    """A known asset that gets a version of a tier and a story.

    Raises:
        Problem: CONFLICT for a cut of a closed story, as a version of an asset that does not belong to it.
    """
    if story not in (None, known.story):
        raise Problem(
            "CONFLICT",
            f"The cut belongs to a closed story, and {known.id} does not.",
            "Register it as an asset of its own.",
        )
    if tier > known.tier:
        store.set_asset(connection, known.id, tier=tier)
    return known


def _same_cut(connection: Connection, cut: CutPapers) -> Version | None:
    """The version that is this very cut already; None too where the bytes are known as something else."""
    version = store.version_of_media(connection, cut.media)
    if version is None or cut.signed is None or cut.request.asset_id not in (None, version.asset_id):
        return None
    return version if version.element_list.sha256() == cut.signed.element_list.sha256() else None


def _sources(lineage: Lineage | None) -> tuple[str, ...]:
    return () if lineage is None else lineage.of_versions


def _new_asset(title: str, kind: AssetKind, new_id: NewId, now: Instant) -> Asset:
    if not title:
        raise Problem("INVALID_ARGUMENT", "A new asset needs a title.", "Give title, or asset_id for a known asset.")
    return Asset(id=new_id("ast"), kind=kind, title=title, at=now)


def _declared(cut: CutPapers, new_id: NewId) -> ElementList:
    if not cut.request.elements:
        raise Problem(
            "INVALID_ARGUMENT",
            "A cut without a statement needs its elements.",
            "Declare programme, music, talent, clips and logos, each with its frames.",
        )
    return declared_list(cut.request.elements, cut.facts, new_id, notices=cut.request.notices)
