"""The plain rights sheet: what people write becomes rights, and every mistake is told at its cell with its cure."""

import base64
import io
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from holdback_base.elements import Box
from holdback_base.problem import Problem
from holdback_servers.rights.interchange import sheet, sheet_writing
from holdback_servers.rights.interchange.batch import Batch, Exported
from holdback_servers.rights.interchange.sheet_columns import ELEMENTS, RIGHTS
from holdback_servers.rights.interchange.sheet_conditions import read_conditions, write_conditions
from holdback_servers.rights.interchange.sheet_elements import read_elements
from holdback_servers.rights.model import (
    Condition,
    Contract,
    Reruns,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
)
from holdback_servers.rights.moments import EventLag
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

BASICS = {
    "Reference": "film:a",
    "From whom": "Northern Film",
    "Contract": "NF-1",
    "Contract status": "active",
    "Where": "GB",
    "Platforms": "web",
    "From": "2026-11-24",
}


def csv(*lines: dict[str, str]) -> bytes:
    headers = list({name: None for line in lines for name in line})
    rows = [headers, *([line.get(name, "") for name in headers] for line in lines)]
    quoted = (",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    return "\r\n".join(quoted).encode()


def workbook(title: str, rows: list[list[Any]]) -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = title
    for row in rows:
        page.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read(*lines: dict[str, str], time_zone: str = "UTC") -> Batch:
    return sheet.read(csv(*lines), "deal.csv", time_zone)


def terms(**cells: str) -> RightTerms:
    batch = read(BASICS | {name.replace("_", " "): value for name, value in cells.items()})
    assert batch.mistakes == ()
    return batch.rights[0].terms


def mistakes(*lines: dict[str, str]) -> list[str]:
    return [f"{each.place}: {each.message} {each.hint}" for each in read(*lines).mistakes]


def test_one_line_with_blanks_is_a_grant_of_an_active_contract() -> None:
    batch = read(BASICS)
    assert batch.mistakes == batch.losses == ()
    contract, right = batch.contracts[0], batch.rights[0]
    assert contract.terms.model_dump(exclude={"note"}) == {
        "counterparty": "Northern Film",
        "direction": "in",
        "status": "active",
        "title": "NF-1",
        "time_zone": "UTC",
    }
    assert right.contract == contract.key
    assert right.key.startswith(contract.key + "/")
    assert batch.replaces == (contract.key + "/",)
    assert right.terms == RightTerms(
        ref="film:a", kind="grant", media=("web",), territories=("GB",), first_day=date(2026, 11, 24)
    )


def test_headers_come_in_any_order_case_and_with_friendly_names() -> None:
    other = {
        "countries": "GB",
        "LICENSOR": "Northern Film",
        "ref": "film:a",
        "contract_status ": "Active",
        "Agreement": "NF-1",
        "start date": "2026-11-24",
        "media": "web",
    }
    assert read(other).rights[0].terms == read(BASICS).rights[0].terms


def test_every_column_says_its_field() -> None:
    found = terms(
        Element="film, music recording",
        Where="WORLD except CN; RU",
        Except="US",
        Platforms="YouTube, vod.svod",
        Until="2026-12-24",
        Languages="de, subtitle:EN-gb",
        Purposes="promotion only",
        Exclusive="Yes",
        May_be_cut="no",
        Max_seconds="0:01:30",
        Max_percent="10%",
        Length_of_the_work="1:35:00",
        Max_runs="3",
        Reruns="2 within 2 days",
        Max_days_up="30",
        Conditions="credit for 3 s: (c) Northern; blur of logo:acme",
        Clause="4.2",
        Note="talks",
        Title="Night Train",
    )
    assert found == RightTerms(
        ref="film:a",
        kind="grant",
        element_kinds=("programme", "music_master"),
        media=("social.youtube", "vod.svod"),
        territories=("WORLD",),
        excluded_territories=("CN", "RU", "US"),
        first_day=date(2026, 11, 24),
        last_day=date(2026, 12, 24),
        languages=("de", "subtitle:en-GB"),
        purposes=("promotion",),
        exclusive=True,
        derivative_allowed=False,
        max_duration_seconds=90,
        max_excerpt_percent=10,
        work_seconds=5700,
        max_runs=3,
        reruns=Reruns(repeats=2, hours=48),
        window_max_days=30,
        conditions=(
            Condition(type="credit", text="(c) Northern", min_seconds=3),
            Condition(type="blur", ref="logo:acme"),
        ),
        clause="4.2",
        carried=(("Title", "Night Train"), ("Note", "talks")),
    )


def test_a_reference_is_made_of_element_and_title() -> None:
    assert terms(Reference="", Element="film", Title="Night Train").ref == "film:night-train"
    assert terms(Reference="", Element="music publishing", Title="Slow Waltz").ref == "music:slow-waltz"


def test_what_takes_away_speaks_everywhere_unless_it_says_where() -> None:
    found = terms(Kind="blackout", Where="", Platforms="", From="")
    assert (found.territories, found.media, found.first_day) == (("WORLD",), ("all",), None)


@pytest.mark.parametrize("blank", ["Where", "Platforms", "From", "Contract status", "From whom"])
def test_what_must_not_be_guessed_is_asked_for(blank: str) -> None:
    (told,) = mistakes(BASICS | {blank: "", "Clause": "4"})
    assert f"({blank})" in told


def test_a_licence_out_is_of_a_contract_out() -> None:
    assert read(BASICS | {"Kind": "licence out"}).contracts[0].terms.direction == "out"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("2026-11-24T19:00Z", "start", datetime(2026, 11, 24, 19, tzinfo=UTC)),
        ("2026-11-24 19:00", "start", datetime(2026, 11, 24, 18, tzinfo=UTC)),
        ("2026-11-24 19:00:30 +02:00", "start", datetime(2026, 11, 24, 17, 0, 30, tzinfo=UTC)),
        ("90 days after theatrical", "start_event", EventLag(event="theatrical", lag="P90D")),
        ("3 months before Broadcast", "start_event", EventLag(event="broadcast", lag="-P3M")),
        ("event announced", "start_event", EventLag(event="announced")),
        ("theatrical PT12H", "start_event", EventLag(event="theatrical", lag="PT12H")),
    ],
)
def test_moments_are_written_in_the_zone_in_utc_or_after_an_event(text: str, field: str, value: object) -> None:
    batch = read(BASICS | {"From": text, "Time zone": "Europe/Berlin"})
    assert batch.mistakes == ()
    assert getattr(batch.rights[0].terms, field) == value


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        ("Where", "UK", "Did you mean GB?"),
        ("Where", "Germany", "Did you mean DE?"),
        ("Where", "WORLD except CN except HK", "Say it once: WORLD except CN, HK"),
        ("Platforms", "facetube", "media tree"),
        ("From", "03/04/2026", "two different days"),
        ("From", "24/12/2026", "year first"),
        ("From", "2026-02-30", "no day"),
        ("From", "TBD", "not a day"),
        ("From", "=B2+90", "formula"),
        ("From", "2026-03-29 02:30", "does not exist"),
        ("From", "2026-10-25 02:30", "comes twice"),
        ("Until", "2026-11-25 26:00", "no time"),
        ("Languages", "German", "Did you mean de?"),
        ("Purposes", "fun", "editorial"),
        ("Exclusive", "maybe", "yes or no"),
        ("Max seconds", "90.5", "Round it down"),
        ("Max seconds", "00:01:30:12", "frame"),
        ("Max runs", "many", "number"),
        ("Max percent", "120", "less than or equal"),
        ("Max percent", "0.5", "Write 50, or the text 50%"),
        ("Max percent", ".07", "Write 7, or the text 7%"),
        ("Max percent", "0.5%", "whole number"),
        ("Reruns", "often", "2 within 48 hours"),
        ("Conditions", "sing", "not a condition"),
        ("Conditions", "credit", "no words"),
        ("Reference", "Night Train", "Did you mean film:night-train?"),
        ("Element", "smell", "film"),
        ("Kind", "gift", "grant"),
        ("Contract status", "perhaps", "active"),
        ("Time zone", "Berlin", "Europe/Berlin"),
        ("Licence type", "XVOD", "SVOD"),
        ("Reference", "film:" + "a" * 300, "200"),
    ],
)
def test_every_wrong_cell_is_named_with_its_cure(column: str, text: str, says: str) -> None:
    told = mistakes({**BASICS, "Time zone": "Europe/Berlin", column: text})
    assert len(told) == 1, told
    assert told[0].startswith("Rights!")
    assert f"2 ({column})" in told[0]
    assert says in told[0]


