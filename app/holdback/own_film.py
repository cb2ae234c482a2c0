"""A film of one's own with its rights sheet, checked and ready for a house: what it is called, what it is made of.

Nothing is sent anywhere; the film is opened in the media worker only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

from holdback_base.elements import is_ref
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span
from holdback_servers.assets.model import TechnicalFacts
from holdback_servers.assets.papers import DeclaredElement
from holdback_servers.rights.interchange.batch import Batch, Remark
from holdback_servers.rights.interchange.sheet_elements import SheetElement

_TOLD = 20
"""Mistakes that are told one by one."""


@dataclass(frozen=True)
class OwnFilm:
    """A film and its sheet. `elements` are in frames of the film; `notes` say what was taken for granted."""

    film: Path
    sheet: Path
    title: str
    facts: TechnicalFacts
    elements: tuple[DeclaredElement, ...]
    batch: Batch
    notes: tuple[str, ...] = ()


async def read_own_film(film: Path, sheet: Path, ref: str | None) -> OwnFilm:
    """Look into both files, which `a_file` found.

    Args:
        film: a media file with a picture, in any container that the library takes.
        sheet: the plain rights sheet, as XLSX or CSV.
        ref: under which reference the sheet means the film, where it does not say so itself.

    Raises:
        Problem: NOT_MEDIA, MEDIA_DAMAGED, TOO_LARGE for a film that cannot be used; INVALID_ARGUMENT for
            mistakes in the sheet, all of them by cell, and where it does not say which reference the film is.
    """
    batch, listed = _sheet(sheet)
    facts = await _facts(film)
    known, mistakes = in_frames(listed, facts)
    if mistakes:
        raise refusal(sheet.name, mistakes)
    programme = [each for each in known if each.kind == "programme"]
    if ref is None and programme:
        title = title_of(programme[0].ref, batch) or programme[0].name
        return OwnFilm(film, sheet, title, facts, known, batch)
    found = reference_of(ref, batch, sheet.name)
    title = title_of(found, batch) or film.stem.replace("_", " ")
    whole = DeclaredElement(kind="programme", ref=found, name=title)
    parts = tuple(each for each in known if each.kind != "programme")
    return OwnFilm(film, sheet, title, facts, (whole, *parts), batch, _taken_for_granted(found, sheet.name, parts))


def refusal(name: str, mistakes: Sequence[Remark]) -> Problem:
    """What is wrong with a sheet, each mistake on a line of its own with its place and its cure."""
    told = [f"  {each.place}: {each.message} {each.hint}".rstrip() for each in mistakes[:_TOLD]]
    if len(mistakes) > _TOLD:
        told.append(f"  ... and {len(mistakes) - _TOLD} more.")
    count = f"{len(mistakes)} {'mistake' if len(mistakes) == 1 else 'mistakes'}"
    return Problem(
        "INVALID_ARGUMENT",
        "\n".join((f"{name} has {count}; nothing was recorded:", *told)),
        "Correct the cells, save the sheet, and start again.",
        mistakes=[each.model_dump() for each in mistakes],
    )


def a_file(given: Path, what: str) -> Path:
    """The file, absolute, links resolved. Raises Problem FILE_MISSING, NOT_MEDIA or INVALID_ARGUMENT."""
    place = given.expanduser().absolute()
    if not place.exists():
        raise Problem("FILE_MISSING", f"There is no {what} {given}.", "Check the spelling; case matters.")
    code = "NOT_MEDIA" if what == "film" else "INVALID_ARGUMENT"
    if not place.is_file():
        raise Problem(code, f"The {what} {given} is not a file.", "Name one file, not a folder.")
    if place.stat().st_size == 0:
        raise Problem(code, f"The {what} {given} is empty.", "Copy it again; it has no bytes.")
    return place.resolve()


def _sheet(sheet: Path) -> tuple[Batch, tuple[SheetElement, ...]]:
    """The rights and the elements of the sheet. Raises Problem with all mistakes."""
    from holdback_servers.rights.interchange.sheet import read
    from holdback_servers.rights.interchange.sheet_elements import read_elements

    try:
        data = sheet.read_bytes()
    except OSError as error:
        raise Problem("UNAVAILABLE", f"{sheet} cannot be read: {error.strerror}.", "Check its permissions.") from error
    batch = read(data, sheet.name)
    if batch.mistakes:
        raise refusal(sheet.name, batch.mistakes)
    return batch, read_elements(data, sheet.name)


async def _facts(film: Path) -> TechnicalFacts:
    """What the film's headers say. Raises Problem NOT_MEDIA for what has no moving picture."""
    from holdback_servers.assets.ingest import probe
    from holdback_servers.settings import Settings

    facts = await probe(film, film.name, Settings(home=film.parent))
    if facts.video is None or facts.frames < 2:
        raise Problem("NOT_MEDIA", f"{film.name} has no moving picture.", "Give a film; a highlight is cut from it.")
    return facts


