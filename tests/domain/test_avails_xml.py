"""Avails XML comes in: what each element means, and what is told of documents that are wrong."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from holdback_servers.rights.interchange import avails_xml
from holdback_servers.rights.interchange.batch import Batch
from holdback_servers.rights.model import contract_on_record, right_on_record
from holdback_servers.rights.moments import EventLag

DATA = Path(__file__).parent / "data" / "avails"
TRANSACTION = """
<Transaction TransactionID="T1"><LicenseType>SVOD</LicenseType>
  <Territory><md:country>DE</md:country></Territory>
  <Start>2026-03-01T00:00:00</Start><End>2026-08-31T23:59:59</End><FormatProfile>HD</FormatProfile>
</Transaction>"""


def avail(transactions: str = TRANSACTION, entry: str = "Full Extract", alid: str = "md:alid:org:x:a1") -> str:
    return f"""
<Avail><ALID>{alid}</ALID><Disposition><EntryType>{entry}</EntryType></Disposition>
  <Licensor><md:DisplayName>Meadow Films</md:DisplayName></Licensor>
  <AvailType>single</AvailType><ShortDescription/>
  <Asset contentID="md:cid:org:meadow:river"><WorkType>Movie</WorkType>
    <Metadata><TitleInternalAlias>River</TitleInternalAlias></Metadata></Asset>{transactions}