def test_all_mistakes_are_told_in_one_go() -> None:
    told = mistakes(
        BASICS | {"Where": "UK", "Platforms": "facetube"}, BASICS | {"From": "soon"}, BASICS | {"Contract": "B"}
    )
    assert [each.split(" ")[0] for each in told] == ["Rights!E2", "Rights!F2", "Rights!G3"]


def test_a_contract_said_in_two_ways_is_a_mistake_that_names_both_cells() -> None:
    (told,) = mistakes(BASICS, BASICS | {"Reference": "film:b", "Contract status": "draft"})
    assert "Rights!D3 (Contract status)" in told
    assert "Rights!D2 (Contract status)" in told


def test_a_fact_of_a_contract_may_stand_on_any_of_its_lines() -> None:
    batch = read(
        BASICS | {"Contract status": "", "From whom": ""},
        {**BASICS, "Reference": "film:b", "Time zone": "Europe/Berlin", "Contract": " nf-1 "},
    )
    assert batch.mistakes == ()
    (contract,) = batch.contracts
    assert (contract.terms.status, contract.terms.time_zone) == ("active", "Europe/Berlin")


def test_the_same_line_name_with_other_terms_is_a_mistake() -> None:
    (told,) = mistakes(BASICS | {"Line": "7"}, BASICS | {"Line": "7", "Where": "IE"})
    assert "Rights!H3 (Line)" in told
    assert "Rights!A2" in told


