"""Files of rights: previewed, recorded whole or not at all, found again, and written out, by tool and by command."""

import base64
import csv
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback import exchange
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_servers.rights import server, store
from holdback_servers.rights.answers import ContractGiven, RightGiven
from holdback_servers.rights.exporting import chosen, write
from holdback_servers.rights.importing.applying import NotRecorded, apply, preview
from holdback_servers.rights.importing.outcome import ImportReport
from holdback_servers.rights.importing.preparing import Prepared, open_prepared, prepare, read_file
from holdback_servers.rights.interchange.batch import Batch, ImportedContract, ImportedRight
from holdback_servers.rights.interchange.reading import detect, read_batch
from holdback_servers.rights.model import ContractTerms, RightTerms
from holdback_servers.rights.moments import Event, EventLag
from holdback_servers.rights.recording import record, record_event
from holdback_servers.rights.store import Listing
from holdback_servers.services import open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from mcp.client import Client
from sqlalchemy import Connection, create_engine

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = KeyPair.generate()
LINE = {
    "Reference": "film:a",
    "From whom": "Northern Film",
    "Contract": "NF-1",
    "Contract status": "active",
    "Where": "GB",
    "Platforms": "web",
    "From": "2026-11-24",
}


def sheet(*lines: dict[str, str]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, list({name: None for line in lines for name in line}))
    writer.writeheader()
    writer.writerows(lines)
    return file.getvalue().encode()


def prepared(*lines: dict[str, str]) -> Prepared:
    return prepare(read_batch(sheet(*lines), "deal.csv"), "deal.csv")


@pytest.fixture
def c() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    store.METADATA.create_all(engine)
    with engine.connect() as connection, connection.begin():
        yield connection
    engine.dispose()


def take(c: Connection, given: Prepared) -> ImportReport:
    before = c.begin_nested()
    try:
        return apply(c, given, new_id=id_maker(lambda: NOW), now=NOW, by="person:robin")[0]
    except NotRecorded as refused:
        before.rollback()
        return refused.report


def on_record(c: Connection) -> list[str]:
    return sorted(f"{right.ref} {right.kind} {','.join(right.territories)}" for right, _ in chosen(c, Listing(), 1000))


def test_a_preview_tells_what_would_change_and_changes_nothing(c: Connection) -> None:
    told = preview(c, prepared(LINE, LINE | {"Reference": "film:b", "Kind": "blackout"}))
    assert not told.applied
    assert (told.contracts.created, told.rights.created) == (1, 2)
    assert on_record(c) == []
    assert "nothing is recorded yet" in told.text()
    assert "new       grant of film:a: GB on web, from 2026-11-24 (Rights!A2)" in told.text()


def test_what_is_applied_is_what_the_preview_told(c: Connection) -> None:
    take(c, prepared(LINE, LINE | {"Reference": "film:b"}))
    given = prepared(LINE | {"Where": "IE"}, LINE | {"Reference": "film:c"})
    foretold, done = preview(c, given), take(c, given)
    assert done.model_copy(update={"applied": False}) == foretold
    assert done.rights.model_dump() == {"created": 1, "updated": 1, "unchanged": 0, "withdrawn": 1}
    assert on_record(c) == ["film:a grant IE", "film:c grant GB"]
    (changed,) = (each for each in done.changes if each.change == "updated")
    assert [(each.field, each.before, each.after) for each in changed.fields] == [("where", "GB", "IE")]


def test_a_contract_that_changes_is_told_field_by_field_and_its_rights_as_the_preview_did(c: Connection) -> None:
    take(c, prepared(LINE | {"Contract status": "pending"}))
    given = prepared(LINE | {"Time zone": "America/New_York"})
    foretold, done = preview(c, given), take(c, given)
    assert done.model_copy(update={"applied": False}) == foretold
    assert done.rights.updated == 1
    assert "status: pending -> active" in foretold.text()
    assert "time zone: UTC -> America/New_York" in foretold.text()


