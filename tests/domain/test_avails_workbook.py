"""Avails as a spreadsheet: templates as they are in the world, and what is told of rows that are wrong."""

import io
import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_servers.rights.interchange import avails_workbook
from holdback_servers.rights.interchange.batch import Batch
from holdback_servers.rights.model import contract_on_record, right_on_record
from holdback_servers.rights.moments import Event, EventLag
from openpyxl import Workbook

DATA = Path(__file__).parent / "data" / "avails"
ROW: dict[str, Any] = {
    "DisplayName": "Meadow Films",
    "Territory": "DE, AT",
    "WorkType": "Movie",
    "EntryType": "Full Extract",
    "LicenseType": "SVOD",
    "FormatProfile": "HD",
    "Start": date(2026, 3, 1),
    "End": date(2026, 8, 31),
    "ContentID": "md:cid:org:meadow:river",
    "ALID": "md:alid:org:meadow:river",
    "AvailID": "A1",
}


def book(*sheets: list[list[Any]], names: tuple[str, ...] = ("Movies", "TV")) -> bytes:
    made = Workbook()
    made.remove(made.worksheets[0])
    for name, rows in zip(names, sheets, strict=False):
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


def sheet(*rows: dict[str, Any], header: list[str] | None = None) -> list[list[Any]]:
    names = header or list(dict.fromkeys(name for row in rows for name in row))
    groups = ["Avail" for _ in names]
    notes = [1.9, *("//Opt" for _ in names[1:])]
    return [groups, names, notes, *([row.get(name) for name in names] for row in rows)]


def read(*rows: dict[str, Any], zone: str = "UTC") -> Batch:
    return avails_workbook.read(book(sheet(*rows)), "a.xlsx", zone)


@pytest.mark.parametrize(("name", "rights"), [("Movies_v1.9.xlsx", 26), ("TV_v1.9.xlsx", 38)])
def test_the_samples_of_movielabs_come_in_without_a_mistake(name: str, rights: int) -> None:
    batch = avails_workbook.read((DATA / name).read_bytes(), name)
    assert (len(batch.rights), batch.mistakes) == (rights, ())
    contracts = {each.key: contract_on_record("ctr_1", each.terms) for each in batch.contracts}
    assert sorted(each.status for each in contracts.values()) == ["active", "pending"]
    for each in batch.rights:
        right_on_record("rgt_1", each.terms, contracts[each.contract])
    assert all("check character" in each.message or "kept" in each.message for each in batch.losses)


def test_a_pre_order_of_the_sample_ends_when_the_sell_through_begins() -> None:
    batch = avails_workbook.read((DATA / "Movies_v1.9.xlsx").read_bytes(), "Movies_v1.9.xlsx")
    waiting = {each.terms.ref for each in batch.rights if each.terms.end_event == EventLag(event="est_start")}
    ref = "film:10.5240-1489-49a2-3956-4b2d-fe16-a"
    assert waiting == {ref}
    assert batch.events == (Event(ref=ref, event="est_start", day=date(2013, 5, 14)),)


def test_days_are_days_of_the_zone_and_the_last_one_counts() -> None:
    batch = read(ROW, zone="America/New_York")
    terms = batch.rights[0].terms
    assert (terms.first_day, terms.last_day) == (date(2026, 3, 1), date(2026, 8, 31))
    assert terms.territories == ("AT", "DE")
    assert batch.contracts[0].terms.time_zone == "America/New_York"


@pytest.mark.parametrize(
    ("given", "terms"),
    [
        ({"Start": "2026-03-01"}, {"first_day": date(2026, 3, 1)}),
        ({"Start": "2026-03-01T00:00:00"}, {"first_day": date(2026, 3, 1)}),
        ({"Start": datetime(2026, 3, 1)}, {"first_day": date(2026, 3, 1)}),
        ({"End": "Open"}, {"last_day": None, "end": None}),
        ({"End": "open "}, {"last_day": None}),
        ({"End": "2026-08-31T23:59:59"}, {"last_day": date(2026, 8, 31)}),
        ({"End": "Broadcast", "EndLag": "-P5DT10H"}, {"end_event": EventLag(event="broadcast", lag="-P5DT10H")}),
        ({"Start": "Immediate"}, {"first_day": date(1900, 1, 1)}),
        ({"WindowDuration": "P180D"}, {"window_max_days": 180}),
        ({"WindowDuration": "P6M"}, {"window_max_days": 181}),
        ({"Territory": "WORLD", "TerritoryExclusion": "US; CA"}, {"excluded_territories": ("CA", "US")}),
        ({"Territory": None, "TerritoryExclusion": "US"}, {"territories": ("WORLD",)}),
        ({"AllowedLanguages": "es:subdub, fr"}, {"languages": ("dub:es", "fr", "subtitle:es")}),
        ({"Exclusive": 1}, {"exclusive": True}),
        ({"Exclusive": "F"}, {"exclusive": False}),
        ({"AltID": "film:river"}, {"ref": "film:river"}),
        ({"WorkType": "Volume", "VolumeContentID": "md:cid:org:meadow:v1"}, {"ref": "volume:org-meadow-v1"}),
        ({"LicenseType": "Library"}, {"media": ("vod.svod",), "licence_type": "Library"}),
    ],
)
def test_a_cell_means(given: dict[str, Any], terms: dict[str, Any]) -> None:
    batch = read(ROW | {"StartLag": None, **given})
    assert not batch.mistakes
    assert {name: getattr(batch.rights[0].terms, name) for name in terms} == terms