def test_the_same_line_twice_counts_once_and_is_told() -> None:
    batch = read(BASICS, BASICS)
    assert len(batch.rights) == 1
    assert "counts once" in batch.losses[0].message


def test_a_line_that_changes_keeps_its_key() -> None:
    before, after = read(BASICS, BASICS | {"Where": "IE"}), read(BASICS, BASICS | {"Where": "FR"})
    assert [each.key for each in before.rights] == [each.key for each in after.rights]
    named, changed = read(BASICS | {"Line": "7"}), read(BASICS | {"Line": "7", "Reference": "film:b"})
    assert named.rights[0].key == changed.rights[0].key


def test_no_contract_name_is_the_beginning_of_another() -> None:
    batch = read(BASICS | {"Contract": "A"}, BASICS | {"Contract": "A/grant"})
    first, second = batch.rights
    assert not second.key.startswith(batch.replaces[0])
    assert first.key.startswith(batch.replaces[0])


def test_a_column_that_nearly_has_a_known_name_is_a_mistake_and_another_is_told() -> None:
    batch = read(BASICS | {"Exept": "US", "Our shelf": "12"})
    assert "Did you mean Except?" in batch.mistakes[0].hint
    assert "Our shelf" in batch.losses[0].message


def test_an_example_line_is_left_out_and_told() -> None:
    batch = read(BASICS | {"Reference": "EXAMPLE film:x", "Where": "nowhere"}, BASICS)
    assert batch.mistakes == ()
    assert [each.terms.ref for each in batch.rights] == ["film:a"]
    assert "example" in batch.losses[0].message


def test_excel_days_and_times_are_read_as_they_are_shown() -> None:
    headers = [*BASICS, "Until", "Max percent", "Length of the work", "Exclusive"]
    row = [*list(BASICS.values())[:-1], date(2026, 11, 24), datetime(2026, 12, 24, 12), 7, 5700, True]
    batch = sheet.read(workbook("Deals", [["Our deals"], [], headers, row]), "deal.xlsx")
    assert batch.mistakes == ()
    found = batch.rights[0].terms
    assert (found.first_day, found.end) == (date(2026, 11, 24), datetime(2026, 12, 24, 12, tzinfo=UTC))
    assert (found.max_excerpt_percent, found.work_seconds, found.exclusive) == (7, 5700, True)
    assert batch.rights[0].place == "Deals!A4"


@pytest.mark.parametrize(("cell", "percent"), [(1, 1), (7, 7), (100, 100), ("100%", 100), ("50 %", 50), ("1", 1)])
def test_a_percentage_is_read_as_it_stands(cell: int | str, percent: int) -> None:
    rows = [[*BASICS, "Max percent", "Length of the work"], [*BASICS.values(), cell, 5700]]
    assert sheet.read(workbook("Rights", rows), "deal.xlsx").rights[0].terms.max_excerpt_percent == percent


