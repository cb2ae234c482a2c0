"""Avails out: valid against the schema, the same bytes again, and honest about what Avails cannot say."""

import base64
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from holdback_servers.rights.interchange import avails_workbook, avails_writing, avails_xml
from holdback_servers.rights.interchange.batch import Batch
from holdback_servers.rights.model import (
    Condition,
    Contract,
    ContractTerms,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
)
from holdback_servers.rights.moments import EventLag
from openpyxl import load_workbook

DATA = Path(__file__).parent / "data" / "avails"
CONTRACT = contract_on_record("ctr_1", ContractTerms(counterparty="Meadow Films", direction="in", status="active"))


def on_record(batch: Batch) -> list[tuple[Right, Contract]]:
    contracts = {each.key: contract_on_record(f"ctr_{each.key}", each.terms, each.key) for each in batch.contracts}
    return [
        (right_on_record(f"rgt_{n}", each.terms, contracts[each.contract], each.key), contracts[each.contract])
        for n, each in enumerate(batch.rights)
    ]


def right(number: int = 1, contract: Contract = CONTRACT, **terms: Any) -> tuple[Right, Contract]:
    shape: dict[str, Any] = {
        "ref": "film:river",
        "kind": "grant",
        "media": ("vod.svod",),
        "territories": ("DE",),
        "first_day": date(2026, 3, 1),
    }
    return right_on_record(f"rgt_{number}", RightTerms(**shape | terms), contract), contract


def from_xml(rights: Iterable[tuple[Right, Contract]]) -> Batch:
    return avails_xml.read(avails_writing.write_xml(list(rights)).content.encode(), "out.xml")


def from_workbook(rights: Iterable[tuple[Right, Contract]]) -> Batch:
    return avails_workbook.read(base64.b64decode(avails_writing.write_workbook(list(rights)).content), "out.xlsx")


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(DATA / "xsd" / "avails-v2.7.xsd", allow="local")


@pytest.mark.parametrize("name", ["Avails_noErrors_v2.4.xml", "Movies_v1.9.xlsx", "TV_v1.9.xlsx"])
def test_what_came_from_avails_goes_out_and_comes_in_the_same(name: str, schema: xmlschema.XMLSchema) -> None:
    xml = name.endswith("xml")
    batch = (avails_xml if xml else avails_workbook).read((DATA / name).read_bytes(), name)
    kept = on_record(batch)
    again = from_xml(kept) if xml else from_workbook(kept)
    assert again.mistakes == ()
    assert {each.key: each.terms for each in again.rights} == {each.key: each.terms for each in batch.rights}
    assert {each.key: each.terms for each in again.contracts} == {each.key: each.terms for each in batch.contracts}
    assert schema.is_valid(avails_writing.write_xml(kept).content)


def test_all_that_decides_survives_the_way_through_the_other_form() -> None:
    batch = avails_workbook.read((DATA / "TV_v1.9.xlsx").read_bytes(), "TV_v1.9.xlsx")
    across = from_xml(on_record(batch))
    plain = {"carried": ()}
    assert {each.key: each.terms.model_copy(update=plain) for each in across.rights} == {
        each.key: each.terms.model_copy(update=plain) for each in batch.rights
    }


def test_what_people_recorded_themselves_is_valid_too_and_comes_back(schema: xmlschema.XMLSchema) -> None:
    rights = [
        right(1, territories=("WORLD",), excluded_territories=("US-CA", "XK"), exclusive=True),
        right(2, ref="episode:one", languages=("audio:de", "fr", "dub:es", "subtitle:es"), window_max_days=30),
        right(3, ref="season:s1", last_day=date(2026, 9, 1)),
        right(4, first_day=None, start=datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        right(5, first_day=None, start_event=EventLag(event="premiere", lag="P3M"), media=("vod.tvod",)),
        right(6, ref="series:the-river", end=datetime(2026, 4, 1, 23, 59, 59, tzinfo=UTC)),
    ]
    assert schema.is_valid(avails_writing.write_xml(rights).content)
    beside = {"carried": (), "clause": "", "source": "", "licence_type": None}
    want = {one.ref + str(one.id): one for one, _ in rights}
    for batch in (from_xml(rights), from_workbook(rights)):
        assert batch.mistakes == ()
        got = [each.terms.model_copy(update=beside) for each in batch.rights]
        back = [right_on_record("rgt_1", each, CONTRACT) for each in got]
        assert sorted(each.model_dump_json() for each in back) == sorted(
            each.model_copy(update={"id": "rgt_1"}).model_dump_json() for each in want.values()
        )


def test_the_same_rights_give_the_same_bytes_in_whatever_order() -> None:
    kept = on_record(avails_xml.read((DATA / "Avails_noErrors_v2.4.xml").read_bytes(), "a"))
    for write in (avails_writing.write_xml, avails_writing.write_workbook):
        assert write(kept) == write(list(reversed(kept)))


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"purposes": ("promotion",)}, "only for promotion"),
        ({"media": ("social.youtube",)}, "social.youtube"),
        ({"kind": "holdback"}, "holdback"),
        ({"kind": "blackout"}, "blackout"),
        ({"kind": "embargo"}, "embargo"),
        ({"ref": "music:meadow"}, "music:meadow"),
        ({"element_kinds": ("music_master",)}, "music_master"),
    ],
)
def test_a_right_that_avails_would_widen_or_cannot_say_is_left_out_and_told(terms: dict[str, Any], words: str) -> None:
    for write in (avails_writing.write_xml, avails_writing.write_workbook):
        made = write([right(**terms), right(2)])
        assert made.rights == 1
        assert [each.place for each in made.losses] == ["rgt_1"]
        assert words in made.losses[0].message


