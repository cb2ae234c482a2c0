"""`holdback rights`: files of rights in and out of a home, in this process, by the same code as the rights server."""

import asyncio
import base64
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from holdback_base.problem import Problem
from holdback_servers.settings import Settings, load_settings

from holdback.foundation import lay_foundation, trying_out

if TYPE_CHECKING:
    from holdback_base.database import Database
    from holdback_servers.rights.interchange.batch import Exported
    from holdback_servers.serving import Door

_MOST = 1_000_000
"""Rights in one file."""
_BY_ENDING = {
    ".xlsx": "sheet_xlsx", ".csv": "sheet_csv", ".xml": "avails_xml", ".jsonld": "odrl_jsonld", ".json": "odrl_jsonld",
    ".ttl": "odrl_turtle",
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which rights to write, by what must hold of them, and, for Avails, who licenses what goes out."""

    ref: str | None = None
    contract: str | None = None
    territory: str | None = None
    licensor: str = ""


def write_template(file: Path) -> None:
    """Write an empty rights sheet to fill, XLSX or CSV by the file's ending; an existing file is never replaced."""
    from holdback_servers.rights.interchange import sheet_writing

    if file.suffix.casefold() not in (".xlsx", ".csv"):
        raise Problem("INVALID_ARGUMENT", f"{file} is no name for a rights sheet.", "End it in .xlsx or .csv.")
    _write(file, sheet_writing.template("csv" if file.suffix.casefold() == ".csv" else "xlsx"))
    sys.stdout.write(f"{file} is a rights sheet to fill. Then: holdback rights import {file}\n")


def import_file(file: Path, home: Path | None, format_: str | None, time_zone: str, *, apply: bool) -> None:
    """Tell what a file would change, or record it; exits with 1 where the file has mistakes."""
    from holdback_servers.rights.exchanging import Importing, ImportRequest, check_file
    from holdback_servers.rights.importing.outcome import ImportReport
    from holdback_servers.rights.interchange.batch import Format
    from holdback_servers.rights.moments import zone_of
    from holdback_servers.rights.store import Shelf

    zone_of(time_zone)
    settings = load_settings(home=home)
    request = {
        "name": file.name,
        "path": str(check_file(file.absolute(), str(file))),
        "format": _one_of(format_, get_args(Format)),
        "time_zone": time_zone,
        "apply": apply,
        "by": settings.person,
    }

    async def run(door: "Door") -> ImportReport:
        result = await Importing(door, Shelf())(
            ImportRequest.model_validate(request).model_dump(mode="json"), _progress
        )
        return ImportReport.model_validate(result)

    with nullcontext(settings) if apply else trying_out(settings) as ground, _rights(ground) as door:
        report = asyncio.run(run(door))
        if report.applied:
            _note(door, settings.person, report.model_dump_json())
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    sys.stdout.write(f"{report.text()}\n")
    if report.mistakes:
        sys.exit(1)
    if not apply:
        sys.stdout.write("Record it with --apply.\n")


def export_file(file: Path, home: Path | None, format_: str | None, wanted: Wanted) -> None:
    """Write rights on record to a new file, in the format named or that of its ending, and tell what it cannot say."""
    from holdback_base.vocabulary import parse_territory
    from holdback_servers.rights import exporting
    from holdback_servers.rights.store import Listing

    known = get_args(exporting.ExportFormat)
    name = _one_of(format_, known) or _BY_ENDING.get(file.suffix.casefold())
    if name is None:
        raise Problem("INVALID_ARGUMENT", f"{file} does not say its format.", f"Give --format: {', '.join(known)}.")
    _check_new(file)
    place = parse_territory(wanted.territory) if wanted.territory else None
    listing = Listing(ref=wanted.ref, contract=wanted.contract, territory=place)
    with _kept_rights(load_settings(home=home).home) as kept:
        rights = kept.read_now(lambda c: exporting.chosen(c, listing, _MOST))
    exported = exporting.write(next(each for each in known if each == name), rights, wanted.licensor)
    _write(file, exported)
    sys.stdout.write(f"{exported.rights} rights written to {file}\n")
    sys.stdout.writelines(f"  not said: {each.place}: {each.message}\n" for each in exported.losses)


@contextmanager
def _kept_rights(home: Path) -> "Generator[Database]":
    """The store of the rights on record in a home. Raises Problem FILE_MISSING where there is none."""
    from holdback_base.database import Database
    from holdback_servers.rights import store

    path = home / "db" / "rights.sqlite"
    if not path.is_file():
        raise Problem("FILE_MISSING", f"The home {home} has no rights on record.", "Name another home with --home.")
    with closing(Database(path, store.METADATA)) as kept:
        yield kept


@contextmanager
def _rights(settings: Settings) -> "Generator[Door]":
    """The rights room of a home, for as long as one command needs it."""
    from holdback.rooms import open_room

    foundation = lay_foundation(settings, "mcp:rights")
    try:
        door = open_room("rights", foundation)
        try:
            yield door
        finally:
            door.services.database.close()
        foundation.audit.sign_head("close")
    finally:
        foundation.audit.close()


def _note(door: "Door", person: str, result: str) -> None:
    """Write down who recorded what: the same row as for a call of the tool."""
    door.services.audit.append(
        actor=person,
        on_behalf_of=person,
        action="rights.import_rights",
        resource=door.audience,
        decision="allowed",
        policy="command-line",
        result=result.encode(),
    )


def _progress(done: int, total: int, unit: str, note: str) -> None:
    if sys.stderr.isatty():
        of = f" of {total}" if total else ""
        sys.stderr.write(f"\r\033[K{note}: {done}{of} {unit}")
        sys.stderr.flush()


def _one_of(given: str | None, known: tuple[str, ...]) -> str | None:
    if given is not None and given not in known:
        raise Problem("INVALID_ARGUMENT", f"There is no format {given}.", f"Choose one of {', '.join(known)}.")
    return given


def _check_new(file: Path) -> None:
    if file.exists():
        raise Problem("CONFLICT", f"{file} is there already.", "Give another name, or move it away.")


def _write(file: Path, exported: "Exported") -> None:
    _check_new(file)
    data = base64.b64decode(exported.content) if exported.base64 else exported.content.encode()
    bom = b"\xef\xbb\xbf" if exported.media_type.startswith("text/csv") else b""  # so that Excel takes it for UTF-8
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bom + data)
    except OSError as error:
        raise Problem(
            "INVALID_ARGUMENT", f"{file} cannot be written: {error.strerror}.", "Give another path."
        ) from error