@pytest.mark.parametrize(("cell", "cure"), [(0.5, "50%"), (0.07, "7%"), (0.005, "50%")])
def test_a_share_of_excel_is_refused_since_it_may_be_either(cell: float, cure: str) -> None:
    rows = [[*BASICS, "Max percent", "Length of the work"], [*BASICS.values(), cell, 5700]]
    (mistake,) = sheet.read(workbook("Rights", rows), "deal.xlsx").mistakes
    assert "(Max percent)" in mistake.place
    assert cure in mistake.hint


def test_a_file_without_such_a_sheet_is_refused_with_the_cure() -> None:
    with pytest.raises(Problem, match="Reference") as refusal:
        sheet.read(b"a,b,c\n1,2,3\n", "x.csv")
    assert "template" in refusal.value.hint


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30).map(str.strip)


@given(
    st.lists(
        st.builds(
            Condition,
            type=st.sampled_from(["credit", "blur", "mute", "replace_music", "age_gate", "geo_block", "approval"]),
            text=texts.filter(bool) | st.sampled_from(["a;b", 'say "no"', "two\nlines", "x: of film:a for 3 s"]),
            min_seconds=st.none() | st.integers(0, 86_400),
            ref=st.none() | st.sampled_from(["logo:acme", "music:a-b.c"]),
            approved=st.lists(st.sampled_from(["sha256:" + "a" * 64, "sha256:" + "0" * 64]), max_size=2),
        ),
        max_size=4,
    )
)
def test_conditions_are_written_as_they_are_read(conditions: list[Condition]) -> None:
    assert read_conditions(write_conditions(conditions)) == tuple(conditions)


def merged(rows: list[list[Any]], *ranges: str) -> bytes:
    book = load_workbook(io.BytesIO(workbook("Rights", rows)))
    for each in ranges:
        book["Rights"].merge_cells(each)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_merged_cell_stands_for_every_line_it_reaches_over() -> None:
    names = [*BASICS, "Except", "Until"]
    first = [*BASICS.values(), "CN", date(2027, 1, 1)]
    rows = [names, first, ["film:b", *first[1:7]], ["film:c", *first[1:7]], []]
    batch = sheet.read(merged(rows, "H2:H3", "I2:I6"), "deal.xlsx")
    assert not batch.mistakes
    said = [(each.terms.excluded_territories, each.terms.last_day) for each in batch.rights]
    assert said == [(("CN",), date(2027, 1, 1)), (("CN",), date(2027, 1, 1)), ((), date(2027, 1, 1))]


def test_lines_on_a_second_sheet_are_a_mistake_and_other_tables_are_told() -> None:
    book = load_workbook(io.BytesIO(workbook("Rights", [list(BASICS), list(BASICS.values())])))
    for title, rows in (
        ("Blackouts", [["Reference", "Kind", "Where", "From"], ["film:a", "blackout", "GB", "2026-12-24"]]),
        ("People", [["Name", "Phone"], ["Robin", "1"]]),
        ("Elements", [["Element", "Reference", "Name", "From"], ["film", "film:a", "A", None]]),
    ):
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    file = io.BytesIO()
    book.save(file)
    batch = sheet.read(file.getvalue(), "deal.xlsx")
    assert [(each.place, "only Rights is read" in each.message) for each in batch.mistakes] == [("Blackouts!A1", True)]
    assert [each.place for each in batch.losses] == ["People"]


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("Max seconds", time(1, 30), "5400, or 90 for 1 min 30 s"),
        ("Languages", "any", "blank for any language"),
        ("Languages", "subtitle:all", "blank for any language"),
        ("Contract status", "active?", "draft, pending, active"),
    ],
)
def test_what_might_say_more_than_the_contract_is_a_mistake(column: str, cell: object, words: str) -> None:
    line = BASICS | {column: cell}
    (mistake,) = sheet.read(workbook("Rights", [list(line), list(line.values())]), "deal.xlsx").mistakes
    assert words in mistake.hint
    assert f"({column})" in mistake.place


