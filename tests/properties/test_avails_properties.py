"""Avails out and in again, over random licences; and no text at all makes the reader fail."""

import base64
from datetime import date, timedelta
from random import Random  # noqa: TID251 - worlds are made from a seed
from typing import Any

import pytest
from holdback_servers.rights.interchange import avails_workbook, avails_writing, avails_xml
from holdback_servers.rights.interchange.avails_intake import Intake
from holdback_servers.rights.interchange.avails_names import eidr_holds
from holdback_servers.rights.interchange.avails_words import major_units, minor_units
from holdback_servers.rights.interchange.batch import Batch
from holdback_servers.rights.model import contract_on_record, right_on_record
from hypothesis import given
from hypothesis import strategies as st

LICENCES = ["EST", "POEST", "VOD", "SVOD", "AVOD", "FVOD", "Library", "Pre-Release"]
STARTS: list[Any] = ["Immediate", "Theatrical", "2026-03-01T07:30:00", "2026-03-01T07:30:00+02:00", "TBD"]
ENDS: list[Any] = ["Open", "ESTStart", "2027-03-01T23:59:59Z", "2027-03-01T23:59:59.5Z", "2027-03-01T00:00:00", "TBD"]
KINDS = {"Movie": "ContentID", "Episode": "EpisodeContentID", "Season": "SeasonContentID", "Volume": "VolumeContentID"}


def fields(random: Random, number: int) -> dict[str, Any]:
    """One transaction as a licensor might send it."""
    licence, work = random.choice(LICENCES), random.choice(list(KINDS))
    day = date(2026, 1, 1) + timedelta(days=random.randrange(300))
    places = ["DE", "US", "US-CA", "XK", "FR", "WORLD"]
    said: dict[str, Any] = {
        "DisplayName": random.choice(["Meadow Films", "Ölmühle & Söhne"]),
        "EntryType": "Full Extract",
        "AvailType": "single",
        "WorkType": work,
        KINDS[work]: f"md:cid:org:x:{random.randrange(5)}",
        "ALID": f"md:alid:org:x:{random.randrange(5)}",
        "AvailID": f"T{number}",
        "FormatProfile": random.choice(["SD", "HD", "UHD"]),
        "LicenseType": licence,
        "Territory": ", ".join(random.sample(places, random.randrange(1, 4))),
        "Start": random.choice([day, *STARTS]),
        "End": random.choice([day + timedelta(days=random.randrange(400, 900)), *ENDS]),
        "TitleInternalAlias" if work == "Movie" else f"{work}TitleInternalAlias": f"A <title> & {number}",
    }
    if work in ("Episode", "Volume", "Season"):
        said |= {"SeriesContentID": "md:cid:org:x:series", "SeriesTitleInternalAlias": "The series"}
    if work in ("Episode", "Volume"):
        said |= {"SeasonContentID": "md:cid:org:x:s1", "SeasonNumber": 1, f"{work}Number": number}
    maybe: dict[str, Any] = {
        "TerritoryExclusion": "CA, MX",
        "StartLag": "-P1M" if said["Start"] == "Theatrical" else None,
        "WindowDuration": random.choice(["P30D", "P6M", "PT48H"]),
        "AllowedLanguages": random.choice(["de, es-419:subdub", "fr:audio, fr:dub", "en"]),
        "HoldbackLanguage": "ru:subtitle",
        "Exclusive": "Yes",
        "TitleStatus": random.choice(["Pending", "Approved"]),
        "ContractID": random.randrange(3),
        "LicenseRightsDescription": "New Release",
        "HDR": "DV",
        "OtherInstructions": "Call first",
    }
    said |= {name: value for name, value in maybe.items() if random.random() < 0.4}
    if licence == "POEST":
        said["SuppressionLiftDate"] = "2025-12-01"
    return {name: value for name, value in said.items() if value is not None}


def world(seed: int, zone: str) -> Batch:
    random = Random(seed)
    intake = Intake(zone)
    for number in range(random.randrange(1, 6)):
        intake.add(fields(random, number), lambda name, number=number: f"{number}/{name}")
    return intake.batch("avails_xlsx")


