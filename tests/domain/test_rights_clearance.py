"""Verdicts, reasons, conditions and plans, by value."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_base.elements import CutFacts, Element, ElementList, Notice
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.catalogue import available, reference_decision
from holdback_servers.rights.clearance import ask, decide
from holdback_servers.rights.explaining import report
from holdback_servers.rights.issuing import claims
from holdback_servers.rights.model import ContractTerms, RightTerms, contract_on_record, right_on_record
from holdback_servers.rights.plans import plans
from holdback_servers.rights.report import Asked, ClearanceReport, Plan

FRAMES = 240
"""Ten seconds at 24."""


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def right(name: str, ref: str, kind: str = "grant", *, status: str = "active", **terms: Any) -> Entry:
    contract = contract_on_record(
        f"ctr_{name}",
        ContractTerms.model_validate(
            {"counterparty": "A", "direction": "out" if kind == "licence_out" else "in", "status": status}
        ),
    )
    shape = {"ref": ref, "kind": kind, "media": ["all"], "territories": ["WORLD"], "start": day(1, 1), **terms}
    return entry(right_on_record(f"rgt_{name}", RightTerms.model_validate(shape), contract), contract)


def element(ref: str, kind: str = "programme", start: int = 0, end: int = FRAMES, **more: Any) -> Element:
    spans = [{"in_frame": start, "out_frame": end}]
    return Element.model_validate(
        {"id": f"{ref}-{start}", "kind": kind, "ref": ref, "name": ref, "spans": spans, **more}
    )


def cut(*elements: Element, notices: Sequence[Notice] = ()) -> CutFacts:
    listed = ElementList(rate=Rate(num=24), frames=FRAMES, elements=elements, notices=tuple(notices))
    return CutFacts(media="sha256:" + "1" * 64, element_list=listed)


def credit(text: str, start: int, end: int) -> Notice:
    return Notice(kind="credit", text=text, span=Span(in_frame=start, out_frame=end))


def question(places: Sequence[str] = ("GB",), media: Sequence[str] = ("social.youtube",), **more: Any) -> Asked:
    asks: dict[str, Any] = {"start": day(3, 1), "end": day(4, 1), "purpose": "promotion", **more}
    return ask(places, media, **asks)


def judged(entries: Sequence[Entry], *cuts: CutFacts, asked: Asked | None = None) -> ClearanceReport:
    books = {each.right.ref: Book(e for e in entries if e.right.ref == each.right.ref) for each in entries}
    decision = decide(asked or question(), cuts, books)
    return report(decision, plans(decision, books))


def codes(answer: ClearanceReport) -> list[tuple[str, str | None]]:
    return [(each.code, each.right) for each in answer.reasons]


def kinds(plan: Plan) -> list[str]:
    return [each.kind for each in plan.remedies]


def test_a_granted_element_is_cleared_without_a_word() -> None:
    answer = judged([right("a", "film:a")], cut(element("film:a")))

    assert answer.verdict == "CLEARED"
    assert (answer.reasons, answer.plans) == ((), ())
    assert answer.groups[0].windows == (question().window,)


def test_a_cut_that_lists_nothing_is_unknown_and_never_clear() -> None:
    answer = judged([], cut())

    assert answer.verdict == "NEEDS_HUMAN"
    assert codes(answer) == [("ELEMENT_UNKNOWN", None)]
    assert kinds(answer.plans[0]) == ["ask_human"]
    assert not answer.plans[0].verified


def test_an_element_nobody_recorded_needs_a_person_even_beside_cleared_ones() -> None:
    answer = judged([right("a", "film:a")], cut(element("film:a"), element("still:b", "still")))

    assert answer.verdict == "NEEDS_HUMAN"
    assert answer.groups[0].windows == ()
    assert [each.elements for each in answer.reasons] == [("still:b-0",)]
    assert kinds(answer.plans[0]) == ["replace_element"]
    assert answer.plans[0].verified


def test_known_refusal_outweighs_an_unknown_element() -> None:
    answer = judged([right("a", "film:a", territories=["US"])], cut(element("film:a"), element("still:b", "still")))

    assert answer.verdict == "DENIED"
    assert {each.code for each in answer.reasons} == {"ELEMENT_UNKNOWN", "NO_RIGHTS_IN"}


@pytest.mark.parametrize("status", ["draft", "pending", "rejected", "inactive"])
def test_only_an_active_contract_speaks(status: str) -> None:
    granted = judged([right("a", "film:a", status=status)], cut(element("film:a")))
    barred = judged([right("a", "film:a"), right("b", "film:a", "holdback", status=status)], cut(element("film:a")))

    assert granted.verdict == "DENIED"
    assert codes(granted) == [("CONTRACT_NOT_ACTIVE", "rgt_a")]
    assert barred.verdict == "CLEARED"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("licence_out", "RIGHTS_OUT_OVERLAP"),
        ("holdback", "HOLDBACK"),
        ("blackout", "BLACKOUT"),
        ("embargo", "EMBARGO"),
    ],
)
def test_what_stands_against_a_grant_is_named_with_its_windows(kind: str, code: str) -> None:
    against = right("b", "film:a", kind, exclusive=True, start=day(2, 1), end=day(3, 10), clause="7.3")
    answer = judged([right("a", "film:a"), against], cut(element("film:a")))

    assert answer.verdict == "PARTIAL"
    assert answer.groups[0].windows[0].start == day(3, 10)
    (reason,) = answer.reasons
    assert (reason.code, reason.right, reason.contract, reason.clause) == (code, "rgt_b", "ctr_b", "7.3")
    assert (reason.windows[0].start, reason.windows[0].end) == (day(3, 1), day(3, 10))
    assert [(each.kind, each.start) for each in answer.plans[0].remedies] == [("start_later", day(3, 10))]


def test_a_licence_out_that_is_not_exclusive_takes_nothing_away() -> None:
    assert (
        judged([right("a", "film:a"), right("b", "film:a", "licence_out")], cut(element("film:a"))).verdict == "CLEARED"
    )


def test_grants_that_follow_one_another_cover_together() -> None:
    entries = [right("a", "film:a", end=day(3, 10)), right("b", "film:a", start=day(3, 10), end=day(3, 20))]
    answer = judged(entries, cut(element("film:a")))

    assert answer.verdict == "PARTIAL"
    assert [(each.start, each.end) for each in answer.groups[0].windows] == [(day(3, 1), day(3, 20))]
    assert answer.reasons[0].code == "PARTIAL_RIGHTS_IN"
    assert answer.reasons[0].windows[0].start == day(3, 20)
    assert [(each.kind, each.end) for each in answer.plans[0].remedies] == [("end_earlier", day(3, 20))]


def test_an_open_question_is_clear_only_under_an_open_grant() -> None:
    asked = question(end=None)

    assert judged([right("a", "film:a")], cut(element("film:a")), asked=asked).verdict == "CLEARED"
    closing = judged([right("a", "film:a", end=day(12, 1))], cut(element("film:a")), asked=asked)
    assert closing.verdict == "PARTIAL"
    assert closing.reasons[0].windows[0].end is None


def test_elements_that_are_never_clear_at_once_leave_nothing_and_it_is_said() -> None:
    entries = [right("a", "film:a", end=day(3, 10)), right("b", "logo:b", start=day(3, 10))]
    answer = judged(entries, cut(element("film:a"), element("logo:b", "logo")))

    assert answer.verdict == "DENIED"
    assert [each.code for each in answer.reasons][-1] == "NO_COMMON_WINDOW"
    assert answer.reasons[-1].elements == ()


def test_every_element_is_judged_on_the_whole_window_so_an_embargo_hides_no_other_reason() -> None:
    entries = [
        right("a", "film:a"),
        right("e", "film:a", "embargo", end=day(12, 1)),
        right("b", "logo:b", territories=["US"]),
    ]
    answer = judged(entries, cut(element("film:a"), element("logo:b", "logo")))

    assert codes(answer) == [("EMBARGO", "rgt_e"), ("NO_RIGHTS_IN", "rgt_b")]


def test_music_needs_the_recording_the_work_and_its_performance() -> None:
    master, work = element("music:a", "music_master"), element("music:a", "music_publishing", 1)
    recording = right("m", "music:a", element_kinds=["music_master"])
    publishing = right("p", "music:a", element_kinds=["music_publishing"])
    society = right("s", "music:a", element_kinds=["music_performance"])

    assert judged([recording, publishing, society], cut(master, work)).verdict == "CLEARED"
    assert judged([recording, society], cut(master)).verdict == "NEEDS_HUMAN"
    assert judged([publishing, society], cut(work)).verdict == "CLEARED"
    assert judged([right("x", "music:a")], cut(master)).verdict == "CLEARED"
    unperformed = judged([recording, publishing], cut(master, work))
    assert unperformed.verdict == "NEEDS_HUMAN"
    assert [(each.element_kind, each.elements) for each in unperformed.reasons] == [
        ("music_performance", ("music:a-0", "music:a-1"))
    ]


def test_a_blanket_licence_gives_the_performance_of_any_music_and_nothing_else() -> None:
    used = [right("m", "music:a", element_kinds=["music_master", "music_publishing"])]
    blanket = right("s", "music:any", territories=["GB"], clause="1: the repertoire")
    there = question(["GB", "DE"])
    answer = judged([*used, blanket], cut(element("music:a", "music_master")), asked=there)

    assert {each.territories: each.verdict for each in answer.groups} == {("DE",): "DENIED", ("GB",): "CLEARED"}
    assert codes(answer) == [("NO_RIGHTS_IN", "rgt_s")]
    assert judged([blanket], cut(element("music:a", "music_master"))).verdict == "NEEDS_HUMAN"
    changed = judged([*used, right("s", "music:any")], cut(element("music:a", "music_master")), asked=there)
    assert changed.rights_snapshot != answer.rights_snapshot


@pytest.mark.parametrize(
    ("terms", "more", "code"),
    [
        ({"purposes": ["editorial", "news"]}, {}, "PURPOSE_NOT_LICENSED"),
        ({}, {"purpose": "training"}, "PURPOSE_NOT_LICENSED"),
        ({"languages": ["de"]}, {}, "LANGUAGE_NOT_LICENSED"),
        ({"languages": ["es-419"]}, {"languages": ["es"]}, "LANGUAGE_NOT_LICENSED"),
        ({"derivative_allowed": False}, {}, "DERIVATIVE_NOT_ALLOWED"),
        ({"max_duration_seconds": 9}, {}, "DURATION_OVER_LIMIT"),
    ],
)
def test_a_grant_that_fails_on_one_point_is_named_for_it(
    terms: dict[str, Any], more: dict[str, Any], code: str
) -> None:
    answer = judged([right("a", "film:a", **terms)], cut(element("film:a")), asked=question(**more))

    assert answer.verdict == "DENIED"
    assert codes(answer) == [(code, "rgt_a")]


@pytest.mark.parametrize(
    ("terms", "more"),
    [
        ({"purposes": ["promotion"]}, {}),
        ({"purposes": ["training"]}, {"purpose": "training"}),
        ({"languages": ["es"]}, {"languages": ["es-419"]}),
        ({"max_duration_seconds": 10}, {}),
    ],
)
def test_a_grant_that_says_so_covers(terms: dict[str, Any], more: dict[str, Any]) -> None:
    assert judged([right("a", "film:a", **terms)], cut(element("film:a")), asked=question(**more)).verdict == "CLEARED"


def test_several_grants_together_cover_the_languages_asked_for() -> None:
    german, spanish = right("a", "film:a", languages=["de"]), right("b", "film:a", languages=["es"], end=day(3, 10))
    both = question(languages=["de", "es-419"])
    answer = judged([german, spanish], cut(element("film:a")), asked=both)

    assert answer.verdict == "PARTIAL"
    assert answer.groups[0].windows[0].end == day(3, 10)
    assert codes(answer) == [("LANGUAGE_NOT_LICENSED", "rgt_a")]
    assert answer.reasons[0].text == "rgt_a of ctr_a covers film:a (programme) in de; not in es-419."
    assert answer.reasons[0].windows[0].start == day(3, 10)


def test_a_credit_is_owed_only_under_the_grant_whose_language_is_used() -> None:
    owed = right("b", "film:a", languages=["es"], conditions=[{"type": "credit", "text": "B"}])
    entries = [right("a", "film:a", languages=["de"]), owed]

    assert judged(entries, cut(element("film:a")), asked=question(languages=["de"])).conditions == ()
    assert judged(entries, cut(element("film:a")), asked=question(languages=["de", "es"])).verdict == "CONDITIONAL"


@pytest.mark.parametrize(
    ("own", "asked", "clear"),
    [
        (["subtitle:de"], ["subtitle:de"], True),
        (["subtitle:de"], ["de"], False),
        (["subtitle:de"], ["dub:de"], False),
        (["de"], ["dub:de"], True),
        (["audio:en", "subtitle:de"], ["audio:en", "subtitle:de"], True),
    ],
)
def test_a_language_may_be_granted_for_one_track_only(own: list[str], asked: list[str], clear: bool) -> None:
    answer = judged([right("a", "film:a", languages=own)], cut(element("film:a")), asked=question(languages=asked))

    assert (answer.verdict == "CLEARED") is clear


def test_a_grant_whose_start_nobody_knows_gives_nothing_yet_and_says_what_is_missing() -> None:
    lag = {"event": "theatrical", "lag": "P90D"}
    answer = judged([right("a", "film:a", start=None, start_event=lag)], cut(element("film:a")))

    assert answer.verdict == "DENIED"
    assert codes(answer) == [("UNRESOLVED_EVENT", "rgt_a")]
    assert answer.reasons[0].text == (
        "rgt_a of ctr_a gives film:a (programme) all in WORLD from theatrical P90D, once that is known. "
        "The date of theatrical is not on record."
    )


def test_a_restriction_whose_end_nobody_knows_stands_for_as_long_as_it_may_last() -> None:
    held = right("h", "film:a", "holdback", start=day(3, 10), end_event={"event": "broadcast"})
    answer = judged([right("a", "film:a"), held], cut(element("film:a")))

    assert answer.verdict == "PARTIAL"
    assert answer.groups[0].windows[0].end == day(3, 10)
    assert codes(answer) == [("UNRESOLVED_EVENT", "rgt_h")]
    assert "The date of broadcast is not on record" in answer.reasons[0].text


@pytest.mark.parametrize(("end", "clear"), [(day(3, 8), True), (day(3, 9), False), (None, False)])
def test_a_window_limit_counts_days_of_24_hours(end: datetime | None, clear: bool) -> None:
    answer = judged([right("a", "film:a", window_max_days=7)], cut(element("film:a")), asked=question(end=end))

    assert (answer.verdict == "CLEARED") is clear
    if not clear:
        assert codes(answer) == [("WINDOW_LIMIT", "rgt_a")]
        assert "7 days of 24 hours at most" in answer.reasons[0].text


@pytest.mark.parametrize(("taken", "runs", "clear"), [(0, 3, True), (0, 4, False), (2, 1, True), (2, 2, False)])
def test_a_run_limit_counts_runs_used_reserved_and_asked_for(taken: int, runs: int, clear: bool) -> None:
    limited = replace(right("a", "film:a", max_runs=3), taken=taken)
    answer = judged([limited], cut(element("film:a")), asked=question(runs=runs))

    assert (answer.verdict == "CLEARED") is clear
    if not clear:
        assert codes(answer) == [("RUNS_EXHAUSTED", "rgt_a")]
        assert f"of which {taken} are used or reserved; {3 - taken} are left" in answer.reasons[0].text


def test_to_the_exclusion_of_others_needs_an_exclusive_grant_and_no_licence_out_at_all() -> None:
    asked = question(exclusive=True)
    sold = right("o", "film:a", "licence_out")
    shared, own = right("a", "film:a"), right("b", "film:a", exclusive=True)

    assert codes(judged([shared], cut(element("film:a")), asked=asked)) == [("NO_EXCLUSIVE_RIGHTS_IN", "rgt_a")]
    assert judged([shared, own], cut(element("film:a")), asked=asked).verdict == "CLEARED"
    assert codes(judged([own, sold], cut(element("film:a")), asked=asked)) == [("RIGHTS_OUT_OVERLAP", "rgt_o")]
    assert judged([own, sold], cut(element("film:a"))).verdict == "CLEARED"


def test_a_share_of_the_work_limits_as_seconds_do() -> None:
    share = right("a", "film:a", max_excerpt_percent=10, work_seconds=90, max_duration_seconds=60)
    answer = judged([share], cut(element("film:a")))

    assert codes(answer) == [("DURATION_OVER_LIMIT", "rgt_a")]
    assert "last 9 s at most (10 % of a work of 90 s); in this cut it lasts 10 s" in answer.reasons[0].text


@pytest.mark.parametrize("kind", ["age_gate", "geo_block"])
def test_what_is_kept_where_it_is_delivered_is_met_by_whoever_undertakes_it(kind: str) -> None:
    gated = [right("a", "film:a", conditions=[{"type": kind}])]
    answer = judged(gated, cut(element("film:a")), asked=question(undertakings=[kind]))

    assert answer.verdict == "CLEARED"
    assert [(each.type, each.met) for each in answer.conditions] == [(kind, True)]
    assert judged(gated, cut(element("film:a"))).verdict == "CONDITIONAL"
    signed = claims(answer, "clr_1", day(2, 1), ["agent"], "person")
    assert (signed["undertakings"], signed["runs"]) == ([kind], 1)
    assert [each["type"] for each in signed["conditions"]] == [kind]


def test_an_approval_is_for_the_very_bytes_that_were_approved() -> None:
    film = cut(element("film:a"))
    again = film.model_copy(update={"media": "sha256:" + "2" * 64})
    approved = [right("a", "film:a", conditions=[{"type": "approval", "approved": [film.media]}])]

    assert judged(approved, film).verdict == "CLEARED"
    assert codes(judged(approved, again)) == [("CONDITION_UNMET", "rgt_a")]


def test_of_many_grants_that_fail_alike_one_is_named() -> None:
    german = [right(name, "film:a", languages=["de"]) for name in ("c", "a", "b")]
    french = right("f", "film:a", languages=["fr"], status="pending")

    assert codes(judged([*german, french], cut(element("film:a")))) == [
        ("CONTRACT_NOT_ACTIVE", "rgt_f"),
        ("LANGUAGE_NOT_LICENSED", "rgt_a"),
        ("LANGUAGE_NOT_LICENSED", "rgt_f"),
    ]


def test_a_limit_on_duration_counts_all_that_is_there_of_the_element_in_the_cut() -> None:
    limited = [right("a", "film:a"), right("b", "clip:b", max_duration_seconds=5)]
    first, second = (element("clip:b", "third_party_clip", start, start + 72) for start in (0, 100))
    answer = judged(limited, cut(element("film:a"), first, second))

    assert codes(answer) == [("DURATION_OVER_LIMIT", "rgt_b")]
    assert answer.reasons[0].elements == ("clip:b-0", "clip:b-100")
    assert (kinds(answer.plans[0]), answer.plans[0].remedies[0].max_seconds) == (["shorten_element"], 5)
    assert judged(limited, cut(element("film:a"), first)).verdict == "CLEARED"


@pytest.mark.parametrize(
    ("notices", "met"),
    [
        ([], False),
        ([credit("Made by   A STUDIO, 2026", 0, 48)], True),
        ([credit("Made by A Studio", 0, 47)], False),
        ([credit("Made by A Studio", 0, 24), credit("Made by A Studio", 200, 224)], False),
        ([credit("Made by A Studio", 0, 24), credit("Made by A Studio", 24, 48)], True),
        ([credit("Made by A Studio", 0, 24), credit("Made by A Studio", 0, 24)], False),
        ([credit("Made by B", 0, 240)], False),
        ([Notice(kind="disclaimer", text="Made by A Studio", span=Span(in_frame=0, out_frame=240))], False),
    ],
)
def test_a_credit_must_hold_the_words_for_long_enough_at_a_stretch(notices: list[Notice], met: bool) -> None:
    asks = [{"type": "credit", "text": "made by A Studio", "min_seconds": 2}]
    answer = judged([right("a", "film:a", conditions=asks)], cut(element("film:a"), notices=notices))

    assert answer.verdict == ("CLEARED" if met else "CONDITIONAL")
    assert [each.met for each in answer.conditions] == [met]
    if not met:
        assert codes(answer) == [("CONDITION_UNMET", "rgt_a")]
        assert answer.groups[0].windows == ()
        assert answer.groups[0].windows_once_met == (question().window,)
        assert kinds(answer.plans[0]) == ["add_credit"]


@pytest.mark.parametrize(
    ("obscured", "left"),
    [([], [(20, 100)]), ([(0, 240)], []), ([(20, 60)], [(60, 100)]), ([(20, 60), (60, 100)], [])],
)
def test_a_logo_is_clear_when_it_is_obscured_in_every_frame(
    obscured: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    spans = [{"in_frame": start, "out_frame": end} for start, end in obscured]
    logo = element("logo:b", "logo", 20, 100, obscured=spans)
    entries = [right("a", "film:a"), right("b", "logo:b", conditions=[{"type": "blur"}])]
    answer = judged(entries, cut(element("film:a"), logo))

    assert answer.verdict == ("CONDITIONAL" if left else "CLEARED")
    (state,) = answer.conditions
    assert [(each.in_frame, each.out_frame) for each in state.spans] == left
    if left:
        (remedy,) = answer.plans[0].remedies
        assert (remedy.kind, remedy.elements, remedy.spans) == ("obscure_element", ("logo:b-20",), state.spans)


def test_a_film_may_ask_for_another_elements_treatment() -> None:
    asks = [{"type": "blur", "ref": "logo:b"}, {"type": "replace_music", "ref": "music:c"}]
    entries = [right("a", "film:a", conditions=asks), right("b", "logo:b"), right("c", "music:c")]
    with_both = judged(entries, cut(element("film:a"), element("logo:b", "logo"), element("music:c", "music_master")))

    assert with_both.verdict == "CONDITIONAL"
    assert sorted(kinds(with_both.plans[0])) == ["obscure_element", "replace_element"]
    assert judged(entries, cut(element("film:a"))).verdict == "CLEARED"


def test_what_a_cut_cannot_show_is_undertaken_or_needs_a_person() -> None:
    for kind, way in (("age_gate", "undertake"), ("geo_block", "undertake"), ("approval", "ask_human")):
        answer = judged([right("a", "film:a", conditions=[{"type": kind}])], cut(element("film:a")))
        assert answer.verdict == "CONDITIONAL"
        assert [kinds(each) for each in answer.plans] == [[way]]
        assert answer.plans[0].verified is (way == "undertake")


def test_a_grant_without_conditions_makes_those_of_another_unneeded() -> None:
    entries = [right("a", "film:a", conditions=[{"type": "credit", "text": "A"}]), right("b", "film:a")]

    assert judged(entries, cut(element("film:a"))).verdict == "CLEARED"


def test_of_two_grants_with_conditions_only_one_has_to_be_satisfied() -> None:
    two = [{"type": "credit", "text": "A"}, {"type": "disclaimer", "text": "B"}]
    entries = [right("a", "film:a", conditions=two), right("b", "film:a", conditions=two[:1])]
    answer = judged(entries, cut(element("film:a")))

    assert [each.right for each in answer.conditions] == ["rgt_b"]


def test_a_cell_that_is_clear_for_a_while_and_for_longer_under_conditions_says_both_windows() -> None:
    later = right("b", "film:a", conditions=[{"type": "credit", "text": "A"}])
    answer = judged([right("a", "film:a", end=day(3, 10)), later], cut(element("film:a")))

    assert answer.verdict == "PARTIAL"
    (group,) = answer.groups
    assert group.windows[0].end == day(3, 10)
    assert group.windows_once_met == (question().window,)
    assert [each.code for each in answer.reasons] == ["CONDITION_UNMET"]


def test_cells_with_the_same_answer_are_one_group() -> None:
    entries = [right("a", "film:a", media=["social"]), right("b", "film:a", "holdback", territories=["DACH"])]
    asked = question(["EU", "GB", "CH"], ["social.youtube", "social.instagram", "linear"])
    answer = judged(entries, cut(element("film:a")), asked=asked)

    shapes = {(each.verdict, len(each.territories), each.platforms) for each in answer.groups}
    social = ("social.instagram", "social.youtube")
    assert shapes == {
        ("CLEARED", 26, social),
        ("DENIED", 3, social),
        ("DENIED", 26, ("linear",)),
        ("DENIED", 3, ("linear",)),
    }


def test_the_cheaper_loss_ranks_first() -> None:
    entries = [right("a", "film:a"), right("b", "talent:b", excluded_territories=["US"])]
    asked = question(["GB", "DE", "US"])
    answer = judged(entries, cut(element("film:a"), element("talent:b", "talent")), asked=asked)

    assert [kinds(each) for each in answer.plans[:2]] == [["drop_territory"], ["replace_element"]]
    assert [each.cost for each in answer.plans] == sorted(each.cost for each in answer.plans)
    assert answer.plans[0].remedies[0].rights == ("rgt_b",)
    assert answer.plans[0].territories == ("DE", "GB")


def test_a_platform_that_nothing_opens_is_dropped_rather_than_every_territory() -> None:
    asked = question(["GB", "DE"], ["linear", "social.youtube"])
    answer = judged([right("a", "film:a", media=["social"])], cut(element("film:a")), asked=asked)

    assert [(each.kind, each.platforms) for each in answer.plans[0].remedies] == [("drop_platform", ("linear",))]


def test_a_film_that_is_licensed_nowhere_asked_leaves_only_to_buy_it() -> None:
    answer = judged([right("a", "film:a", territories=["US"])], cut(element("film:a")))

    assert [kinds(each) for each in answer.plans] == [["acquire_right"]]
    assert answer.plans[0].remedies[0].rights == ("rgt_a",)


def test_several_cuts_are_clear_only_where_all_are() -> None:
    entries = [right("a", "film:a"), right("b", "logo:b", territories=["GB"])]
    upright = cut(element("film:a")).model_copy(update={"media": "sha256:" + "2" * 64})
    answer = judged(entries, cut(element("film:a"), element("logo:b", "logo")), upright, asked=question(["GB", "DE"]))

    assert {each.territories: each.verdict for each in answer.groups} == {("DE",): "DENIED", ("GB",): "CLEARED"}
    assert len(answer.cuts) == 2


def test_the_snapshot_changes_with_what_is_recorded_and_with_nothing_else() -> None:
    first, second = right("a", "film:a"), right("b", "film:a", territories=["US"])
    one, same = (judged([first, second][::step], cut(element("film:a"))) for step in (1, -1))

    assert one.rights_snapshot == same.rights_snapshot
    assert one.rights_snapshot != judged([first], cut(element("film:a"))).rights_snapshot


@pytest.mark.parametrize(
    ("places", "media", "more", "code"),
    [
        (["UK"], ["linear"], {}, "TERRITORY_UNKNOWN"),
        (["GB"], ["telly"], {}, "MEDIUM_UNKNOWN"),
        (["GB"], [], {}, "INVALID_ARGUMENT"),
        (["GB"], ["linear"], {"end": day(3, 1)}, "RANGE_INVALID"),
        (["GB"], ["linear"], {"languages": ["?"]}, "LANGUAGE_UNKNOWN"),
        (["GB"], ["linear"], {"languages": ["song:de"]}, "LANGUAGE_UNKNOWN"),
        (["GB"], ["linear"], {"runs": 0}, "INVALID_ARGUMENT"),
    ],
)
def test_a_question_with_wrong_words_is_refused(
    places: list[str], media: list[str], more: dict[str, Any], code: str
) -> None:
    with pytest.raises(Problem) as caught:
        question(places, media, **more)

    assert caught.value.code == code


def test_a_group_in_a_question_means_its_members_on_the_day_the_window_begins() -> None:
    past = ask(["EU"], ["linear"], start=datetime(2020, 1, 31, tzinfo=UTC), end=None, purpose="news")

    assert "GB" in past.territories
    assert "GB" not in question(["EU"]).territories


def test_the_catalogue_tells_what_a_grant_asks_for_and_how_long_it_may_last() -> None:
    entries = [right("a", "clip:a", max_duration_seconds=30, conditions=[{"type": "credit", "text": "A"}])]
    found = available("clip:a", {"clip:a": Book(entries)}, question(), derivative=True)

    assert found is not None
    assert (found.verdict, found.max_duration_seconds, found.rights) == ("CONDITIONAL", 30, ("rgt_a",))
    assert found.cells[0].windows_once_met == (question().window,)


@pytest.mark.parametrize(
    ("grants", "longest"),
    [
        ([{"max_duration_seconds": 30}, {"max_duration_seconds": 60}], 60),
        ([{"max_duration_seconds": 30}, {}], None),
        ([{"max_duration_seconds": 30}, {"conditions": [{"type": "credit", "text": "A"}]}], 30),
        ([{"max_duration_seconds": 30}, {"max_duration_seconds": 60, "end": day(3, 9)}], 30),
        ([{"max_duration_seconds": 30}, {"max_duration_seconds": 60, "territories": ["FR"]}], 30),
        (
            [{"territories": ["GB"], "max_duration_seconds": 60}, {"territories": ["DE"], "max_duration_seconds": 30}],
            30,
        ),
        ([{"territories": ["GB"], "max_duration_seconds": 60}, {"territories": ["DE"]}], 60),
        ([{"max_duration_seconds": 60}, {"max_duration_seconds": 0}, {"max_duration_seconds": 9}], 60),
    ],
)
def test_the_catalogue_tells_how_long_something_may_last_without_losing_any_of_what_is_open(
    grants: list[dict[str, Any]], longest: int | None
) -> None:
    book = Book(right(f"g{n}", "clip:a", **terms) for n, terms in enumerate(grants))
    found = available("clip:a", {"clip:a": book}, question(["GB", "DE"]), derivative=True)

    assert found is not None
    assert found.max_duration_seconds == longest


@pytest.mark.parametrize(("publishing", "longest"), [((40, 20), 40), ((90, None), 60), ((None,), 60)])
def test_of_kinds_that_are_all_needed_the_one_that_gives_least_says_how_long_it_may_last(
    publishing: tuple[int | None, ...], longest: int
) -> None:
    limits = [("music_master", 30), ("music_master", 60), ("music_performance", None)]
    limits += [("music_publishing", each) for each in publishing]
    entries = [
        right(f"g{n}", "music:a", element_kinds=[kind], max_duration_seconds=most)
        for n, (kind, most) in enumerate(limits)
    ]
    found = available("music:a", {"music:a": Book(entries)}, question(), derivative=True)

    assert found is not None
    assert found.max_duration_seconds == longest


def test_all_grants_of_an_item_are_named_where_each_gives_another_place() -> None:
    entries = [right("g", "film:a", territories=["GB"]), right("d", "film:a", territories=["DE"])]
    found = available("film:a", {"film:a": Book(entries)}, question(["GB", "DE"]), derivative=True)

    assert found is not None
    assert found.rights == ("rgt_d", "rgt_g")


def test_a_cut_of_a_film_that_may_only_be_shown_whole_is_told_where_to_ask_for_the_whole() -> None:
    answer = judged([right("a", "film:a", derivative_allowed=False)], cut(element("film:a")))

    assert codes(answer) == [("DERIVATIVE_NOT_ALLOWED", "rgt_a")]
    assert "for showing it whole, ask check_reference with derivative=false" in answer.reasons[0].text


def test_a_film_that_may_only_be_shown_whole_is_available_whole() -> None:
    book = {"film:a": Book([right("a", "film:a", derivative_allowed=False)])}

    assert available("film:a", book, question(), derivative=True) is None
    assert available("film:a", book, question(), derivative=False) is not None


def test_music_in_the_catalogue_needs_its_performance_and_blanket_licences_are_nothing_to_show() -> None:
    used = Book([right("m", "music:a", element_kinds=["music_master", "music_publishing"])])
    blanket = Book([right("s", "music:any", element_kinds=["music_performance"])])
    found = available("music:a", {"music:a": used, "music:any": blanket}, question(), derivative=True)

    assert found is not None
    assert (found.verdict, found.rights) == ("CLEARED", ("rgt_m", "rgt_s"))
    assert available("music:a", {"music:a": used}, question(), derivative=True) is None
    assert available("music:any", {"music:any": blanket}, question(), derivative=True) is None


def test_before_there_is_a_cut_conditions_are_told_and_only_what_is_undertaken_is_met() -> None:
    asks = [{"type": "credit", "text": "A"}, {"type": "age_gate"}]
    books = {"film:a": Book([right("a", "film:a", conditions=asks)]), "logo:b": Book([right("b", "logo:b")])}
    asked = question(undertakings=["age_gate"])
    answer = report(reference_decision(["film:a", "logo:b"], books, asked, derivative=False))

    assert answer.verdict == "CONDITIONAL"
    assert {each.type: (each.met, each.media) for each in answer.conditions} == {
        "credit": (False, None),
        "age_gate": (True, None),
    }
    unknown = report(reference_decision(["film:a", "film:z"], books, asked, derivative=False))
    assert (unknown.verdict, unknown.cuts) == ("NEEDS_HUMAN", ())


def test_a_matrix_of_the_world_stays_short() -> None:
    entries = [right("a", "film:a"), right("b", "film:a", "holdback", territories=["DACH"])]
    text = judged(entries, cut(element("film:a")), asked=question(["WORLD"])).text()

    assert len(text.splitlines()) < 25
    assert "DACH" in text