def test_the_same_file_again_changes_nothing(c: Connection) -> None:
    given = prepared(LINE, LINE | {"Reference": "film:b", "Until": "2027-01-01"})
    take(c, given)
    again = take(c, given)
    assert again.rights.model_dump() == {"created": 0, "updated": 0, "unchanged": 2, "withdrawn": 0}
    assert again.refs == 0
    assert len(on_record(c)) == 2


def test_a_line_that_comes_back_is_recorded_again(c: Connection) -> None:
    for lines in ((LINE, LINE | {"Reference": "film:b"}), (LINE,), (LINE, LINE | {"Reference": "film:b"})):
        told = take(c, prepared(*lines))
    assert told.rights.created == 1
    assert len(on_record(c)) == 2


def test_contracts_that_the_sheet_does_not_name_stay(c: Connection) -> None:
    take(c, prepared(LINE | {"Contract": "A"}))
    told = take(c, prepared(LINE | {"Contract": "B", "Reference": "film:b"}))
    assert told.rights.withdrawn == 0
    assert len(on_record(c)) == 2


def test_contracts_of_sheets_that_are_not_in_this_one_are_told_with_their_rights(c: Connection) -> None:
    take(c, prepared(*(LINE | {"Contract": "N1", "Reference": f"film:{name}"} for name in "ab")))
    take(c, prepared(LINE | {"Contract": "N2"}))
    take(c, batch("any"))
    given = prepared(LINE | {"Contract": "N-1"})
    foretold, done = preview(c, given), take(c, given)
    assert done.model_copy(update={"applied": False}) == foretold
    assert "N1 is not in this file; its 2 rights stay" in foretold.text()
    assert "N2 is not in this file; its right stays" in foretold.text()
    assert foretold.staying_in_all == 2
    take(c, prepared(*(LINE | {"Contract": f"M{number}"} for number in range(60))))
    told = preview(c, given)
    assert (len(told.staying), told.staying_in_all) == (50, 62)
    assert "... and 12 more contracts stay" in told.text()
    assert preview(c, batch("any")).staying == ()


def test_of_carried_fields_only_those_that_differ_are_told(c: Connection) -> None:
    take(c, prepared(LINE | {"Title": "Night Train", "Note": "old"}))
    (change,) = preview(c, prepared(LINE | {"Title": "Night Train", "Note": "new"})).changes
    assert [(each.field, each.before, each.after) for each in change.fields] == [("carried", "Note: old", "Note: new")]
    (change,) = preview(c, prepared(LINE | {"Title": "Night Train"})).changes
    assert [(each.field, each.before, each.after) for each in change.fields] == [("carried", "Note: old", "")]


def test_with_a_mistake_nothing_is_recorded_and_all_mistakes_are_told(c: Connection) -> None:
    told = take(c, prepared(LINE, LINE | {"Where": "UK"}, LINE | {"From": "2026-11-24", "Until": "2026-01-01"}))
    assert on_record(c) == []
    assert not told.applied
    assert [each.place for each in told.mistakes] == ["Rights!E3 (Where)", "Rights!A4"]
    assert "2 mistakes; nothing is recorded" in told.text()
    assert "Did you mean GB?" in told.text()


def test_a_line_that_takes_out_all_that_it_names_is_a_mistake_at_its_place(c: Connection) -> None:
    told = take(c, prepared(LINE, LINE | {"Where": "DACH", "Except": "DE, AT, CH"}))
    assert on_record(c) == []
    assert [each.place for each in told.mistakes] == ["Rights!A3"]
    assert "takes out every territory that it names" in told.text()


def test_many_changes_are_counted_and_the_first_fifty_shown(c: Connection) -> None:
    lines = [LINE | {"Reference": f"film:n{number}"} for number in range(60)]
    told = take(c, prepared(*lines))
    assert told.rights.created == 60
    assert len(told.changes) == 50
    assert "... and 10 more new" in told.text()
    gone = preview(c, prepared(LINE))
    assert gone.rights.withdrawn == 60
    assert sum(each.change == "withdrawn" for each in gone.changes) == 50


