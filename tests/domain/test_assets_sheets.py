"""Sidecar sheets: what is understood, what is told as a mistake, and that nothing in one can do harm."""

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_servers.assets.sheets.reading import read_sheet
from holdback_servers.assets.sheets.rows import COLUMNS, sheet_path
from holdback_servers.assets.sheets.template import template
from hypothesis import given
from hypothesis import strategies as st

DOCS = Path(__file__).parents[2] / "docs" / "assets.md"
_CELL = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["a.png", "../x.mov", "/etc/passwd", "=cmd()", "'=x", "#N/A", "still", "film:a", "EIDR 10.5240/x"]),
)


def test_a_sheet_of_several_pages_tells_shots_and_elements_too() -> None:
    from openpyxl import Workbook

    book = Workbook()
    main: Any = book.active
    main.title = "Assets"
    main.append(["File", "Title", "language"])
    main.append(["a.mov", "A", "en-gb"])
    log: Any = book.create_sheet("Log")
    log.append(["file", "in", "out", "description", "tags"])
    log.append(["a.mov", "10:00:00:00", "10:00:01:00", "A field", "red, wide"])
    log.append(["a.mov", "soon", "10:00:01:00", "A field", ""])
    elements: Any = book.create_sheet("Elements")
    elements.append(["file", "kind", "ref", "name", "in", "out"])
    elements.append(["a.mov", "music_master", "music:waltz", "Waltz", 0, 24])
    elements.append(["b.mov", "noise", "music:waltz", "Waltz", 0, 24])
    made = io.BytesIO()
    book.save(made)
    first, second = sorted(read_sheet(made.getvalue(), "assets.xlsx").rows, key=lambda row: row.file)
    assert first.fields == {"language": "en-GB"}
    assert [each.description for each in first.log] == ["A field"]
    assert first.elements[0].spans[0].out_frame == 24
    assert [each.place for each in first.mistakes] == ["assets.xlsx, Log!B3"]
    assert second.mistakes[0].message == "'noise' is no kind."


@given(st.lists(st.lists(_CELL, max_size=9), max_size=6), st.permutations([each.header for each in COLUMNS]))
def test_whatever_stands_in_a_sheet_each_line_is_understood_or_told_as_a_mistake(
    rows: list[list[str]], header: list[str]
) -> None:
    made = io.StringIO(newline="")
    csv.writer(made).writerows([header, *rows])
    try:
        read = read_sheet(made.getvalue().encode(), "assets.csv")
    except Problem:
        assert "\0" in made.getvalue()  # then it is no text
        return
    for row in read.rows:
        assert row.mistakes or sheet_path(row.file) == row.file
        assert all(each.hint and each.place.startswith("assets.csv, Assets!") for each in row.mistakes)
        assert not (row.title or "").startswith("=") or "'=" in made.getvalue()


def test_a_work_is_spelt_as_the_sheet_first_spells_it() -> None:
    read = read_sheet(b"file,work\na.mov,Meadow\nb.mov,meadow\nc.mov,MEADOW\nd.mov,Harbour\n", "assets.csv")
    assert [row.work for row in read.rows] == ["Meadow", "Meadow", "Meadow", "Harbour"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20).map(str.strip)))
def test_names_that_look_like_formulas_come_back_as_they_were(names: list[str]) -> None:
    named = (name for name in names if sheet_path(name) == name and not name.startswith("#"))
    files = tuple(dict.fromkeys(named))  # what begins with # may be the fault of a formula
    read = read_sheet(template("csv", files), "assets.csv")
    assert tuple(row.file for row in read.rows) == files
    assert not any(row.mistakes for row in read.rows)


@pytest.mark.parametrize(
    "given_path", ["../a.mov", "/a.mov", "a/../../b.mov", "C:/a.mov", "", "a\0.mov", "\\\\host\\a.mov"]
)
def test_no_sheet_names_a_file_out_of_its_folder(given_path: str) -> None:
    assert sheet_path(given_path) is None


def test_a_workbook_that_unpacks_to_far_more_than_it_is_stays_packed() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("xl/workbook.xml", b" " * (48 << 20))
    with pytest.raises(Problem) as caught:
        read_sheet(made.getvalue(), "assets.xlsx")
    assert caught.value.code == "TOO_LARGE"


def test_a_line_that_names_a_file_twice_is_told_and_the_first_counts() -> None:
    (row,) = read_sheet(b"file,title\na.png,One\n./a.png,Two\n", "assets.csv").rows
    assert row.title == "One"
    assert row.mistakes[0].place == "assets.csv, Assets!A3"


def test_the_page_tells_of_every_column() -> None:
    told = re.findall(r"^\| `([a-z]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == [each.header for each in COLUMNS]
