"""The report as a rights manager reads it: whole texts, names of sets of places, and how long it may get."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.vocabulary import Rate, TimeRange, countries, expand_territories
from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.catalogue import reference_decision
from holdback_servers.rights.clearance import ask, decide
from holdback_servers.rights.explaining import report
from holdback_servers.rights.matrix import moment_text, places, window_text
from holdback_servers.rights.model import ContractTerms, RightTerms, contract_on_record, right_on_record
from holdback_servers.rights.plans import plans
from holdback_servers.rights.report import Asked


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def right(name: str, kind: str = "grant", **terms: Any) -> Entry:
    contract = contract_on_record(f"ctr_{name}", ContractTerms(counterparty="A", direction="in", status="active"))
    shape = {"ref": "film:heron", "kind": kind, "media": ["all"], "territories": ["WORLD"], "start": day(1, 1), **terms}
    return entry(right_on_record(f"rgt_{name}", RightTerms.model_validate(shape), contract), contract)


def question(territories: Sequence[str], platforms: Sequence[str]) -> Asked:
    return ask(territories, platforms, start=day(3, 1), end=day(4, 1), purpose="promotion")


def told(asked: Asked, *rights: Entry) -> str:
    spans = [{"in_frame": 0, "out_frame": 240}]
    shape = {"id": "film", "kind": "programme", "ref": "film:heron", "name": "The Heron", "spans": spans}
    listed = ElementList(rate=Rate(num=24), frames=240, elements=(Element.model_validate(shape),))
    cut = CutFacts(media="sha256:" + "1" * 64, title="Heron, 10 s", element_list=listed)
    books = {"film:heron": Book(rights)}
    decision = decide(asked, [cut], books)
    return report(decision, plans(decision, books)).text()


CREDIT = {"type": "credit", "text": "The Heron (c) Heron Films", "min_seconds": 2}
MANY = ["EU", "CH", "GB", "IS", "NO", "AU", "BR", "CA", "MX", "NZ", "US"]
MEDIA = ["linear", "social.instagram", "social.youtube", "vod.svod"]
EMBARGO_ENDS = datetime(2026, 3, 4, 19, 30, tzinfo=UTC)


THREE = """\
CONDITIONAL: of 9 cells (territory x platform) 9 CONDITIONAL.

Asked: promotion in DE, GB, US on linear, social.instagram, social.youtube,
1 Mar 2026 00:00 until 1 Apr 2026 00:00 (all times UTC).
Cut: Heron, 10 s, sha256:111111111111…, elements sha256:d110c39367cc…

Territory  linear  social.instagram
                   social.youtube
DE         if C1   if C1 R1
GB, US     if C1   if C1
(if: once these conditions are met)

When (UTC; the end is the first instant no longer cleared):
  DE on linear                            once C1 is met  all of the window
  DE on social.instagram, social.youtube  once C1 is met  15 Mar 2026 00:00 until 1 Apr 2026 00:00
  GB, US on all platforms                 once C1 is met  all of the window

Why not:
  R1 HOLDBACK: The Heron (programme) is held back: social in DE from 1 Jan 2026 00:00 until 15 Mar 2026 00:00.
     DE on social.instagram, social.youtube, 1 Mar 2026 00:00 until 15 Mar 2026 00:00
     rgt_tv of ctr_tv: "7.3 Broadcast first."

Conditions:
  C1 to meet: credit for film:heron "The Heron (c) Heron Films", 2 s at a stretch
     rgt_film of ctr_film: "2.1 Worldwide, all media."

What would clear it:
  1. Show the credit "The Heron (c) Heron Films" for at least 2 s.
     Start not before 15 Mar 2026 00:00 in DE on social.instagram, social.youtube.
     Decided again: then clear, everywhere asked.
"""
DOZENS = """\
PARTIAL: of 148 cells (territory x platform) 104 CLEARED, 16 PARTIAL, 28 DENIED.

Asked: promotion in AT, AU, BE, BG, BR, CA, CH and 30 more on linear, social.instagram, social.youtube, vod.svod,
1 Mar 2026 00:00 until 1 Apr 2026 00:00 (all times UTC).
Cut: Heron, 10 s, sha256:111111111111…, elements sha256:d110c39367cc…

Territory             linear        social.instagram
                      vod.svod      social.youtube