def test_rights_recorded_in_another_way_are_known_again_by_their_ids(c: Connection) -> None:
    contract = ContractGiven(counterparty="Northern Film", direction="in", status="active")
    right = RightGiven(ref="film:a", kind="grant", media=("web",), territories=("GB",), first_day=date(2026, 11, 24))
    record(c, contract, [right], new_id=id_maker(lambda: NOW), now=NOW, by="person:robin")
    for format_ in ("sheet_csv", "sheet_xlsx"):
        exported = write(format_, chosen(c, Listing(), 10))
        data = base64.b64decode(exported.content) if exported.base64 else exported.content.encode()
        given = prepare(read_batch(data, exported.file_name), exported.file_name)
        assert preview(c, given).rights.unchanged == 1
    assert take(c, given).rights.model_dump() == {"created": 0, "updated": 0, "unchanged": 1, "withdrawn": 0}
    assert len(on_record(c)) == 1


def batch(expects: str, where: str = "GB", **fields: Any) -> Prepared:
    terms = ContractTerms(counterparty="Studio", direction="in", status="active")
    right = RightTerms(ref="film:a", kind="grant", media=("web",), territories=(where,), first_day=date(2026, 1, 1))
    given = ImportedRight.model_validate(
        {"key": "avails:studio:1", "contract": "avails:studio", "terms": right, "place": "Avail[1]", "expects": expects}
    )
    contract = ImportedContract(key="avails:studio", terms=terms, place="Avail[1]")
    return prepare(Batch(format="avails_xml", contracts=(contract,), rights=(given,), **fields), "avails.xml")


def test_an_update_of_what_is_not_on_record_and_a_new_one_of_what_is_are_mistakes(c: Connection) -> None:
    assert "not on record" in take(c, batch("known")).mistakes[0].message
    assert take(c, batch("new")).rights.created == 1
    assert take(c, batch("new")).rights.unchanged == 1
    assert "other terms" in take(c, batch("new", "IE")).mistakes[0].message
    assert take(c, batch("known", "IE")).rights.updated == 1
    assert on_record(c) == ["film:a grant IE"]


def test_a_deal_that_is_agreed_later_carries_its_right_into_another_contract(c: Connection) -> None:
    def of(status: str) -> Prepared:
        given = batch("any")
        head, rights = given.head, [each._replace(contract=f"avails:{status}") for each in given.rights()]
        terms = head.contracts[0].terms.model_copy(update={"status": status})
        contract = head.contracts[0].model_copy(update={"key": f"avails:{status}", "terms": terms})
        return Prepared(head.model_copy(update={"contracts": (contract,)}), lambda: iter(rights))

    for status in ("pending", "active", "inactive"):
        foretold, done = preview(c, of(status)), take(c, of(status))
        assert done.model_copy(update={"applied": False}) == foretold
        assert not done.mistakes
        ((_, contract),) = chosen(c, Listing(), 10)
        assert contract.status == status
    assert done.changes[0].fields[0].after == "avails:inactive"
    assert take(c, of("inactive")).rights.unchanged == 1


def avail(name: str, time_zone: str) -> Prepared:
    """A file with one Avail of a licensor whose other Avails stand under the same contract."""
    line = (
        "<Avail><ALID>{0}</ALID><Disposition><EntryType>Full Extract</EntryType></Disposition><Licensor>"
        "<md:DisplayName>Studio</md:DisplayName></Licensor><ServiceProvider><md:DisplayName>Us</md:DisplayName>"
        "</ServiceProvider><AvailType>single</AvailType><Asset contentID='{0}'><WorkType>Movie</WorkType></Asset>"
        "<Transaction TransactionID='t'><LicenseType>SVOD</LicenseType><Description>x</Description><Territory>"
        "<md:country>GB</md:country></Territory><Start>2026-03-01</Start><End>2026-08-31</End></Transaction></Avail>"
    )
    space = "xmlns='http://www.movielabs.com/schema/avails/v2.7/avails' xmlns:md='http://www.movielabs.com/schema/md/v2.9/md'"
    data = f"<AvailList {space}>{line.format(name)}</AvailList>".encode()
    return prepare(read_batch(data, f"{name}.xml", time_zone=time_zone), f"{name}.xml")


