"""What the editing assistant changes in a cut, and when it stops changing it."""

from datetime import UTC, datetime

from holdback_agents.contracts import Brief, Cell, ClearanceReport, Plan, Reason, Remedy
from holdback_agents.editing_assistant.revision import (
    chosen_plan,
    edits_of,
    heard_in_film,
    is_hopeless,
    not_cleared,
    revision_of,
    seen_in_film,
    with_wanted_credit,
)
from holdback_base.elements import Element, ElementList
from holdback_base.vocabulary import Rate, Span, TimeRange

WINDOW = TimeRange(start=datetime(2026, 11, 24, tzinfo=UTC), end=datetime(2026, 12, 24, tzinfo=UTC))
CREDIT = Remedy(kind="add_credit", text="Credit it.", credit="(c) Somebody")
MUTE = Remedy(kind="mute_element", text="Mute the voice.", ref="voice:ada")
DROP = Remedy(kind="drop_territory", text="Leave out the US.", territories=("US",))
ASK = Remedy(kind="ask_human", text="Ask somebody.")


def _plan(*remedies: Remedy, verified: bool) -> Plan:
    return Plan(remedies=remedies, verified=verified, territories=("GB",), platforms=("social.youtube",))


def _report(*plans: Plan, verdict: str = "DENIED") -> ClearanceReport:
    windows = (WINDOW,) if verdict == "PARTIAL" else ()
    cell = Cell.model_validate(
        {"territories": ("GB",), "platforms": ("social.youtube",), "verdict": verdict, "windows": windows}
    )
    reason = Reason(key="r1", code="EMBARGO", text="Not before the launch.", right="rgt_1", clause="4.2")
    unknown = Reason(key="r2", code="NO_RIGHTS_IN", text="Nobody knows.")
    return ClearanceReport(
        verdict=verdict, summary="Denied.", media=(), cells=(cell,), reasons=(reason, unknown), plans=plans
    )


def _brief(*, credit_film: bool) -> Brief:
    return Brief(
        subject="fox",
        seconds=5,
        platforms=("social.youtube",),
        territories=("GB",),
        window=WINDOW,
        credit_film=credit_film,
    )


def test_only_a_plan_that_was_decided_again_is_followed() -> None:
    guess, sure = _plan(ASK, MUTE, verified=False), _plan(CREDIT, DROP, verified=True)
    assert chosen_plan(_report(guess, sure)) == sure
    assert edits_of(_report(guess, sure)) == (CREDIT,)
    assert chosen_plan(_report(guess)) is None
    assert edits_of(_report(guess)) == ()


def test_it_is_hopeless_when_nothing_is_open_and_no_edit_opens_anything() -> None:
    assert is_hopeless(_report())
    assert is_hopeless(_report(_plan(MUTE, verified=False)))
    assert not is_hopeless(_report(_plan(MUTE, verified=True)))
    assert not is_hopeless(_report(_plan(ASK, verified=False), verdict="PARTIAL"))


def test_what_is_not_cleared_is_said_with_its_reasons() -> None:
    problem = not_cleared("Fox", 1, _report())
    assert problem.code == "NOT_CLEARED"
    assert problem.message == "No territory is clear for 'Fox' after 1 cut: Denied."
    assert problem.details == {
        "verdict": "DENIED",
        "reasons": [
            {"code": "EMBARGO", "text": "Not before the launch.", "right": "rgt_1"},
            {"code": "NO_RIGHTS_IN", "text": "Nobody knows."},
        ],
    }


def test_a_credit_that_the_brief_wants_is_added_with_the_title_of_the_film() -> None:
    remedies = with_wanted_credit(_brief(credit_film=True), (MUTE,), "Big Fox")
    operations, words = revision_of(remedies, frames=120, rate=24.0, music=None)
    span = {"in_frame": 36, "out_frame": 108}
    assert operations[-1] == {"op": "add_credit", "kind": "credit", "text": "Big Fox", "span": span}
    assert words[-1] == "Credit Big Fox, as the brief asks."


def test_a_credit_that_a_right_asks_for_already_is_enough() -> None:
    assert with_wanted_credit(_brief(credit_film=True), (CREDIT,), "Big Fox") == (CREDIT,)


def test_a_brief_that_wants_no_credit_gets_none() -> None:
    assert with_wanted_credit(_brief(credit_film=False), (MUTE,), "Big Fox") == (MUTE,)


def _film() -> ElementList:
    def element(kind: str, ref: str, start: int, end: int) -> Element:
        spans = (Span(in_frame=start, out_frame=end),)
        return Element.model_validate({"id": ref, "kind": kind, "ref": ref, "name": ref, "spans": spans})

    listed = (
        element("programme", "film:a", 0, 1000),
        element("music_master", "music:w", 100, 300),
        element("music_publishing", "music:w", 100, 300),
        element("third_party_clip", "clip:b", 400, 500),
    )
    return ElementList(rate=Rate(num=24), frames=1000, elements=listed)


def test_music_in_the_films_own_sound_is_silenced_where_the_cut_holds_it() -> None:
    clips = [
        {"in_frame": 50, "out_frame": 150, "record_in": 0, "record_out": 100},
        {"in_frame": 250, "out_frame": 350, "record_in": 100, "record_out": 200},
    ]
    heard = heard_in_film(_film(), clips)
    assert heard == {"music:w": (Span(in_frame=50, out_frame=100), Span(in_frame=100, out_frame=150))}
    replace = Remedy(kind="replace_element", text="Take out the waltz.", ref="music:w")
    silences = [
        {"op": "mute_track", "track": "programme", "span": {"in_frame": start, "out_frame": end}}
        for start, end in ((50, 100), (100, 150))
    ]
    assert revision_of((replace,), frames=200, rate=24, music=None, heard=heard)[0] == silences
    operations, _ = revision_of((replace,), frames=200, rate=24, music="sha256:x", heard=heard)
    assert operations[:2] == silences
    assert operations[2]["op"] == "replace_music"


def test_only_what_is_seen_and_is_not_the_film_itself_can_be_cut_around() -> None:
    assert seen_in_film(_film()) == {"clip:b": (Span(in_frame=400, out_frame=500),)}