@pytest.mark.parametrize(
    ("header", "instead"),
    [
        ("Until (incl.)", "Until"),
        ("Term end", "Until"),
        ("Excl.", "Except"),
        ("Exclusions", "Except"),
        ("Excluded platforms", "Platforms"),
        ("Excluded languages", "Languages"),
        ("Holdback until", "a line of its own"),
        ("Territory restrictions", "Except"),
    ],
)
def test_an_unknown_column_that_may_limit_a_right_is_a_mistake(header: str, instead: str) -> None:
    (mistake,) = sheet.read(csv(BASICS | {header: "x"}), "deal.csv").mistakes
    assert mistake.place == "Rights!H1"
    assert mistake.hint.startswith(f"Write it in {instead}")


def test_elements_are_read_with_times_and_boxes() -> None:
    data = workbook(
        "Elements",
        [
            ["Element", "Reference", "Name", "From", "To", "Box"],
            ["film", "film:a", "A", None, None, None],
            ["logo", None, "Acme", "0:01:30.5", 95, "820, 60, 140, 90"],
        ],
    )
    whole, logo = read_elements(data, "a.xlsx")
    assert (whole.kind, whole.ref, whole.start_seconds, whole.end_seconds) == ("programme", "film:a", None, None)
    assert (logo.kind, logo.ref, logo.start_seconds, logo.end_seconds) == ("logo", "logo:acme", 90.5, 95)
    assert (logo.box, logo.place) == (Box(x=820, y=60, width=140, height=90), "Elements!A3")


def test_mistakes_in_elements_are_told_all_at_once() -> None:
    rows = [
        ["Element", "Reference", "From", "To", "Box"],
        ["smell", "x", 9, 3, "1"],
        ["film", "film:a", "1:2:3:4", 5, None],
    ]
    with pytest.raises(Problem) as refusal:
        read_elements(workbook("Elements", rows), "a.xlsx")
    assert {each["place"] for each in refusal.value.details["mistakes"]} == {
        "Elements!A2 (Element)",
        "Elements!B2 (Reference)",
        "Elements!E2 (Box)",
        "Elements!C3 (From)",
    }


def test_a_workbook_without_elements_has_none() -> None:
    assert read_elements(csv(BASICS), "a.csv") == ()


# --- writing --------------------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), min_size=1, max_size=20).map(str.strip)
codes = st.lists(st.sampled_from(["GB", "US-CA", "EU", "WORLD"]), min_size=1, max_size=3)
days = st.dates(date(2000, 1, 1), date(2030, 1, 1))
lags = st.builds(
    EventLag, event=st.sampled_from(["theatrical", "est_start"]), lag=st.sampled_from(["P0D", "P90D", "-P3M"])
)


@st.composite
def recorded(draw: st.DrawFn) -> tuple[Right, Contract]:
    kind = draw(st.sampled_from(["grant", "licence_out", "blackout", "embargo"]))
    contract = Contract(
        id="ctr_" + draw(st.sampled_from("ab")),
        external_key=draw(st.none() | st.just("deal-1") | st.just("sheet:nf")),
        counterparty=draw(words.filter(bool)),
        direction="out" if kind == "licence_out" else "in",
        status=draw(st.sampled_from(["active", "draft"])),
        title=draw(words),
        note=draw(words),
        time_zone=draw(st.sampled_from(["UTC", "Europe/Berlin"])),
    )
    shape: dict[str, Any] = {
        "ref": "film:a",
        "kind": kind,
        "element_kinds": draw(st.lists(st.sampled_from(["programme", "music_performance"]), max_size=2)),
        "media": draw(st.lists(st.sampled_from(["social.x", "vod"]), min_size=1, max_size=2)),
        "territories": draw(codes),
        "excluded_territories": draw(st.lists(st.sampled_from(["CN", "LATAM"]), max_size=2)),
        "exclusive": draw(st.booleans()),
        "purposes": draw(st.lists(st.sampled_from(["news", "training"]), max_size=2)),
        "languages": draw(st.lists(st.sampled_from(["de", "subtitle:es-419"]), max_size=2)),
        "derivative_allowed": draw(st.booleans()),
        "licence_type": draw(st.sampled_from([None, "SVOD", "Pre-Release"])),
        "clause": draw(words | st.just("=1+1") | st.just("'=x")),
        "source": draw(words),
        "carried": draw(st.lists(st.tuples(st.sampled_from(["HDR", "Note", "Title"]), words.filter(bool)), max_size=3)),
    }
    shape |= draw(
        st.fixed_dictionaries({"first_day": days})
        | st.fixed_dictionaries(
            {"start": st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))}
        )
        | st.fixed_dictionaries({"start_event": lags})
    )
    shape |= draw(st.just({}) | st.fixed_dictionaries({"last_day": st.dates(date(2031, 1, 1), date(2040, 1, 1))}))
    shape |= draw(st.just({}) | st.fixed_dictionaries({"groups_on": days}))
    if kind == "grant":
        shape |= draw(
            st.just({})
            | st.just({"max_runs": 3, "reruns": Reruns(repeats=2, hours=48), "window_max_days": 30})
            | st.just({"max_excerpt_percent": 10, "work_seconds": 5700, "max_duration_seconds": 0})
        )
    return right_on_record(
        "rgt_1", RightTerms.model_validate(shape), contract, draw(st.none() | st.just("k1"))
    ), contract