def test_a_second_file_of_a_licensor_in_another_time_zone_moves_nothing_of_the_first(c: Connection) -> None:
    assert not take(c, avail("a", "America/New_York")).mistakes
    before = chosen(c, Listing(), 10)
    foretold, done = preview(c, avail("b", "UTC")), take(c, avail("b", "UTC"))
    assert done.mistakes == foretold.mistakes
    (mistake,) = done.mistakes
    assert "avails:studio:contract:default" in mistake.message
    assert "days of America/New_York, and this file gives it UTC: 1 right outside" in mistake.message
    assert "time zone America/New_York" in mistake.hint
    assert chosen(c, Listing(), 10) == before
    assert not take(c, avail("b", "America/New_York")).mistakes


def test_a_file_that_holds_all_rights_of_a_contract_may_change_its_time_zone(c: Connection) -> None:
    take(c, avail("a", "America/New_York"))
    foretold, done = preview(c, avail("a", "UTC")), take(c, avail("a", "UTC"))
    assert done.model_copy(update={"applied": False}) == foretold
    assert (done.mistakes, done.rights.updated) == ((), 1)


def test_what_a_file_takes_back_is_withdrawn_and_what_was_never_there_is_told(c: Connection) -> None:
    take(c, batch("any"))
    back = Batch(format="avails_xml", withdraws=(("avails:studio:1", "Avail[1]"), ("avails:studio:2", "Avail[2]")))
    told = take(c, prepare(back, "avails.xml"))
    assert told.rights.withdrawn == 1
    assert told.losses[0].place == "Avail[2]"
    assert on_record(c) == []


def test_events_of_the_file_and_on_record_open_its_windows(c: Connection) -> None:
    line = LINE | {"From": "90 days after theatrical"}
    record_event(c, Event(ref="film:a", event="theatrical", day=date(2026, 1, 1)), NOW, "person:robin")
    take(c, prepared(line))
    ((right, _),) = chosen(c, Listing(), 10)
    assert right.start_event == EventLag(event="theatrical", lag="P90D")
    assert right.start == datetime(2026, 4, 1, tzinfo=UTC)
    assert take(c, prepared(line)).rights.unchanged == 1


def test_the_worker_writes_rows_that_the_server_streams(c: Connection, tmp_path: Path) -> None:
    source, out = tmp_path / "deal.csv", tmp_path / "rows.jsonl"
    source.write_bytes(sheet(LINE, LINE | {"Reference": "film:b"}))
    arguments = {"path": str(source), "out": str(out), "name": "deal.csv", "format": None, "time_zone": "UTC"}
    seen: list[str] = []
    assert read_file(arguments, lambda done, total, text: seen.append(text)) == {"rights": 2}
    assert list(open_prepared(out).rights()) == list(prepared(LINE, LINE | {"Reference": "film:b"}).rights())
    assert take(c, open_prepared(out)).rights.created == 2
    assert seen


@pytest.mark.parametrize(
    ("data", "name", "format_"),
    [
        (sheet(LINE), "a.txt", "sheet"),
        (
            b"<?xml version='1.0'?><AvailList xmlns='http://www.movielabs.com/schema/avails/v2.7/avails'/>",
            "a",
            "avails_xml",
        ),
        (b"\xef\xbb\xbf {}", "a.jsonld", "odrl_jsonld"),
        (b"# rights\n@prefix odrl: <x> .", "a", "odrl_turtle"),
    ],
)
def test_a_format_is_told_by_the_content(data: bytes, name: str, format_: str) -> None:
    assert detect(data, name) == format_