def test_limits_and_conditions_go_into_words_and_are_told() -> None:
    limited = right(
        max_runs=3, max_duration_seconds=30, derivative_allowed=False, conditions=(Condition(type="credit", text="Me"),)
    )
    made = avails_writing.write_xml([limited])
    assert made.rights == 1
    for words in ("at most 3 runs", "at most 30 seconds", "may not be cut", "condition: credit (Me)"):
        assert words in made.content
        assert words in made.losses[0].message


def test_a_right_for_all_video_on_demand_is_one_transaction_for_each_licence_type() -> None:
    made = avails_writing.write_xml([right(media=("vod",))])
    assert made.content.count("<avails:Transaction ") == 4
    assert "LicenseType for vod" in made.losses[0].message
    assert from_xml([right(media=("vod",))]).mistakes == ()


def test_a_group_is_written_as_its_members_and_told() -> None:
    made = avails_writing.write_xml([right(territories=("EU",))])
    assert "<md:country>GB" not in made.content
    assert made.content.count("<md:country>") == 27
    assert "EU" in made.losses[0].message


def test_days_of_a_zone_are_told_because_avails_name_none() -> None:
    contract = CONTRACT.model_copy(update={"time_zone": "Asia/Tokyo"})
    assert [each.place for each in avails_writing.write_xml([right(contract=contract)]).losses] == ["Asia/Tokyo"]


def test_what_is_licensed_out_needs_the_name_of_the_licensor() -> None:
    out = contract_on_record("ctr_2", ContractTerms(counterparty="Channel 9", direction="out", status="active"))
    sold = right(contract=out, kind="licence_out")
    assert avails_writing.write_xml([sold]).rights == 0
    named = avails_writing.write_xml([sold], licensor="Meadow Films").content
    assert "Meadow Films" in named
    assert "Channel 9" in named


def test_a_contract_that_is_not_active_is_told_to_the_receiver() -> None:
    pending = CONTRACT.model_copy(update={"status": "pending"})
    for batch in (from_xml([right(contract=pending)]), from_workbook([right(contract=pending)])):
        assert batch.contracts[0].terms.status == "pending"


def test_a_held_back_language_goes_back_into_its_transaction() -> None:
    row = (
        (DATA / "Avails_noErrors_v2.4.xml")
        .read_text()
        .replace(
            "<avails:AssetLanguage>EN</avails:AssetLanguage>",
            '<avails:AssetLanguage>EN</avails:AssetLanguage><avails:HoldbackLanguage asset="subdub">ru'
            "</avails:HoldbackLanguage>",
            1,
        )
    )
    batch = avails_xml.read(row.encode(), "a.xml")
    assert sum(each.terms.kind == "holdback" for each in batch.rights) == 1
    made = avails_writing.write_xml(on_record(batch))
    assert (made.rights, made.losses) == (25, ())
    assert {each.key: each.terms for each in from_xml(on_record(batch)).rights} == {
        each.key: each.terms for each in batch.rights
    }


def test_text_that_begins_like_a_formula_stays_text_and_control_signs_do_no_harm() -> None:
    sly = right(carried=(("ALID", "a"), ("TitleInternalAlias", "=1+1\x07"), ("WorkType", "Movie")))
    made = avails_writing.write_workbook([sly])
    sheet = load_workbook(io.BytesIO(base64.b64decode(made.content))).worksheets[0]
    names = [each.value for each in sheet[2]]
    cell = sheet[4][names.index("TitleInternalAlias")]
    assert (cell.data_type, cell.value) == ("s", "=1+1 ")
    assert from_xml([sly]).mistakes == ()


def test_the_workbook_has_the_three_header_rows_of_template_1_9() -> None:
    made = avails_writing.write_workbook([right()])
    rows = list(load_workbook(io.BytesIO(base64.b64decode(made.content))).worksheets[0].iter_rows(values_only=True))
    assert rows[0][:2] == ("Avail", "AvailTrans")
    assert "LicenseType" in rows[1]
    assert (rows[2][0], "//REQ" in rows[2]) == (1.9, True)
    assert len(rows) == 4
