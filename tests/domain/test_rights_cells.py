"""Workbooks and CSV files become plain cells; what cannot be read is refused with the cure."""

import io
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_servers.workbooks.cells import MAX_FILE_BYTES, cell_name, read_workbook
from openpyxl import Workbook


def workbook(cells: dict[str, Any], title: str = "Rights") -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for place, value in cells.items():
        sheet[place] = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def changed(data: bytes, part: str, old: bytes, new: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            content = given.read(name)
            made.writestr(name, content.replace(old, new) if name == part else content)
    return file.getvalue()


def refused(data: bytes, name: str = "deal.xlsx") -> Problem:
    with pytest.raises(Problem) as refusal:
        read_workbook(data, name)
    assert refusal.value.hint
    return refusal.value


@pytest.mark.parametrize(
    ("row", "column", "name"), [(6, 2, "C7"), (0, 25, "Z1"), (0, 26, "AA1"), (1048575, 16383, "XFD1048576")]
)
def test_a_cell_is_named_as_in_a_spreadsheet(row: int, column: int, name: str) -> None:
    assert cell_name(row, column) == name


def test_cells_keep_their_places_and_kinds() -> None:
    moment = datetime(2026, 11, 24, 19, 30)
    given = {"B3": "x", "C3": 5, "D3": 5.5, "E3": date(2026, 11, 24), "F3": moment, "G3": timedelta(minutes=3)}
    (sheet,) = read_workbook(workbook({**given, "H3": True, "I3": timedelta(hours=30)}), "deal.xlsx")
    assert sheet.name == "Rights"
    assert sheet.rows[2] == [None, "x", 5, 5.5, date(2026, 11, 24), moment, time(0, 3), True, "1 day, 6:00:00"]
    assert [type(each) for each in sheet.rows[2][2:5]] == [int, float, date]


def test_a_formula_without_a_value_is_shown_and_never_an_empty_cell() -> None:
    (sheet,) = read_workbook(workbook({"A1": "Until", "A2": "=B2+90", "B2": "x"}), "deal.xlsx")
    assert sheet.rows[1] == ["=B2+90", "x"]


def test_a_formula_that_failed_is_shown_and_never_an_empty_cell() -> None:
    data = workbook({"A1": "Until", "A2": "#N/A", "A9": "#REF!"})
    (sheet,) = read_workbook(data, "deal.xlsx")
    assert sheet.rows[1] == ["#N/A"]
    assert sheet.rows[8] == ["#REF!"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_is_read_in_common_encodings_and_separators(encoding: str, separator: str) -> None:
    text = separator.join(["What", "Where"]) + "\r\n" + separator.join(["film:a", '"é;,\t""x"""']) + "\r\n,\r\n"
    (sheet,) = read_workbook(text.encode(encoding), "deal.csv")
    assert sheet.rows[:2] == [["What", "Where"], ["film:a", 'é;,\t"x"']]
    assert sheet.remarks == ()


def test_csv_of_an_older_windows_program_is_read_and_told() -> None:
    (sheet,) = read_workbook("What,Note\nfilm:a,Müller\n".encode("cp1252"), "deal.csv")
    assert sheet.rows[1][1] == "Müller"
    assert "Windows-1252" in sheet.remarks[0].message


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 and then nothing", "damaged"),
        (b"\x00\x01\x02\x03", "neither"),
        (b"<?xml version='1.0'?><a/>", "neither"),
        (b'a,"b\n', "line"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "97 to 2003"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
    ],
)
def test_what_is_no_workbook_is_refused_with_the_cure(data: bytes, says: str) -> None:
    assert says in refused(data).message


def test_another_kind_of_zip_is_named() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as pack:
        pack.writestr("word/document.xml", "<x/>")
    assert "Word" in refused(file.getvalue()).message


def test_every_cut_of_a_workbook_is_refused_or_read_and_never_anything_else() -> None:
    data = workbook({"A1": "What", "A2": "film:a"})
    for length in range(0, len(data), 97):
        refused(data[:length])


def test_a_file_over_the_limit_is_refused() -> None:
    assert refused(b"x" * (MAX_FILE_BYTES + 1)).code == "TOO_LARGE"


def test_two_cells_far_apart_do_not_make_a_billion() -> None:
    problem = refused(workbook({"A1": "What", "XFD1048576": "stray"}))
    assert problem.code == "TOO_LARGE"
    assert "stray cells" in problem.hint


def test_a_zip_that_unpacks_to_far_more_than_it_has_is_refused() -> None:
    data = changed(
        workbook({"A1": "What"}), "xl/worksheets/sheet1.xml", b"<sheetData>", b"<sheetData>" + b" " * (40 << 20)
    )
    assert refused(data).code == "TOO_LARGE"


def test_a_cell_longer_than_a_spreadsheet_allows_is_refused() -> None:
    assert refused(b"What\n" + b"x" * 40_000 + b"\n", "deal.csv").code == "TOO_LARGE"
    data = changed(workbook({"A1": "What"}), "xl/worksheets/sheet1.xml", b"What", b"W" * 40_000)
    assert refused(data).code == "TOO_LARGE"


def test_entities_in_a_workbook_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet'
    data = changed(workbook({"A1": "What"}), "xl/worksheets/sheet1.xml", b"<worksheet", bomb)
    data = changed(data, "xl/worksheets/sheet1.xml", b"What", b"&b;")
    try:
        (sheet,) = read_workbook(data, "deal.xlsx")
    except Problem:
        return
    assert "aaaaaaaaaa" not in str(sheet.rows)