def in_frames(
    listed: Sequence[SheetElement], facts: TechnicalFacts
) -> tuple[tuple[DeclaredElement, ...], list[Remark]]:
    """The elements in frames of the film, whole frames that they touch; and those that lie beyond its end."""
    mistakes: list[Remark] = []
    found: list[DeclaredElement] = []
    rate, length = facts.rate.fraction, facts.seconds
    for each in listed:
        beyond = next((at for at in _ends(each) if at > length), None)
        if beyond is not None or (each.start_seconds or 0) >= length:
            message = f"{each.name} is at {_seconds(beyond or length)}, and the film lasts {_seconds(length)}."
            mistakes.append(Remark(place=each.place, message=message, hint="Correct From and To, or name the film."))
            continue
        whole = each.start_seconds is None and each.end_seconds is None
        start = floor((each.start_seconds or 0) * rate)
        end = facts.frames if each.end_seconds is None else min(facts.frames, ceil(each.end_seconds * rate))
        spans = () if whole else (Span(in_frame=start, out_frame=max(end, start + 1)),)
        found.append(
            DeclaredElement(
                id=f"{each.ref.partition(':')[2]}-{len(found) + 1}",
                kind=each.kind,
                ref=each.ref,
                name=each.name,
                spans=spans,
                box=each.box,
            )
        )
    return tuple(found), mistakes


def _ends(element: SheetElement) -> Iterator[Fraction]:
    yield from (each for each in (element.start_seconds, element.end_seconds) if each is not None)


def _seconds(value: Fraction) -> str:
    return f"{float(value):.1f} s"


def reference_of(given: str | None, batch: Batch, name: str) -> str:
    """Which reference the film is: as given, or the only one in the sheet that can be. Raises Problem."""
    if given is not None:
        if not is_ref(given):
            raise Problem("INVALID_ARGUMENT", f"--ref {given!r} is not a reference.", "Write it as film:night-train.")
        return given
    refs = dict.fromkeys(each.terms.ref for each in batch.rights)
    films = [each for each in refs if each.startswith("film:")] or list(refs)
    if len(films) != 1:
        several = f"may be any of {', '.join(films[:10])}" if films else "is not named"
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} does not say which reference the film is: it {several}.",
            "Say it with --ref film:name, or in a sheet Elements with a line of element film.",
        )
    return films[0]


def title_of(ref: str, batch: Batch) -> str:
    """The title that the sheet gives the reference; nothing where it gives none."""
    carried = (dict(each.terms.carried) for each in batch.rights if each.terms.ref == ref)
    return next((facts["Title"] for facts in carried if facts.get("Title")), "")


def _taken_for_granted(ref: str, name: str, parts: Sequence[DeclaredElement]) -> tuple[str, ...]:
    if parts:
        return (f"The film is taken as {ref}; {name} lists {len(parts)} further elements in it.",)
    return (
        f"{name} lists no elements, so the film is taken as one thing, {ref}: its music, people and logos are not "
        "looked at. List them in a sheet Elements to have each decided.",
    )