def test_columns_may_stand_in_any_order_be_spelled_freely_and_be_more_than_known() -> None:
    header = [*reversed(ROW), "Colour of the cat"]
    rows = sheet({**ROW, "Colour of the cat": "black"}, header=header)
    rows[1] = ["AvailTrans/" + name if name == "Start" else name.upper().replace("ID", " id") for name in header]
    batch = avails_workbook.read(book(rows), "a.xlsx")
    assert batch.rights[0].terms == read(ROW).rights[0].terms
    assert any("COLOUR OF THE CAT" in each.message for each in batch.losses)


def test_empty_rows_and_comments_are_left_out() -> None:
    rows = sheet(ROW, {}, {"DisplayName": "// nothing"}, ROW | {"AvailID": "A2"})
    assert [each.place for each in avails_workbook.read(book(rows), "a.xlsx").rights] == ["Movies!4", "Movies!7"]


def test_several_sheets_are_read_and_one_without_a_header_is_told() -> None:
    batch = avails_workbook.read(
        book(sheet(ROW), sheet(ROW | {"AvailID": "B"}), [["Instructions"]], names=("Movies", "TV", "Help")), "a.xlsx"
    )
    assert len(batch.rights) == 2
    assert [each.place for each in batch.losses if "not read" in each.message] == ["Help"]


def test_numeric_contract_ids_are_text_and_each_has_its_contract() -> None:
    batch = read(ROW | {"ContractID": 16623}, ROW | {"ContractID": "16724", "AvailID": "A2"})
    assert [each.key for each in batch.contracts] == [
        "avails:meadow-films:contract:16623",
        "avails:meadow-films:contract:16724",
    ]


def test_a_price_with_a_currency_is_carried_in_minor_units() -> None:
    carried = dict(read(ROW | {"PriceType": "WSP", "PriceValue": 7.99, "PriceCurrency": "USD"}).rights[0].terms.carried)
    assert (carried["PriceType"], carried["PriceValue"], "PriceCurrency" in carried) == ("WSP", "USD 799", False)


def test_without_an_avail_id_the_key_hangs_on_what_tells_rows_apart() -> None:
    bare = {name: value for name, value in ROW.items() if name != "AvailID"}
    batch = read(bare, bare | {"FormatProfile": "SD"}, bare | {"Territory": "CH"})
    assert len({each.key for each in batch.rights}) == 3
    assert not batch.mistakes
    later = read(bare | {"End": date(2027, 8, 31), "Start": "2026-03-01T00:00:00"})
    assert later.rights[0].key == batch.rights[0].key


def test_an_end_that_is_immediate_takes_the_right_back() -> None:
    batch = read(ROW | {"EntryType": "Update", "End": "Immediate"})
    assert batch.rights == ()
    assert [key for key, _ in batch.withdraws] == [read(ROW).rights[0].key]


def test_an_update_that_names_no_held_back_language_ends_the_holdback_it_had() -> None:
    batch = read(ROW | {"EntryType": "Update"})
    assert batch.replaces == (batch.rights[0].key + "|held",)


