"""What a format cannot say of a cut: told with every export, so that nobody finds out on the air. Pure."""

from collections.abc import Iterator

from holdback_servers.editing.interchange.edl_writing import SOUND_CHANNELS, others
from holdback_servers.editing.interchange.sheet import PICTURE, Lane, Piece, Sheet

_NAMES = {"otio": "OpenTimelineIO", "edl": "A CMX 3600 EDL", "fcp7": "FCP7 XML", "fcpxml": "FCPXML", "aaf": "AAF"}


def losses(sheet: Sheet, form: str) -> tuple[str, ...]:
    """One sentence for each thing that other programs will not see; none for captions alone."""
    name = _NAMES.get(form)
    return () if name is None else tuple(f"{name} {each}" for each in _lost(sheet, form))


def _lost(sheet: Sheet, form: str) -> Iterator[str]:
    yield from _picture(sheet, form)
    yield from _sound(sheet, form)
    if sheet.facts.get("blurs"):
        yield "has no blurred regions: they are " + ("kept for this room only." if form == "otio" else "left out.")
    if sheet.facts.get("reframe"):
        yield "shows the canvas before the reframe" + ("; the shape is kept for this room." if form == "otio" else ".")
    if form not in ("otio", "fcpxml") and (sheet.titles or sheet.spoken):
        words = [name for name, there in (("credits and titles", sheet.titles), ("captions", sheet.spoken)) if there]
        yield f"carries no {' and no '.join(words)}; deliver captions as SRT or WebVTT."
    if sheet.black and form != "otio":
        yield "shows black where the end card stands" + ("; its words are comments." if form == "edl" else ".")


def _picture(sheet: Sheet, form: str) -> Iterator[str]:
    first = next(each for each in sheet.lanes if each.name == PICTURE)
    above = [each for each in sheet.lanes_of("picture") if each.name != PICTURE]
    kinds = {each.kind for each in first.changes}
    if form == "edl" and above:
        yield f"holds one track of picture: {', '.join(each.name for each in above)} left out."
    if form in ("edl", "aaf") and "dip_to_white" in kinds:
        yield "knows no white: dips to white are dips to black in other programs."
    if form == "aaf" and _out_of_step(first):
        yield "knows whole frames alone: a clip at another speed may show a frame early under its transition."
    if form == "fcpxml" and kinds - {"dissolve"}:
        yield "names wipes and dips without their effects: choose them again in the other program."
    if form == "otio" and kinds - {"dissolve"}:
        yield "has words for dissolves alone: wipes and dips are custom transitions."
    if form == "fcp7" and any(each.speed > 100 for each in first.pieces):
        yield "counts at the clip's speed: a clip faster than its media may begin a frame off in other programs."
    placed = [each for lane in above for each in lane.pieces if _composed(each)]
    if placed and form in ("otio", "fcp7", "aaf"):
        kept = "kept for this room."
        yield f"shows layers full size, opaque and without fades: boxes, opacity and fades are {kept}"


def _out_of_step(lane: Lane) -> bool:
    """Whether a transition begins between two frames of the media of a clip at another speed."""
    heads = {each.at: each.before for each in lane.changes if not each.kind.startswith("dip")}
    return any(heads.get(each.at, 0) * each.speed % 100 for each in lane.pieces)


def _composed(piece: Piece) -> bool:
    return piece.box is not None or piece.opacity != 1000 or piece.fade_in > 0 or piece.fade_out > 0


def _sound(sheet: Sheet, form: str) -> Iterator[str]:
    beside = others(sheet)
    if form == "edl" and len(beside) > len(SOUND_CHANNELS):
        yield f"holds two tracks of sound beside the picture's: {', '.join(_names(beside[2:]))} left out."
    levels = any(each.gain or each.fade_in or each.fade_out for lane in sheet.lanes_of("sound") for each in lane.pieces)
    if levels and form in ("edl", "otio", "fcp7", "aaf"):
        yield "has no levels or fades of sound" + (" of its own: kept for this room." if form == "otio" else ".")
    if any(each.get("duck") for each in sheet.facts.get("tracks", ())):
        yield "has no ducking: music stays at its level while a voice speaks."


def _names(lanes: list[Lane]) -> list[str]:
    return [each.name for each in lanes]
