"""What would clear it, kind by kind: the smallest change, decided again, and honest about who has to act."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.vocabulary import Rate
from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.catalogue import reference_decision
from holdback_servers.rights.clearance import ask, decide
from holdback_servers.rights.model import ContractTerms, RightTerms, contract_on_record, right_on_record
from holdback_servers.rights.plans import plans
from holdback_servers.rights.remedies import applied, with_acquired
from holdback_servers.rights.report import Asked, Plan


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def right(name: str, ref: str, kind: str = "grant", *, taken: int = 0, **terms: Any) -> Entry:
    contract = contract_on_record(
        f"ctr_{name}",
        ContractTerms(counterparty="A", direction="out" if kind == "licence_out" else "in", status="active"),
    )
    shape = {"ref": ref, "kind": kind, "media": ["all"], "territories": ["WORLD"], "start": day(1, 1), **terms}
    return entry(right_on_record(f"rgt_{name}", RightTerms.model_validate(shape), contract), contract, taken)


def cut(*elements: tuple[str, str]) -> CutFacts:
    spans = [{"in_frame": 0, "out_frame": 240}]
    listed = [
        Element.model_validate({"id": f"{ref}-{kind}", "kind": kind, "ref": ref, "name": ref, "spans": spans})
        for ref, kind in elements
    ]
    return CutFacts(
        media="sha256:" + "1" * 64, element_list=ElementList(rate=Rate(num=24), frames=240, elements=tuple(listed))
    )


FILM, WALTZ = ("film:a", "programme"), ("music:b", "music_master")


def question(places: Sequence[str] = ("DE",), media: Sequence[str] = ("social.youtube",), **more: Any) -> Asked:
    return ask(places, media, **{"start": day(3, 1), "end": day(4, 1), "purpose": "promotion", **more})


def books_of(entries: Sequence[Entry]) -> dict[str, Book]:
    refs = {each.right.ref for each in entries}
    return {ref: Book(each for each in entries if each.right.ref == ref) for ref in refs}


def offered(entries: Sequence[Entry], facts: CutFacts, asked: Asked) -> tuple[Plan, ...]:
    """The plans, each of which is decided again here if it says it was."""
    books = books_of(entries)
    found = plans(decide(asked, [facts], books), books)
    for plan in found:
        known = with_acquired(books, plan.remedies)
        parts = applied(asked, [facts], plan.remedies) if plan.verified else ()
        assert all(decide(each.asked, each.cuts, known).clear for each in parts)
    return found


def kinds(plan: Plan) -> list[str]:
    return [each.kind for each in plan.remedies]


def test_the_right_that_is_missing_is_named_to_the_kind_place_platform_and_window() -> None:
    entries = [
        right("film", "film:a"),
        right("master", "music:b", element_kinds=["music_master", "music_performance"]),
        right("publishing", "music:b", element_kinds=["music_publishing"], territories=["GB"]),
        right("short", "music:b", element_kinds=["music_publishing"], territories=["DE"], end=day(3, 11)),
    ]
    found = offered(entries, cut(FILM, WALTZ), question(["GB", "DE"]))

    buying = next(each for each in found if "acquire_right" in kinds(each))
    missing = buying.remedies[0].missing
    assert missing is not None
    assert kinds(buying) == ["acquire_right"]
    assert (missing.ref, missing.element_kinds) == ("music:b", ("music_publishing",))
    assert (missing.territories, missing.platforms) == (("DE",), ("social.youtube",))
    assert (missing.window.start, missing.window.end) == (day(3, 11), day(4, 1))
    assert "a person has to agree it" in buying.remedies[0].text
    assert buying.verified


def test_buying_costs_more_than_editing_or_dropping_a_territory_and_is_offered_all_the_same() -> None:
    entries = [right("film", "film:a"), right("all", "music:b", territories=["GB", "FR", "IT"])]
    found = offered(entries, cut(FILM, WALTZ), question(["GB", "DE", "FR", "IT"]))

    assert [kinds(each) for each in found] == [["replace_element"], ["drop_territory"], ["acquire_right"]]


def test_against_a_restriction_nothing_is_bought() -> None:
    entries = [right("film", "film:a"), right("sold", "film:a", "licence_out", exclusive=True, territories=["DE"])]
    found = offered(entries, cut(FILM), question(["GB", "DE"]))

    assert [kinds(each) for each in found] == [["drop_territory"]]


def test_what_is_bought_leaves_out_the_time_that_is_barred_anyway() -> None:
    entries = [right("uk", "film:a", territories=["GB"]), right("tv", "film:a", "holdback", end=day(3, 15))]
    found = offered(entries, cut(FILM), question(["GB", "DE"]))

    missing = [each.missing for plan in found for each in plan.remedies if each.missing]
    assert [(each.territories, each.window.start) for each in missing] == [(("DE",), day(3, 15))]


def test_where_only_exclusivity_lacks_an_exclusive_grant_is_to_be_bought() -> None:
    found = offered([right("film", "film:a")], cut(FILM), question(exclusive=True))

    assert [kinds(each) for each in found] == [["acquire_right"]]
    missing = found[0].remedies[0].missing
    assert missing is not None
    assert missing.exclusive


def test_a_window_that_is_too_long_ends_earlier() -> None:
    found = offered([right("film", "film:a", window_max_days=14)], cut(FILM), question())

    assert kinds(found[0]) == ["end_earlier"]
    assert (found[0].remedies[0].end, found[0].remedies[0].rights) == (day(3, 15), ("rgt_film",))


def test_an_open_window_ends_when_the_longest_grant_lets_it() -> None:
    entries = [right("a", "film:a", window_max_days=7), right("b", "film:a", window_max_days=10)]

    assert offered(entries, cut(FILM), question(end=None))[0].remedies[0].end == day(3, 11)


def test_fewer_runs_are_planned_while_some_are_left_and_more_are_bought_when_none_is() -> None:
    some = offered([right("film", "film:a", max_runs=5, taken=3)], cut(FILM), question(runs=4))
    none = offered([right("film", "film:a", max_runs=5, taken=5)], cut(FILM), question(runs=4))

    assert [(each.kind, each.runs) for each in some[0].remedies] == [("fewer_runs", 2)]
    assert [kinds(each) for each in none] == [["acquire_right"]]


def test_a_language_nobody_licensed_is_left_out() -> None:
    entries = [right("film", "film:a", languages=["de", "subtitle:fr"])]
    found = offered(entries, cut(FILM), question(languages=["de", "fr"]))

    assert [(each.kind, each.languages) for each in found[0].remedies] == [("drop_language", ("fr",))]


def test_several_limits_on_the_question_are_kept_to_together() -> None:
    entries = [right("film", "film:a", max_runs=2, window_max_days=14, languages=["de"])]
    found = offered(entries, cut(FILM), question(runs=3, languages=["de", "fr"]))

    assert sorted(kinds(found[0])) == ["drop_language", "end_earlier", "fewer_runs"]


def test_an_age_gate_and_a_geo_block_are_undertaken() -> None:
    conditions = [{"type": "age_gate", "text": "16 and over"}, {"type": "geo_block"}]
    found = offered([right("film", "film:a", conditions=conditions)], cut(FILM), question())

    assert {each.undertakings for each in found[0].remedies} == {("age_gate",), ("geo_block",)}
    assert found[0].verified
    assert any("16 and over" in each.text for each in found[0].remedies)


def test_an_approval_is_asked_for_beside_what_can_be_edited() -> None:
    conditions = [{"type": "approval"}, {"type": "credit", "text": "By A"}]
    (plan,) = offered([right("film", "film:a", conditions=conditions)], cut(FILM), question())

    assert sorted(kinds(plan)) == ["add_credit", "ask_human"]
    assert not plan.verified


def test_an_event_nobody_recorded_is_asked_for_with_the_right_that_hangs_on_it() -> None:
    hanging = right("film", "film:a", start=None, start_event={"event": "theatrical", "lag": "P90D"})
    found = offered([hanging], cut(FILM), question())

    asks = next(each for each in found if "ask_human" in kinds(each))
    assert not asks.verified
    assert asks.remedies[0].text.startswith("Ask a person to record when theatrical happens to film:a: rgt_film starts")
    assert asks.remedies[0].rights == ("rgt_film",)
    assert [kinds(each) for each in found] == [["acquire_right"], ["ask_human"]]


def test_what_nobody_recorded_is_not_bought_before_a_person_found_out_about_it() -> None:
    found = offered([], cut(FILM), question())

    assert [kinds(each) for each in found] == [["ask_human"]]


def test_a_reference_without_a_cut_has_plans_without_edits() -> None:
    entries = [right("film", "film:a", territories=["GB"], max_runs=1, conditions=[{"type": "credit", "text": "By A"}])]
    books, asked = books_of(entries), question(["GB", "DE"], runs=2)

    def again(asked: Asked, _cuts: Sequence[CutFacts], known: Any) -> Any:
        return reference_decision(["film:a"], known, asked, derivative=True)

    found = plans(again(asked, (), books), books, decide_again=again)
    assert sorted(kinds(found[0])) == ["drop_territory", "fewer_runs"]
    assert all(each.verified for each in found)


def test_the_world_with_ten_elements_is_searched_within_bounds() -> None:
    refs = [(f"film:{number}", "programme") for number in range(10)]
    entries = [
        right(
            f"{number}", f"film:{number}", territories=["EU"] if number % 2 else ["WORLD"], window_max_days=20 + number
        )
        for number in range(10)
    ]
    media = ["linear", "social.youtube", "social.instagram", "vod.svod", "vod.avod"]

    assert 0 < len(offered(entries, cut(*refs), question(["WORLD"], media))) <= 5