@pytest.mark.parametrize(
    ("given", "place", "words"),
    [
        ({"LicenseType": None}, "Movies!E4 (LicenseType)", "empty"),
        ({"LicenseType": "RENT"}, "Movies!E4 (LicenseType)", "not known"),
        ({"Territory": None}, "Movies!B4 (Territory)", "empty"),
        ({"Territory": "DE, UK"}, "Movies!B4 (Territory)", "'UK'"),
        ({"Start": None}, "Movies!G4 (Start)", "empty"),
        ({"Start": "2026-02-30"}, "Movies!G4 (Start)", "does not exist"),
        ({"Start": "01/03/2026"}, "Movies!G4 (Start)", "not a date"),
        ({"Start": 46082}, "Movies!G4 (Start)", "not a date"),
        ({"End": date(2026, 1, 1)}, "Movies!H4 (End)", "not after its start"),
        ({"End": None}, "Movies!H4 (End)", "empty"),
        ({"End": "Opne"}, "Movies!H4 (End)", "nor a known condition"),
        ({"End": "#N/A"}, "Movies!H4 (End)", "nor a known condition"),
        ({"End": "Open", "EndLag": "P1D"}, "Movies!L4 (EndLag)", "no event"),
        ({"End": "Theatrical", "EndLag": "90"}, "Movies!L4 (EndLag)", "not a duration"),
        ({"EntryType": "Replace"}, "Movies!D4 (EntryType)", "not known"),
        ({"DisplayName": None}, "Movies!A4 (DisplayName)", "empty"),
        ({"WorkType": None}, "Movies!C4 (WorkType)", "empty"),
        ({"LicenseType": "POEST"}, "Movies!4 (SuppressionLiftDate)", "exactly one"),
        ({"Exclusive": "perhaps"}, "Movies!L4 (Exclusive)", "neither yes nor no"),
        ({"AllowedLanguages": "de:spoken"}, "Movies!L4 (AllowedLanguages)", "use 'spoken'"),
        ({"ContractStatus": "dormant"}, "Movies!L4 (ContractStatus)", "not known"),
        ({"WindowDuration": "long"}, "Movies!L4 (WindowDuration)", "not a duration"),
        ({"Territory": "EU", "Start": "Immediate"}, "Movies!G4 (Start)", "group"),
        ({"AllowedLanguages": "de" + "-abcde" * 60}, "Movies!L4 (AllowedLanguages)", "too long"),
        ({"WorkType": "x" * 300}, "Movies!C4 (WorkType)", "WorkType is"),
        ({"TerritoryExclusions": "AT"}, "Movies!L2", "may limit rights"),
        ({"Excluded Territories": "AT"}, "Movies!L2", "may limit rights"),
        ({"Contract Statuss": "Pending"}, "Movies!L2", "may limit rights"),
        ({"HoldbackLanguage": "any"}, "Movies!L4 (HoldbackLanguage)", "no language"),
        ({"ContentID": None, "ALID": None}, "Movies!I4 (ContentID)", "neither ContentID nor ALID"),
    ],
)
def test_a_mistake_names_the_cell_and_the_cure(given: dict[str, Any], place: str, words: str) -> None:
    mistakes = read(ROW | given).mistakes
    assert [each.place for each in mistakes] == [place]
    assert words in mistakes[0].message
    assert mistakes[0].hint


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Start": datetime(2026, 3, 29, 2, 30)}, "does not exist in Europe/Berlin"),
        ({"End": "2026-10-25T02:30:00"}, "comes twice in Europe/Berlin"),
        ({"End": "2026-10-25T02:30:00.5"}, "comes twice in Europe/Berlin"),
    ],
)
def test_a_time_that_clocks_skip_or_show_twice_is_a_mistake(given: dict[str, Any], words: str) -> None:
    (mistake,) = read(ROW | given, zone="Europe/Berlin").mistakes
    assert words in mistake.message
    assert mistake.hint.startswith("Write it in UTC: 2026-")
    assert read(ROW | given, zone="UTC").mistakes == ()


@pytest.mark.parametrize("name", ["Status", "DealStatus", "Deal Status"])
def test_a_status_of_the_deal_is_that_of_the_contract(name: str) -> None:
    (contract,) = read(ROW | {name: "Pending"}).contracts
    assert contract.terms.status == "pending"
    (mistake,) = read(ROW | {name: "Perhaps"}).mistakes
    assert mistake.place == "Movies!L4 (ContractStatus)"
    both = read(ROW | {"ContractStatus": "Active", name: "Pending"})
    assert "stands twice" in both.mistakes[0].message


def test_one_row_tells_all_that_is_wrong_with_it_and_the_others_are_read() -> None:
    batch = read(ROW | {"LicenseType": "X", "Territory": "QQ", "End": "X", "EntryType": "X"}, ROW | {"AvailID": "A2"})
    assert sorted(each.place for each in batch.mistakes) == [
        "Movies!B4 (Territory)", "Movies!D4 (EntryType)", "Movies!E4 (LicenseType)", "Movies!H4 (End)",
    ]  # fmt: skip
    assert len(batch.rights) == 1


def test_the_same_id_with_other_terms_is_a_mistake_and_a_repeated_row_a_loss() -> None:
    batch = read(ROW, ROW | {"Territory": "CH"}, ROW)
    assert "says something else (territories)" in batch.mistakes[0].message
    assert any("the same as Movies!4" in each.message for each in batch.losses)


def test_a_column_that_must_be_there_is_named_once() -> None:
    rows = sheet({name: value for name, value in ROW.items() if name != "LicenseType"}, ROW | {"AvailID": "A2"})
    for row in rows:
        del row[4]
    lacking = avails_workbook.read(book(rows), "a.xlsx").mistakes
    assert len(lacking) == 1


def test_a_workbook_without_any_avails_sheet_is_a_mistake() -> None:
    batch = avails_workbook.read(book([["Film", "Price"], ["River", 3]]), "a.xlsx")
    assert "No sheet of a.xlsx (Movies)" in batch.mistakes[0].message


def test_a_sheet_that_claims_whole_rows_as_its_range_is_read() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(sheet(ROW)))) as old, zipfile.ZipFile(made, "w") as new:
        for each in old.infolist():
            content = re.sub(rb'dimension ref="[^"]*"', b'dimension ref="1:65536"', old.read(each))
            new.writestr(each.filename, content)
    assert len(avails_workbook.read(made.getvalue(), "a.xlsx").rights) == 1


def test_a_file_that_is_no_workbook_is_refused() -> None:
    with pytest.raises(Problem) as problem:
        avails_workbook.read(b"PK\x03\x04 broken", "a.xlsx")
    assert problem.value.code == "INVALID_ARGUMENT"


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Problem):
        read(ROW, zone="Mars/Olympus")