@pytest.mark.parametrize("data", [b"", b"hello", b"<html/>", b"\x00\x01", b"PK\x03\x04"])
def test_a_file_of_no_known_format_is_refused_with_the_cure(data: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        detect(data, "x.bin")
    assert refusal.value.hint


# --- the tools ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def house(home: Path, library: Path | None = None) -> AsyncIterator[Client]:
    services = open_services(
        Database(home / "db" / "rights.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home, library_roots=(library,) if library else ()),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=KEYS,
        ring=KeyRing({}),
        audit=AuditLog(home / "audit", KEYS, lambda: NOW),
    )
    door = server.build(services, local=local_caller("person:robin", True, "mcp:rights"))
    try:
        async with door.serving(), Client(door.mcp) as client:
            yield client
    finally:
        services.audit.close()
        services.database.close()


async def call(client: Client, tool: str, /, **arguments: Any) -> tuple[bool, dict[str, Any], str]:
    result = await client.call_tool(tool, arguments)
    return result.is_error, result.structured_content, result.content[0].text


@pytest.mark.asyncio
async def test_the_template_is_handed_out_and_a_path_outside_the_library_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, tmp_path / "library") as client:
        failed, answer, text = await call(client, "export_rights", template=True)
        assert not failed
        assert base64.b64decode(answer["content"]).startswith(b"PK")
        assert len(text) < 500
        failed, answer, _ = await call(client, "import_rights", path="/etc/passwd")
        assert (failed, answer["code"]) == (True, "PATH_OUTSIDE_LIBRARY")
        for wrong in ({}, {"text": "a", "content": "YQ=="}, {"content": "%"}, {"text": "a", "time_zone": "Berlin"}):
            failed, answer, _ = await call(client, "import_rights", **wrong)
            assert (failed, answer["code"]) == (True, "INVALID_ARGUMENT")


@pytest.mark.processes
@pytest.mark.asyncio
async def test_a_sheet_goes_in_by_preview_and_apply_and_out_again(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "deal.csv").write_bytes(sheet(LINE))
    async with house(tmp_path / "home", library) as client:
        failed, answer, text = await call(client, "import_rights", path="deal.csv")
        assert not failed
        assert answer["report"]["rights"]["created"] == 1
        assert "nothing is recorded yet" in text
        _, answer, _ = await call(client, "list_rights")
        assert answer["items"] == []
        await call(client, "import_rights", path="deal.csv", apply=True)
        _, answer, _ = await call(client, "import_rights", text=sheet(LINE).decode(), apply=True)
        assert answer["report"]["rights"]["unchanged"] == 1
        _, answer, text = await call(client, "export_rights", format="sheet_csv")
        assert answer["rights"] == 1
        assert "film:a" in text
        failed, answer, _ = await call(client, "import_rights", text="hello")
        assert (failed, answer["code"]) == (True, "INVALID_ARGUMENT")


# --- the commands ---------------------------------------------------------------------------------------------------


def test_a_template_is_written_once_and_only_as_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exchange.write_template(tmp_path / "new" / "t.xlsx")
    assert "holdback rights import" in capsys.readouterr().out
    for name in ("new/t.xlsx", "t.docx"):
        with pytest.raises(Problem):
            exchange.write_template(tmp_path / name)


@pytest.mark.processes
def test_the_commands_take_a_sheet_in_and_write_it_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, file = tmp_path / "home", tmp_path / "deal.csv"
    file.write_bytes(sheet(LINE))
    exchange.import_file(file, home, None, "Europe/London", apply=False)
    exchange.import_file(file, home, None, "Europe/London", apply=True)
    assert "1 new" in capsys.readouterr().out
    exchange.export_file(tmp_path / "out.xlsx", home, None, exchange.Wanted(ref="film:a"))
    exchange.import_file(tmp_path / "out.xlsx", home, None, "UTC", apply=True)
    assert "1 as before" in capsys.readouterr().out
    file.write_bytes(sheet(LINE | {"Where": "UK"}))
    with pytest.raises(SystemExit) as ended:
        exchange.import_file(file, home, None, "UTC", apply=True)
    assert ended.value.code == 1
    assert "Did you mean GB?" in capsys.readouterr().out