CH                    denied R1     denied R1 R2
AT, DE                cleared       partly R2
IS, NO                denied R1 R3  denied R1 R3
DK, FI, SE            partly R3     partly R3
AU, BR, MX, NZ        denied R1     denied R1
everywhere else (25)  cleared       cleared
(partly: for some of the window, see When)

When (UTC; the end is the first instant no longer cleared):
  AT, DE on social.instagram, social.youtube  cleared  10 Mar 2026 00:00 until 1 Apr 2026 00:00
  DK, FI, SE on all platforms                 cleared  1 Mar 2026 00:00 until 5 Mar 2026 00:00
                                              cleared  6 Mar 2026 00:00 until 1 Apr 2026 00:00

Why not:
  R1 NO_RIGHTS_IN: No grant covers The Heron (programme) here and then; the nearest, rgt_film, gives all in CA, EU,
       GB, US from 1 Jan 2026 00:00.
     AU, BR, CH, IS, MX, NO, NZ on all platforms
     rgt_film of ctr_film: "2.1"
  R2 HOLDBACK: The Heron (programme) is held back: social in DACH from 1 Jan 2026 00:00 until 10 Mar 2026 00:00.
     DACH (AT, CH, DE) on social.instagram, social.youtube, 1 Mar 2026 00:00 until 10 Mar 2026 00:00
     rgt_tv of ctr_tv: "7.3"
  R3 BLACKOUT: The Heron (programme) is blacked out: all in NORDICS from 5 Mar 2026 00:00 until 6 Mar 2026 00:00.
     NORDICS (DK, FI, IS, NO, SE) on all platforms, 5 Mar 2026 00:00 until 6 Mar 2026 00:00
     rgt_cup of ctr_cup, no clause on record

What would clear it:
  1. Leave out AU, BR, CH, IS, MX, NO, NZ.
     Start not before 6 Mar 2026 00:00 in DK, FI, SE on linear, social.instagram, social.youtube, vod.svod.
     Start not before 10 Mar 2026 00:00 in AT, DE on social.instagram, social.youtube.
     Decided again: then clear, EU (27), CA, GB, US on all platforms.
  2. Buy programme rights in The Heron (film:heron) for AU, BR, CH, IS, MX, NO, NZ on linear, social.instagram,
       social.youtube, vod.svod, 1 Mar 2026 00:00 to 1 Apr 2026 00:00, for promotion; a person has to agree it.
     Start not before 6 Mar 2026 00:00 in NORDICS (DK, FI, IS, NO, SE) on linear, social.instagram, social.youtube,
       vod.svod.
     Start not before 10 Mar 2026 00:00 in DACH (AT, CH, DE) on social.instagram, social.youtube.
     Decided again as if it were on record: then clear, everywhere asked.
"""
WORLD = """\
PARTIAL: of 1250 cells (territory x platform) 1181 CLEARED, 10 PARTIAL, 59 DENIED.

Asked: promotion in WORLD (250) on linear, social.instagram, social.youtube, vod.avod, vod.svod,
1 Mar 2026 00:00 until 1 Apr 2026 00:00 (all times UTC).
Cut: Heron, 10 s, sha256:111111111111…, elements sha256:d110c39367cc…

Territory              linear            vod.avod
                       social.instagram  vod.svod
                       social.youtube
GB                     denied R2         denied R2
CA, US                 partly R3         partly R3
EU (27)                cleared           denied R1
everywhere else (220)  cleared           cleared
(partly: for some of the window, see When)

When (UTC; the end is the first instant no longer cleared):
  CA, US on all platforms  cleared  4 Mar 2026 19:30 until 1 Apr 2026 00:00

Why not:
  R1 HOLDBACK: The Heron (programme) is held back: vod in EU from 1 Jan 2026 00:00.
     EU (27) on vod.avod, vod.svod
     rgt_eu of ctr_eu: "7 Video on demand in the EU is another's."
  R2 BLACKOUT: The Heron (programme) is blacked out: all in GB from 1 Jan 2026 00:00.
     GB on all platforms
     rgt_court of ctr_court, no clause on record
  R3 EMBARGO: The Heron (programme) is under embargo: all in CA, US from 1 Jan 2026 00:00 until 4 Mar 2026 19:30.
     CA, US on all platforms, 1 Mar 2026 00:00 until 4 Mar 2026 19:30
     rgt_launch of ctr_launch: "3 Not before the launch."

