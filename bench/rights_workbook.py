"""`poe bench rights_import`: a synthetic Avails workbook of 100,000 rows, from the file to rows on record.

Works have a few transactions each (territory, licence, format, window); the file is the same for the same seed. What is
timed is what `holdback rights import --apply` does: the media worker reads, checks and makes rows, the server compares
and records them in one transaction. A second import of the same file, which changes nothing, is timed too.
"""

import asyncio
import io
import random
import sys
import tempfile
import time
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, Final

from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_servers.rights import server, store
from holdback_servers.rights.exchanging import Importing, ImportRequest
from holdback_servers.rights.interchange.avails_columns import MOVIE_COLUMNS
from holdback_servers.rights.store import Shelf
from holdback_servers.services import open_services
from holdback_servers.serving import Door
from holdback_servers.settings import Settings
from holdback_servers.workbooks.cells import cell_name
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing

ROWS: Final = 100_000
SEED: Final = 20_261_122
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
_ROWS_A_WORK: Final = 8
_EPOCH: Final = date(1899, 12, 30)
_COUNTRIES: Final = ("US", "GB", "DE", "FR", "IT", "ES", "CA", "AU", "JP", "BR", "MX", "NL", "SE", "PL", "IN", "KR")
_LICENCES: Final = ("EST", "VOD", "SVOD", "AVOD", "FVOD")
_FORMATS: Final = ("SD", "HD", "UHD")
_DAYS: Final = (13, 29, 89, 179, 364, 547, 729)
_LANGUAGES: Final = ("en", "de", "fr", "es", "it", "ja")
_CONTENT_TYPES: Final = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>
<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>
</Types>"""  # noqa: E501 - names as the standard gives them
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STYLES: Final = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


def workbook(rows: int = ROWS) -> bytes:
    """An XLSX of template 1.9 with so many transactions of movies, written by hand: a library would take minutes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as pack:
        pack.writestr("[Content_Types].xml", _CONTENT_TYPES)
        pack.writestr("_rels/.rels", _links("officeDocument", "xl/workbook.xml"))
        pack.writestr("xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
                      '<sheet name="Avails" sheetId="1" r:id="rId1"/></sheets></workbook>')  # fmt: skip
        pack.writestr(
            "xl/_rels/workbook.xml.rels", _links("worksheet", "worksheets/sheet1.xml", ("styles", "styles.xml"))
        )
        pack.writestr("xl/styles.xml", _STYLES)
        with pack.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for line in _lines(rows):
                sheet.write(line.encode())
            sheet.write(b"</sheetData></worksheet>")
    return file.getvalue()


def _links(kind: str, target: str, *more: tuple[str, str]) -> str:
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{each}" Target="{where}"/>'
        for number, (each, where) in enumerate(((kind, target), *more), 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>'


def _lines(rows: int) -> Iterator[str]:
    names = [each.split("/")[-1] for each in MOVIE_COLUMNS]
    groups = [each.split("/")[0] for each in MOVIE_COLUMNS]
    yield _row(0, groups)
    yield _row(1, names)
    yield _row(2, ["//Opt"] * len(names))
    chance = random.Random(SEED)
    for number in range(rows):
        fields = _transaction(number, chance)
        yield _row(number + 3, [fields.get(name) for name in names])


def _row(row: int, cells: list[Any]) -> str:
    made = "".join(_cell(row, at, value) for at, value in enumerate(cells) if value is not None)
    return f'<row r="{row + 1}">{made}</row>'


def _cell(row: int, column: int, value: str | int | date) -> str:
    place = cell_name(row, column)
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - _EPOCH).days}</v></c>'
    if isinstance(value, int):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def _transaction(number: int, chance: random.Random) -> dict[str, Any]:
    work, turn = divmod(number, _ROWS_A_WORK)
    begins = date(2026, 1, 6) + timedelta(weeks=chance.randrange(100))  # releases are on Tuesdays
    licence = _LICENCES[turn % len(_LICENCES)]
    return {
        "DisplayName": f"Studio {work % 7}",
        "AssetLanguage": chance.choice(_LANGUAGES),
        "Territory": _COUNTRIES[(work + turn) % len(_COUNTRIES)],
        "WorkType": "Movie",
        "EntryType": "Full Extract",
        "TitleInternalAlias": f"Title {work}, The",
        "TitleDisplayUnlimited": f"The Title {work}",
        "LicenseType": licence,
        "LicenseRightsDescription": "Library",
        "FormatProfile": _FORMATS[turn % len(_FORMATS)],
        "Start": begins,
        "End": begins + timedelta(days=chance.choice(_DAYS)) if turn % 4 else "Open",
        "PriceType": None if licence == "SVOD" else "Tier",
        "PriceValue": None if licence == "SVOD" else chance.randrange(1, 9),
        "AltID": f"TITLE_{work:06}",
        "ContentID": f"md:cid:org:bench.example:title-{work:06}",
        "AvailID": f"avail-{number:07}",
        "ALID": f"md:alid:org:bench.example:title-{work:06}",
        "ReleaseYear": 1990 + work % 35,
        "ContractID": f"C-{work % 40}",
        "RatingSystem": "MPAA",
        "RatingValue": "PG",
    }


def measure(rows: int = ROWS) -> dict[str, float]:
    """Seconds of the first import and of the same again, the size of the file in MB, and rights on record."""
    with tempfile.TemporaryDirectory() as folder, _house(Path(folder)) as door:
        file = Path(folder) / "avails.xlsx"
        file.write_bytes(workbook(rows))
        first, counts = _import(door, file)
        again, same = _import(door, file)
        assert same["unchanged"] == counts["created"], (counts, same)
        return {
            "first": first,
            "again": again,
            "megabytes": file.stat().st_size / 2**20,
            "rights": float(counts["created"]),
        }


def _import(door: Door, file: Path) -> tuple[float, dict[str, int]]:
    request = ImportRequest(name=file.name, path=str(file), apply=True, by="person:bench").model_dump(mode="json")

    def note(done: int, total: int, unit: str, text: str) -> None:
        if "-v" in sys.argv:
            print(f"{time.perf_counter() - began:6.1f} s {text} {done}/{total} {unit}", flush=True)

    began = time.perf_counter()
    report = asyncio.run(Importing(door, Shelf())(request, note))
    took = time.perf_counter() - began
    assert report["applied"], report["mistakes"][:3]
    return took, report["rights"]


@contextmanager
def _house(home: Path) -> Generator[Door]:
    keys = KeyPair.generate()
    services = open_services(
        Database(home / "db" / "rights.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=keys,
        ring=KeyRing({}),
        audit=AuditLog(home / "audit", keys, lambda: NOW),
    )
    try:
        yield server.build(services)
    finally:
        services.audit.close()
        services.database.close()


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
