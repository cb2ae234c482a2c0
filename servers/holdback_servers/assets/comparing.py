"""The tools that compare: pictures that are alike, copies, and where something was used."""

from typing import Annotated, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from pydantic import Field
from sqlalchemy import Connection, bindparam, select

from holdback_servers.assets import store
from holdback_servers.assets.likeness import ALIKE, Pictures, Seen, nearest_of_each
from holdback_servers.assets.model import Relation, Version
from holdback_servers.assets.tables import assets, segments, versions
from holdback_servers.assets.usage import Run, runs
from holdback_servers.services import Call
from holdback_servers.serving import Door

_COPY = 0.8
"""The part of both versions' pictures that copies have in common."""
_NOT_LOOKED_AT = "No pictures of this version are on record (it has none, or was registered without being looked at)."

_SHOT = (
    select(segments.c.id, segments.c.keyframe)
    .where(segments.c.version_id == bindparam("version"), segments.c.kind == "shot")
    .where(segments.c.in_frame <= bindparam("at"))
    .order_by(segments.c.in_frame.desc(), segments.c.id)
    .limit(1)
)
"""The shot that begins at a frame or before."""


class Place(Noun):
    """Frames of a version, half-open, with timecodes of its own."""

    version_id: str
    asset_id: str
    title: str
    in_frame: int
    out_frame: int
    in_timecode: str | None = None
    out_timecode: str | None = None
    keyframe: str | None = Field(default=None, description="A picture of the shot that begins there or before")


class SimilarPicture(Noun):
    """A picture that is alike: where it is, and which of the frames asked about it is nearest to.

    `distance` is the number of 64 bits in which the pictures' hashes differ: 0 to 3 the same picture in another form,
    to 10 much alike.
    """

    place: Place
    distance: int
    of_frame: int


class SimilarResult(Noun):
    """The nearest first, the best picture of each version."""

    alike: tuple[SimilarPicture, ...]
    versions: int = Field(description="How many versions have one")
    compared: int = Field(description="Pictures of the library that were looked through")
    note: str | None = None


class Duplicate(Noun):
    """A version that shows the same pictures in the same order; `same` is the part of both that does, in thousandths.

    The same bytes are in the library once, so that a copy always differs in encoding, size or length.
    """

    version_id: str
    asset_id: str
    title: str
    same: int
    distance: float
    frames: int
    rate: str
    size: str | None = None


class DuplicateResult(Noun):
    """Copies, the most alike first."""

    copies: tuple[Duplicate, ...]
    compared: int
    note: str | None = None


class Use(Noun):
    """One use and how it is known.

    `lineage`: the version names this one as what it was made from. `elements`: its element list holds the same refs, on
    the frames told. `seen`: its pictures are those of `of_in` to `of_out`, to about a quarter of a second.
    """

    evidence: Literal["lineage", "elements", "seen"]
    place: Place
    of_in: int | None = None
    of_out: int | None = None
    of_in_timecode: str | None = None
    of_out_timecode: str | None = None
    relation: Relation | None = None
    ref: str | None = None
    pictures: int | None = None
    distance: float | None = None


class UsageResult(Noun):
    """Every use that is known, by version; one version may be known by several kinds of evidence."""

    version_id: str
    uses: tuple[Use, ...]
    note: str | None = None