What would clear it:
  1. Leave out EU (27), GB.
     Start not before 4 Mar 2026 19:30 in CA, US on linear, social.instagram, social.youtube, vod.avod, vod.svod.
     Decided again: then clear, everywhere but EU (27), GB on all platforms.
  2. Leave out vod.avod, vod.svod.
     Leave out GB.
     Start not before 4 Mar 2026 19:30 in CA, US on linear, social.instagram, social.youtube.
     Decided again: then clear, everywhere but GB on linear, social.instagram, social.youtube.
"""


def test_a_handful_of_territories_read_well() -> None:
    text = told(
        question(["DE", "GB", "US"], MEDIA[:3]),
        right("film", clause="2.1 Worldwide, all media.", conditions=[CREDIT]),
        right("tv", "holdback", territories=["DE"], media=["social"], end=day(3, 15), clause="7.3 Broadcast first."),
    )

    assert text + "\n" == THREE


def test_dozens_of_territories_read_well() -> None:
    text = told(
        question(MANY, MEDIA),
        right("film", territories=["EU", "GB", "US", "CA"], clause="2.1"),
        right("tv", "holdback", territories=["DACH"], media=["social"], end=day(3, 10), clause="7.3"),
        right("cup", "blackout", territories=["NORDICS"], start=day(3, 5), end=day(3, 6)),
    )

    assert text + "\n" == DOZENS


def test_the_whole_world_read_well() -> None:
    text = told(
        question(["WORLD"], [*MEDIA, "vod.avod"]),
        right("film", clause="2.1 The world."),
        right("launch", "embargo", territories=["US", "CA"], end=EMBARGO_ENDS, clause="3 Not before the launch."),
        right("eu", "holdback", territories=["EU"], media=["vod"], clause="7 Video on demand in the EU is another's."),
        right("court", "blackout", territories=["GB"], source="court order"),
    )

    assert text + "\n" == WORLD


def test_a_question_without_a_cut_says_so_and_tells_what_a_cut_must_meet() -> None:
    books = {"film:heron": Book([right("film", conditions=[CREDIT])])}
    text = report(reference_decision(["film:heron"], books, question(["GB"], ["linear"]), derivative=True)).text()

    assert "No cut was judged" in text
    assert 'asked of a cut: credit for film:heron "The Heron (c) Heron Films", 2 s at a stretch' in text


def test_thousands_of_cells_that_all_differ_stay_within_a_sensible_length() -> None:
    some = sorted(countries())[:200]
    rights = [right(f"{code}", territories=[code], start=day(2, 1), end=datetime(2026, 3, 2, number % 24, number // 24,
              tzinfo=UTC), clause="x " * 2000) for number, code in enumerate(some)]  # fmt: skip
    lines = told(question(["WORLD"], MEDIA), *rights).splitlines()

    assert len(lines) < 200
    assert max(map(len, lines)) <= 140
    assert any("more territories in the report" in line for line in lines)


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        (["GB"], "GB"),
        (["IE", "GB"], "GB, IE"),
        (["AT", "CH", "DE"], "DACH (AT, CH, DE)"),
        (sorted(expand_territories(["EU"], date.max)), "EU (27)"),
        (sorted(expand_territories(["EU", "GB"], date.max)), "EU (27), GB"),
        (sorted(countries()), f"WORLD ({len(countries())})"),
        (sorted(countries() - {"US"}), "WORLD except US"),
        (sorted(countries() - expand_territories(["EU"], date.max)), "WORLD except EU (27)"),
        (["AL", "AR", "BR", "CN", "FJ", "GE", "JP", "KE", "MA", "US"], "AL, AR, BR, CN, FJ, GE, JP and 3 more"),
    ],
)
def test_sets_of_places_have_the_names_people_use(codes: list[str], text: str) -> None:
    assert places(codes) == text


def test_a_group_is_named_by_its_members_on_the_day() -> None:
    old = sorted(expand_territories(["EU"], date(2019, 1, 1)))

    assert places(old, date(2019, 1, 1)) == "EU (28)"
    assert places(old) == "EU (27), GB"


def test_instants_are_told_with_the_month_by_name_and_seconds_only_where_there_are_any() -> None:
    assert moment_text(datetime(2026, 11, 24, 19, tzinfo=UTC)) == "24 Nov 2026 19:00"
    assert moment_text(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2 Jan 2026 03:04:05"
    assert window_text(TimeRange(start=day(5, 1))) == "from 1 May 2026 00:00"
    assert window_text(TimeRange(start=day(5, 1), end=day(5, 2))) == "1 May 2026 00:00 until 2 May 2026 00:00"
