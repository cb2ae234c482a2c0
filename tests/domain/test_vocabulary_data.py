"""The data behind the vocabulary: territory groups with dated members, and the tree of media."""

import json
import re
from datetime import date
from importlib.resources import files
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_base.vocabulary import (
    countries,
    expand_territories,
    group_members,
    groups,
    media_tree,
    medium_within,
    parse_language,
    parse_medium,
    parse_territory,
)

GROUPS: dict[str, Any] = json.loads(files("holdback_base").joinpath("data/territory_groups.json").read_text("utf-8"))
MEMBER = re.compile(r"[A-Z]{2}( from \d{4}-\d\d-\d\d)?( until \d{4}-\d\d-\d\d)?")
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize("name", GROUPS)
def test_every_group_says_where_it_is_defined_and_names_each_country_once(name: str) -> None:
    members = GROUPS[name]["members"]
    assert GROUPS[name]["source"].endswith(".")
    assert all(MEMBER.fullmatch(each) for each in members)
    codes = [each[:2] for each in members]
    assert len(codes) == len(set(codes))
    assert set(codes) <= countries()
    assert name not in countries()
    for each in members:
        days = re.findall(r"\d{4}-\d\d-\d\d", each)
        assert days == sorted({date.fromisoformat(day).isoformat() for day in days})


@pytest.mark.parametrize(
    ("name", "count"),
    [("EU", 27), ("EEA", 30), ("EFTA", 4), ("GCC", 6), ("ASEAN", 11), ("CIS", 9), ("ARAB_LEAGUE", 22), ("LATAM", 21)],
)
def test_a_group_has_as_many_members_today_as_it_says_of_itself(name: str, count: int) -> None:
    assert len(group_members(name, TODAY)) == count


@pytest.mark.parametrize(
    ("name", "code", "last_before", "first_after", "joins"),
    [
        ("EU", "GB", "2020-01-31", "2020-02-01", False),
        ("EU", "PL", "2004-04-30", "2004-05-01", True),
        ("EU", "HR", "2013-06-30", "2013-07-01", True),
        ("EEA", "HR", "2014-04-11", "2014-04-12", True),
        ("EFTA", "AT", "1994-12-31", "1995-01-01", False),
        ("CIS", "GE", "2009-08-17", "2009-08-18", False),
        ("ASEAN", "TL", "2025-10-25", "2025-10-26", True),
    ],
)
def test_who_joins_or_leaves_does_so_on_the_day(
    name: str, code: str, last_before: str, first_after: str, joins: bool
) -> None:
    assert (code in group_members(name, date.fromisoformat(last_before))) is not joins
    assert (code in group_members(name, date.fromisoformat(first_after))) is joins
    assert (code in group_members(name, date.max)) is joins


def test_groups_world_and_codes_are_expanded_together() -> None:
    assert expand_territories(["dach", "US-CA", "XK"], TODAY) == {"AT", "CH", "DE", "US-CA", "XK"}
    assert expand_territories(["WORLD"], TODAY) == countries()
    assert set(groups()) == set(GROUPS)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("UK", "Did you mean GB?"),
        ("England", "Use an ISO 3166 code"),
        ("Germany", "Did you mean DE?"),
        ("EU", "EU is a group of territories"),
        ("Arab League", "Did you mean the group ARAB_LEAGUE?"),
        ("APAC", "Contracts mean different places by it"),
        ("North America", "Contracts mean different places by it"),
        ("US-XX", "Use an ISO 3166 code"),
    ],
)
def test_what_is_no_territory_is_refused_with_a_cure(text: str, cure: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_territory(text)
    assert refused.value.code == "TERRITORY_UNKNOWN"
    assert cure in refused.value.hint


def test_the_tree_of_media_is_a_tree() -> None:
    tree = media_tree()
    assert next(iter(tree)) == "all"
    for node, name in tree.items():
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)*", node), node
        assert name.strip()
        parent = node.rpartition(".")[0]
        assert not parent or parent in tree, f"{node} has no parent"
        assert medium_within(node, "all")
        assert medium_within(node, node)
    names = list(tree.values())
    assert len(names) == len(set(names))
    leaves = [each.rpartition(".")[2] for each in tree]
    assert len(leaves) == len(set(leaves)), "a hint by the last part would be ambiguous"


def test_every_licence_type_of_avails_has_a_node_to_be_recorded_under() -> None:
    for node in ("vod.est", "vod.tvod", "vod.svod", "vod.avod", "vod.fvod", "linear.fast", "physical"):
        assert parse_medium(node) == node
    with pytest.raises(Problem) as refused:
        parse_medium("youtube")
    assert refused.value.hint == "Did you mean social.youtube?"


@pytest.mark.parametrize(("text", "tag"), [("ES-419", "es-419"), ("zh-hant-tw", "zh-Hant-TW"), ("EN-gb", "en-GB")])
def test_language_tags_get_their_usual_case(text: str, tag: str) -> None:
    assert parse_language(text) == tag


@pytest.mark.parametrize(
    ("text", "tag"), [("ger", "de"), ("DEU-at", "de-AT"), ("iw", "he"), ("cmn", "cmn"), ("qaa", "qaa")]
)
def test_a_language_has_one_code_the_shortest(text: str, tag: str) -> None:
    assert parse_language(text) == tag


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("xq", "Use an ISO 639 code, as de."),
        ("en-UK", "Did you mean en-GB?"),
        ("de-ZZ", "Use an ISO 3166 code, as en-GB."),
        ("german", "Write it as de, en-GB or es-419."),
    ],
)
def test_a_language_or_a_country_that_does_not_exist_is_refused_with_the_cure(text: str, hint: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_language(text)

    assert (refused.value.code, refused.value.hint) == ("LANGUAGE_UNKNOWN", hint)
    assert text in refused.value.message