def content(exported: Exported) -> bytes:
    return base64.b64decode(exported.content) if exported.base64 else exported.content.encode()


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@settings(max_examples=12)  # a workbook each
@given(pair=recorded())
def test_a_right_written_and_read_again_has_equal_terms(form: sheet_writing.Form, pair: tuple[Right, Contract]) -> None:
    right, contract = pair
    exported = sheet_writing.write([pair], form)
    assert exported.losses == ()
    batch = sheet.read(content(exported), exported.file_name)
    assert batch.mistakes == ()
    (given_contract,), (given_right,) = batch.contracts, batch.rights
    assert contract_on_record(contract.id, given_contract.terms, contract.external_key) == contract
    assert right_on_record(right.id, given_right.terms, contract, right.external_key) == right
    assert given_contract.key == (contract.external_key or contract.id)
    assert given_right.key == (right.external_key or right.id)


def test_text_that_looks_like_a_formula_stays_text() -> None:
    contract = Contract(id="ctr_1", counterparty="=HYPERLINK(1)", direction="in", status="active")
    terms = RightTerms(ref="film:a", kind="grant", media=("web",), territories=("GB",), first_day=date(2026, 1, 1))
    right = right_on_record("rgt_1", terms, contract)
    book = load_workbook(io.BytesIO(content(sheet_writing.write([(right, contract)]))))
    assert book["Rights"]["D2"].data_type != "f"
    assert "'=HYPERLINK" in sheet_writing.write([(right, contract)], "csv").content


def test_signs_that_a_workbook_cannot_hold_are_told() -> None:
    contract = Contract(id="ctr_1", counterparty="A", direction="in", status="active")
    terms = RightTerms(
        ref="film:a", kind="grant", media=("web",), territories=("GB",), first_day=date(2026, 1, 1), clause="a\x07b"
    )
    exported = sheet_writing.write([(right_on_record("rgt_1", terms, contract), contract)])
    assert "left out" in exported.losses[0].message


def test_the_template_has_what_people_need_and_its_examples_are_right_and_left_out() -> None:
    data = content(sheet_writing.template())
    book = load_workbook(io.BytesIO(data))
    page = book["Rights"]
    assert book.sheetnames == ["Rights", "Elements", "Read me"]
    assert page.freeze_panes == "B2"
    assert all(cell.comment is not None for cell in page[1])
    assert {each.formula1 for each in page.data_validations.dataValidation} >= {'"yes,no"', '"in,out"'}
    assert [each.place for each in sheet.read(data, "t.xlsx").losses] == ["Rights!A2", "Rights!A3"]
    assert read_elements(data, "t.xlsx") == ()
    filled = sheet.read(sheet_writing.template("csv").content.replace("EXAMPLE ", "").encode(), "t.csv")
    assert filled.mistakes == ()
    assert [each.terms.kind for each in filled.rights] == ["grant", "blackout"]


def test_every_column_is_explained_on_the_page_about_the_sheet() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rights-sheet.md").read_text(encoding="utf-8")
    for each in (*RIGHTS, *ELEMENTS):
        assert f"| {each.header} | {each.explains} | {each.blank} |" in page