</Avail>"""


def read(*avails: str, version: str = "2.7", zone: str = "UTC") -> Batch:
    text = (
        f'<AvailList xmlns="http://www.movielabs.com/schema/avails/v{version}/avails"'
        f' xmlns:md="http://www.movielabs.com/schema/md/v2.12/md">{"".join(avails)}</AvailList>'
    )
    return avails_xml.read(text.encode(), "a.xml", zone)


def changed(old: str, new: str) -> str:
    assert old in TRANSACTION
    return avail(TRANSACTION.replace(old, new))


def test_the_sample_of_movielabs_gives_24_rights_in_4_contracts_and_no_mistake() -> None:
    batch = avails_xml.read((DATA / "Avails_noErrors_v2.4.xml").read_bytes(), "sample.xml")
    assert (len(batch.rights), len(batch.contracts), len(batch.mistakes)) == (24, 4, 0)
    assert len(batch.replaces) == 12
    contracts = {each.key: contract_on_record("ctr_1", each.terms) for each in batch.contracts}
    for each in batch.rights:
        right_on_record("rgt_1", each.terms, contracts[each.contract])


def test_days_without_an_offset_are_days_of_the_zone_and_the_last_one_counts() -> None:
    terms = read(avail(), zone="Europe/Berlin").rights[0].terms
    assert (terms.first_day, terms.last_day) == (date(2026, 3, 1), date(2026, 8, 31))
    contract = read(avail(), zone="Europe/Berlin").contracts[0].terms
    assert (contract.time_zone, contract.counterparty, contract.direction) == ("Europe/Berlin", "Meadow Films", "in")


def test_an_end_one_second_before_midnight_with_an_offset_is_that_midnight() -> None:
    batch = read(changed("2026-08-31T23:59:59", "2026-08-31T23:59:59+02:00"))
    assert batch.rights[0].terms.end == datetime(2026, 8, 31, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ("SVOD", "EST", "media", ("vod.est",)),
        ("SVOD", "VOD", "media", ("vod.tvod",)),
        ("SVOD", "FVOD", "media", ("vod.avod",)),
        ("<End>2026-08-31T23:59:59</End>", "<EndCondition>Open</EndCondition>", "last_day", None),
        (
            "<Start>2026-03-01T00:00:00</Start>",
            '<StartCondition lag="P90D">Theatrical</StartCondition>',
            "start_event",
            EventLag(event="theatrical", lag="P90D"),
        ),
        (
            "<End>2026-08-31T23:59:59</End>",
            "<EndCondition>TBD</EndCondition>",
            "end_event",
            EventLag(event="end_tbd"),
        ),
        ("<md:country>DE</md:country>", "<md:country>XK</md:country>", "territories", ("XK",)),
        ("<md:country>DE</md:country>", "<md:countryRegion>US-CA</md:countryRegion>", "territories", ("US-CA",)),
        ("<md:country>DE</md:country>", "<md:countryRegion>001</md:countryRegion>", "territories", ("WORLD",)),
    ],
)
def test_an_element_means(old: str, new: str, field: str, value: object) -> None:
    batch = read(changed(old, new))
    assert not batch.mistakes
    assert getattr(batch.rights[0].terms, field) == value


def test_languages_come_with_their_uses_and_a_held_back_one_is_a_holdback_of_its_own() -> None:
    batch = read(
        changed(
            "<FormatProfile>",
            '<AllowedLanguage>de</AllowedLanguage><AllowedLanguage asset="subdub">es-419</AllowedLanguage>'
            '<HoldbackLanguage asset="audio">fr</HoldbackLanguage><FormatProfile>',
        )
    )
    grant, held = batch.rights
    assert grant.terms.languages == ("de", "dub:es-419", "subtitle:es-419")
    assert (held.terms.kind, held.terms.languages, held.key) == ("holdback", ("audio:fr",), grant.key + "|held")


def test_a_title_that_is_pending_stands_in_a_contract_that_is_not_active() -> None:
    batch = read(changed("</Transaction>", '<Term termName="TitleStatus"><Text>Pending</Text></Term></Transaction>'))
    assert batch.contracts[0].terms.status == "pending"


def test_money_is_carried_in_minor_units() -> None:
    term = '<Term termName="SRP"><Money currency="JPY">1500</Money></Term></Transaction>'
    assert ("SRP", "JPY 1500") in read(changed("</Transaction>", term)).rights[0].terms.carried


def test_two_transactions_that_differ_in_format_only_are_two_rights() -> None:
    batch = read(avail(TRANSACTION + TRANSACTION.replace("HD", "SD")))
    assert len({each.key for each in batch.rights}) == 2
    assert not batch.mistakes


def test_full_extract_replaces_and_full_delete_leaves_nothing() -> None:
    extract, delete = read(avail()), read(avail("", entry="Full Delete"))
    assert extract.replaces == delete.replaces == ("avails:meadow-films:md:alid:org:x:a1|",)
    assert (len(extract.rights), len(delete.rights), delete.mistakes) == (1, 0, ())


def test_create_update_and_delete_speak_of_one_transaction() -> None:
    created, updated, deleted = (read(avail(entry=entry)) for entry in ("Create", "Update", "Delete"))
    assert (created.rights[0].expects, updated.rights[0].expects) == ("new", "known")
    assert deleted.withdraws == ((created.rights[0].key, "Avail[1]/Transaction[1] (line 7)"),)
    assert created.rights[0].key not in created.replaces


def test_the_same_file_gives_the_same_keys_and_terms_again() -> None:
    assert read(avail()) == read(avail())


def test_a_reference_of_ours_in_an_alternative_id_is_used_as_it_is() -> None:
    named = avail().replace(
        "<TitleInternalAlias>",
        "<TitleInternalAlias>film:river</TitleInternalAlias><VersionDescription/><TitleInternalAlias>",
    )
    assert read(named).rights[0].terms.ref == "film:river"


def test_an_eidr_with_a_wrong_check_character_is_a_loss_and_still_a_name() -> None:
    batch = read(avail().replace("md:cid:org:meadow:river", "md:cid:eidr-s:8FF3-1C20-84F5-F247-8BCD-A"))
    assert batch.rights[0].terms.ref == "film:10.5240-8ff3-1c20-84f5-f247-8bcd-a"
    assert any("check character" in each.message for each in batch.losses)


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("SVOD", "SVID", "Avail[1]/Transaction[1]/LicenseType (line", "not known"),
        ("<md:country>DE</md:country>", "<md:country>UK</md:country>", "Avail[1]/Transaction[1]/Territory (", "'UK'"),
        ("2026-03-01T00:00:00", "2026-02-30T00:00:00", "Avail[1]/Transaction[1]/Start (", "does not exist"),
        ("2026-03-01T00:00:00", "soon", "Avail[1]/Transaction[1]/Start (", "neither a day nor"),
        ("2026-08-31T23:59:59", "2026-01-31T23:59:59", "Avail[1]/Transaction[1]/End (", "not after its start"),
        ("<Start>2026-03-01T00:00:00</Start>", "", "Avail[1]/Transaction[1]/Start (", "empty"),
        ("<End>2026-08-31T23:59:59</End>", "", "Avail[1]/Transaction[1]/End (", "empty"),
        ("SVOD", "POEST", "Avail[1]/Transaction[1]/SuppressionLiftDate (", "no SuppressionLiftDate"),
        ("</Transaction>", "<ContractID>1</ContractID><ContractID>2</ContractID></Transaction>",
         "Avail[1]/Transaction[1]/ContractID (", "stands twice"),
        ("<FormatProfile>", "<AllowedLanguage>german</AllowedLanguage><FormatProfile>",
         "Avail[1]/Transaction[1]/AllowedLanguage (", "BCP 47"),
        ("</Transaction>", '<Term termName="TitleStatus"><Text>Maybe</Text></Term></Transaction>',
         "Avail[1]/Transaction[1]/Term[@termName='TitleStatus'] (", "not known"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_place_and_the_cure(old: str, new: str, place: str, words: str) -> None:
    mistakes = read(changed(old, new)).mistakes
    assert len(mistakes) == 1, mistakes
    assert mistakes[0].place.startswith(place)
    assert words in mistakes[0].message
    assert mistakes[0].hint


def test_an_element_that_no_version_has_is_told_and_one_that_may_limit_is_a_mistake() -> None:
    more = "<Colour>red</Colour><ExcludedTerritory>CN</ExcludedTerritory><Territory>"
    batch = read(changed("<Territory>", more))
    assert [each.message for each in batch.mistakes] == [
        "Avails 2.1 to 2.7 have no ExcludedTerritory in a Transaction, and it may limit the right."
    ]
    assert any("no Colour in a Transaction: it is not read" in each.message for each in batch.losses)


def test_terms_of_languages_limit_and_others_are_told() -> None:
    term = '<Term termName="{}"><{kind}>{}</{kind}></Term>'
    said = (("HoldbackLanguage", "fr", "Language"), ("AllowedLanguage", "de", "Language"), ("Mood", "blue", "Text"))
    more = "".join(term.format(name, text, kind=kind) for name, text, kind in said)
    batch = read(changed("</Transaction>", more + "</Transaction>"), version="2.1")
    assert [(each.terms.kind, each.terms.languages) for each in batch.rights] == [
        ("grant", ("de",)),
        ("holdback", ("fr",)),
    ]
    assert any("Term Mood is kept" in each.message for each in batch.losses)
    wrong = read(changed("</Transaction>", term.format("TerritoryExclusion", "CN", kind="Text") + "</Transaction>"))
    assert ["may limit" in each.message for each in wrong.mistakes] == [True]


def test_every_mistake_is_told_and_beyond_a_bound_how_many_more() -> None:
    wrong = changed("SVOD", "X").replace("<md:country>DE", "<md:country>QQ")
    assert [each.place[:30] for each in read(wrong, wrong).mistakes] == [
        "Avail[1]/Transaction[1]/Licens", "Avail[1]/Transaction[1]/Territ",
        "Avail[2]/Transaction[1]/Licens", "Avail[2]/Transaction[1]/Territ",
    ]  # fmt: skip
    many = read(avail(TRANSACTION.replace("SVOD", "X") * 300)).mistakes
    assert (len(many), many[-1].message) == (201, "And 100 more mistakes.")


def test_rows_that_contradict_one_another_are_mistakes() -> None:
    twice = read(avail(TRANSACTION + TRANSACTION.replace("2026-08-31", "2027-08-31")))
    assert "says something else (last_day)" in twice.mistakes[0].message
    both = read(avail(entry="Create"), avail(entry="Delete"))
    assert "takes back" in both.mistakes[0].message
    manners = read(avail(), avail(entry="Delete"))
    assert "but Full Extract at" in manners.mistakes[0].message


def test_an_unknown_entry_type_is_a_mistake_that_names_the_known_ones() -> None:
    mistake = read(avail(entry="Replace")).mistakes[0]
    assert mistake.place.startswith("Avail[1]/Disposition")
    assert "Full Extract" in mistake.hint


def test_a_bundle_needs_what_it_holds_and_a_supplement_what_it_belongs_to() -> None:
    bundle = read(avail().replace(">single<", ">bundle<")).mistakes
    supplement = read(avail().replace(">single<", ">supplement<")).mistakes
    assert [len(bundle), len(supplement)] == [1, 1]
    assert "bundle names nothing" in bundle[0].message
    assert "supplement" in supplement[0].message


def test_a_contradictory_window_never_hides_what_else_is_wrong() -> None:
    wrong = changed("2026-03-01T00:00:00", "2026-02-30").replace("SVOD", "X").replace(">DE<", ">QQ<")
    assert len(read(wrong).mistakes) == 3


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    b'<AvailList xmlns="http://www.movielabs.com/schema/avails/v2.4/avails">&c;</AvailList>'
)
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    b'<AvailList xmlns="http://www.movielabs.com/schema/avails/v2.4/avails"><Avail><ALID>&a;</ALID></Avail></AvailList>'
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (BOMB, "DOCTYPE"),
        (OUTSIDE, "DOCTYPE"),
        (b"", "not well-formed"),
        (b"hello", "not well-formed"),
        (b"<Manifest/>", "without a namespace"),
        (b'<AvailList xmlns="http://www.movielabs.com/schema/avails/v3.0/avails"/>', "v3.0"),
        (b'<AvailList xmlns="http://www.movielabs.com/schema/avails/v2.4/avails"/>', "holds no Avail"),
        (b'<?xml version="1.0" encoding="UTF-8"?><AvailList>\xff\xfe\xfa</AvailList>', "a"),
        ((DATA / "Avails_noErrors_v2.4.xml").read_bytes()[:20_000], "not well-formed"),
        ((DATA / "Avails_noErrors_v2.4.xml").read_bytes().replace(b"V", b"\xfc", 1), "not well-formed"),
    ],
)
def test_a_document_that_is_broken_or_another_is_one_mistake(data: bytes, words: str) -> None:
    batch = avails_xml.read(data, "a.xml")
    assert len(batch.mistakes) == 1
    assert words in batch.mistakes[0].message
    assert batch.mistakes[0].hint


@pytest.mark.parametrize(
    "version", ["2.1", "2.2", "2.2.1", "2.2.2", "2.3", "2.4", "2.5", "2.5.2", "2.6", "2.6.1", "2.7"]
)
def test_versions_2_1_to_2_7_are_read(version: str) -> None:
    batch = read(avail(), version=version)
    assert (len(batch.rights), len(batch.mistakes)) == (1, 0)