def offer_comparing(door: Door) -> None:
    """Offer `find_similar`, `find_duplicates` and `find_usage`."""
    pictures = Pictures()

    @door.tool(title="Find similar pictures", scope="assets:read")
    async def find_similar(
        call: Call,
        *,
        asset_id: Annotated[str | None, Field(description="Pictures of its latest version")] = None,
        version_id: Annotated[str | None, Field(description="Pictures of this version")] = None,
        segment_id: Annotated[str | None, Field(description="Pictures of this segment")] = None,
        frame: Annotated[int | None, Field(ge=0, description="Only the picture at this frame")] = None,
        within: Annotated[int, Field(ge=0, le=24, description="Bits of 64 that may differ")] = ALIKE,
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
    ) -> SimilarResult:
        """Find pictures that look alike in other versions, by perceptual hash: the same shot, other grading or size.

        Give exactly one of asset_id, version_id and segment_id, and a frame if only one picture is meant.
        """
        _one_of(asset_id, version_id, segment_id)

        def unit(connection: Connection) -> SimilarResult:
            version, start, end = _asked(connection, asset_id, version_id, segment_id)
            seen = pictures.of(connection)
            _check_inside(frame, start, version.facts.frames if end is None else end)
            asked = _at(seen.of(version.id, start, end), frame)
            without = _out_of_reach(connection) | {version.id}
            found = nearest_of_each(asked, seen, without=without, within=within)
            items = [
                SimilarPicture(place=place, distance=each.apart, of_frame=each.of_frame)
                for each in found[:limit]
                if (place := _place(connection, each.version_id, each.frame, each.frame + 1)) is not None
            ]
            return SimilarResult(
                alike=tuple(items), versions=len(found), compared=len(seen.frames), note=_looked_at(asked)
            )

        return await call.services.database.read(unit)

    @door.tool(title="Find duplicates", scope="assets:read")
    async def find_duplicates(
        call: Call,
        *,
        asset_id: Annotated[str | None, Field(description="Copies of its latest version")] = None,
        version_id: Annotated[str | None, Field(description="Copies of this version")] = None,
    ) -> DuplicateResult:
        """Find copies of a version: the same pictures in the same order from end to end, in other bytes.

        Other encodings, sizes and frame rates are found. A part of it used in another cut is no copy: see find_usage.
        """
        _one_of(asset_id, version_id, None)

        def unit(connection: Connection) -> DuplicateResult:
            version, _, _ = _asked(connection, asset_id, version_id, None)
            seen = pictures.of(connection)
            asked = seen.of(version.id)
            found = runs(connection, asked, _rate(version), seen, without=_out_of_reach(connection) | {version.id})
            of_version: dict[str, list[Run]] = {}
            for each in found:
                of_version.setdefault(each.version_id, []).append(each)
            all_copies = (_duplicate(connection, version, each) for each in of_version.values())
            copies = [each for each in all_copies if each is not None]
            items = sorted(copies, key=lambda each: (-each.same, each.distance, each.version_id))
            return DuplicateResult(copies=tuple(items), compared=len(seen.frames), note=_looked_at(asked))

        return await call.services.database.read(unit)

    @door.tool(title="Find where it was used", scope="assets:read")
    async def find_usage(
        call: Call,
        *,
        asset_id: Annotated[str | None, Field(description="Uses of its latest version")] = None,
        version_id: Annotated[str | None, Field(description="Uses of this version")] = None,
        segment_id: Annotated[str | None, Field(description="Uses of this segment")] = None,
    ) -> UsageResult:
        """Find where a version or a segment was used: on paper (lineage, element lists) and by looking at the pictures.

        Each use says its evidence. Those that are seen tell the frames and timecodes of both sides and are found
        without any papers; those on paper alone are no proof that a picture of it is there.
        """
        _one_of(asset_id, version_id, segment_id)

        def unit(connection: Connection) -> UsageResult:
            version, start, end = _asked(connection, asset_id, version_id, segment_id)
            seen = pictures.of(connection)
            asked = seen.of(version.id, start, end)
            found = runs(connection, asked, _rate(version), seen, without=frozenset({version.id}))
            uses = [*_on_paper(connection, version), *(_use(connection, version, each) for each in found)]
            known = [each for each in uses if each is not None]
            return UsageResult(version_id=version.id, uses=tuple(known), note=_looked_at(asked))

        return await call.services.database.read(unit)


def _one_of(*given: str | None) -> None:
    if sum(each is not None for each in given) != 1:
        raise Problem(
            "INVALID_ARGUMENT", "Give exactly one thing to compare.", "Name an asset, a version or a segment."
        )


def _asked(
    connection: Connection, asset_id: str | None, version_id: str | None, segment_id: str | None
) -> tuple[Version, int, int | None]:
    if segment_id is not None:
        segment = store.find_segment(connection, segment_id)
        return store.find_version(connection, segment.version_id), segment.in_frame, segment.out_frame
    if version_id is not None:
        return store.find_version(connection, version_id), 0, None
    return store.latest_version(connection, asset_id or ""), 0, None