@given(
    st.integers(0, 2**32), st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia"]), st.sampled_from(["xml", "xlsx"])
)
def test_what_comes_in_goes_out_and_comes_in_again_the_same(seed: int, zone: str, form: str) -> None:
    batch = world(seed, zone)
    assert batch.mistakes == ()
    contracts = {each.key: contract_on_record(f"ctr_{each.key}", each.terms, each.key) for each in batch.contracts}
    kept = [
        (right_on_record(f"rgt_{n}", each.terms, contracts[each.contract], each.key), contracts[each.contract])
        for n, each in enumerate(batch.rights)
    ]
    if form == "xml":
        again = avails_xml.read(avails_writing.write_xml(kept).content.encode(), "out", zone)
    else:
        again = avails_workbook.read(base64.b64decode(avails_writing.write_workbook(kept).content), "out", zone)
    assert again.mistakes == ()
    assert {each.key: each.terms for each in again.rights} == {each.key: each.terms for each in batch.rights}
    assert {each.key: each.terms for each in again.contracts} == {each.key: each.terms for each in batch.contracts}
    assert set(again.replaces) == set(batch.replaces)


CELLS = st.one_of(
    st.none(), st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.dates(), st.datetimes(), st.times(),
    st.sampled_from(["Open", "2026-02-30", "2026-13-01T99:99:99Z", "0000-01-01", "9999-12-31", "P1D", "P", "ESTStart",
                     "2026-06-30T23:59:60", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59", "-P99999Y", "film:a",
                     "9998-12-31T23:59:59-14:00", "0001-01-01", "2026-01-01T24:30:00", "10.5240/-"]),
)  # fmt: skip
NAMES = st.sampled_from(["LicenseType", "Territory", "TerritoryExclusion", "Start", "StartLag", "End", "EndLag", "SRP",
                         "WindowDuration", "AllowedLanguages", "HoldbackLanguage", "Exclusive", "TitleStatus", "ALID",
                         "WorkType", "EntryType", "AltID", "ContentID", "AvailID", "PriceCurrency",
                         "DisplayName"])  # fmt: skip


@given(st.dictionaries(NAMES, CELLS, max_size=6), st.integers(0, 2**32))
def test_whatever_a_cell_holds_it_is_read_or_told_and_never_raises(broken: dict[str, Any], seed: int) -> None:
    intake = Intake("Europe/Berlin")
    whole = {"ContentID": "md:cid:org:x:1", **fields(Random(seed), 1), **broken}
    intake.add({name: value for name, value in whole.items() if value is not None}, lambda name: f"1/{name}")
    batch = intake.batch("avails_xlsx")
    for each in batch.rights:
        assert len(each.key) <= 200
        contract = next(one for one in batch.contracts if one.key == each.contract)
        right_on_record("rgt_1", each.terms, contract_on_record("ctr_1", contract.terms))


@given(st.binary(max_size=300))
def test_no_bytes_make_the_xml_reader_fail(data: bytes) -> None:
    assert avails_xml.read(data, "a.xml").mistakes
    head = b'<AvailList xmlns="http://www.movielabs.com/schema/avails/v2.4/avails"><Avail><ALID>'
    assert avails_xml.read(head + data, "a.xml").mistakes


@given(st.integers(-(10**9), 10**9), st.sampled_from(["USD", "JPY", "KWD"]))
def test_money_is_the_same_after_the_way_there_and_back(units: int, currency: str) -> None:
    money = f"{currency} {units}"
    back = major_units(money)
    assert back is not None
    assert minor_units(*back) == money


@pytest.mark.parametrize("suffix", ["8FF3-1C20-84F5-F247-8BCD-E", "0C6B-73A7-3D92-3950-76BD-Q"])
def test_one_wrong_digit_in_an_eidr_is_found(suffix: str) -> None:
    assert eidr_holds(suffix)
    for at, sign in enumerate(suffix):
        for other in "0123456789ABCDEF":
            if sign not in ("-", other) and at < len(suffix) - 1:
                assert not eidr_holds(f"{suffix[:at]}{other}{suffix[at + 1 :]}")