def _check_inside(frame: int | None, start: int, end: int) -> None:
    """Raises Problem SPAN_OUTSIDE_MEDIA for a frame that is not in `[start, end)`."""
    if frame is not None and not start <= frame < end:
        raise Problem(
            "SPAN_OUTSIDE_MEDIA",
            f"There is no frame {frame} in what is asked about: it has the frames {start} to {end - 1}.",
            "Give a frame of the version, counted from 0.",
        )


def _out_of_reach(connection: Connection) -> frozenset[str]:
    """The versions of assets that were removed or taken down."""
    query = select(versions.c.id).join(assets, assets.c.id == versions.c.asset_id)
    return frozenset(connection.execute(query.where(assets.c.status.in_(("removed", "taken_down")))).scalars())


def _at(asked: Seen, frame: int | None) -> Seen:
    """The picture that was looked at nearest to a frame."""
    if frame is None or not len(asked.frames):
        return asked
    place = int(abs(asked.frames - frame).argmin())
    one = slice(place, place + 1)
    return Seen(asked.last, asked.versions, asked.codes[one], asked.frames[one], asked.hashes[one])


def _looked_at(asked: Seen) -> str | None:
    return None if len(asked.frames) else _NOT_LOOKED_AT


def _rate(version: Version) -> float:
    return float(version.facts.rate.fraction)


def _place(connection: Connection, version_id: str, start: int, end: int) -> Place | None:
    """Frames of a version as callers see them; None for one that is newer than this snapshot."""
    try:
        version = store.find_version(connection, version_id)
    except Problem:
        return None
    facts, asset = version.facts, store.find_asset(connection, version.asset_id)
    shot = connection.execute(_SHOT, {"version": version_id, "at": start}).first()
    return Place(
        version_id=version_id,
        asset_id=asset.id,
        title=asset.title,
        in_frame=start,
        out_frame=end,
        in_timecode=facts.timecode(start),
        out_timecode=facts.timecode(end),
        keyframe=f"keyframe://{shot.id}" if shot is not None and shot.keyframe else None,
    )


def _duplicate(connection: Connection, version: Version, found: list[Run]) -> Duplicate | None:
    """A version as a copy; None where too little of either is the same."""
    other = store.find_version(connection, found[0].version_id)
    ours = sum(each.of_out - each.of_in for each in found) / _rate(version)
    theirs = sum(each.out_frame - each.in_frame for each in found) / _rate(other)
    length = max(float(version.facts.seconds), float(other.facts.seconds))
    # the ends of a run lie up to a quarter of a second inside what is the same
    same = min(1.0, (min(ours, theirs) + 0.5 * len(found)) / length)
    if same < _COPY:
        return None
    video = other.facts.video
    return Duplicate(
        version_id=other.id,
        asset_id=other.asset_id,
        title=store.find_asset(connection, other.asset_id).title,
        same=round(1000 * same),
        distance=round(sum(each.apart for each in found) / len(found), 1),
        frames=other.facts.frames,
        rate=other.facts.rate.text(),
        size=None if video is None else f"{video.width}x{video.height}",
    )


def _on_paper(connection: Connection, version: Version) -> list[Use | None]:
    found: list[Use | None] = []
    refs = {each.ref for each in version.element_list.elements}
    for made, relation in store.made_from(connection, version.id):
        cut = store.find_version(connection, made)
        if (place := _place(connection, made, 0, cut.facts.frames)) is None:
            continue
        found.append(Use.model_validate({"evidence": "lineage", "place": place, "relation": relation}))
        for element in cut.element_list.elements:
            for span in element.spans if element.ref in refs else ():
                where = _place(connection, made, span.in_frame, span.out_frame)
                found.append(None if where is None else Use(evidence="elements", place=where, ref=element.ref))
    return found


def _use(connection: Connection, version: Version, run: Run) -> Use | None:
    place = _place(connection, run.version_id, run.in_frame, run.out_frame)
    if place is None:
        return None
    return Use(
        evidence="seen",
        place=place,
        of_in=run.of_in,
        of_out=run.of_out,
        of_in_timecode=version.facts.timecode(run.of_in),
        of_out_timecode=version.facts.timecode(run.of_out),
        pictures=run.pictures,
        distance=run.apart,
    )
