"""What the rights server says reaches the other agents whole: every reason, condition and remedy it may name."""

from datetime import UTC, datetime
from typing import Any, get_args

from holdback_agents import contracts
from holdback_agents.compliance.reply import cell_line, report_of
from holdback_base.vocabulary import TimeRange
from holdback_servers.rights.model import ConditionType
from holdback_servers.rights.report import (
    Asked,
    CellGroup,
    ClearanceReport,
    ConditionState,
    CutNamed,
    MissingRight,
    Plan,
    Reason,
    ReasonCode,
    Remedy,
    RemedyKind,
)

WINDOW = TimeRange(start=datetime(2026, 11, 23, tzinfo=UTC))
PLACES: dict[str, Any] = {"territories": ("GB",), "platforms": ("linear",)}
MEDIA = "sha256:" + "1" * 64
REPORT = ClearanceReport(
    verdict="DENIED",
    summary="DENIED: of 1 cell.",
    asked=Asked(window=WINDOW, purpose="promotion", **PLACES),
    cuts=(CutNamed(media=MEDIA, elements=MEDIA),),
    groups=(
        CellGroup(
            verdict="DENIED",
            reasons=tuple(f"R{n}" for n, _ in enumerate(get_args(ReasonCode))),
            conditions=tuple(f"C{n}" for n, _ in enumerate(get_args(ConditionType))),
            **PLACES,
        ),
    ),
    reasons=tuple(
        Reason(key=f"R{n}", code=code, text=f"Why {code}.", right="rgt_1", windows=(WINDOW,), **PLACES)
        for n, code in enumerate(get_args(ReasonCode))
    ),
    conditions=tuple(
        ConditionState(
            key=f"C{n}", type=kind, met=False, text=kind, media=MEDIA, ref="film:a", right="rgt_1", contract="ctr_1"
        )
        for n, kind in enumerate(get_args(ConditionType))
    ),
    plans=tuple(
        Plan(
            remedies=(
                Remedy(
                    kind=kind,
                    text=f"Do {kind}.",
                    languages=("de",),
                    runs=2,
                    undertakings=("age_gate",),
                    missing=MissingRight(
                        ref="film:a", element_kinds=("programme",), window=WINDOW, purpose="news", **PLACES
                    ),
                ),
            ),
            verified=True,
            cost=1,
            **PLACES,
        )
        for kind in get_args(RemedyKind)
    ),
    rights_snapshot=MEDIA,
)


def test_every_reason_condition_and_remedy_reaches_the_other_agents() -> None:
    told = report_of({"report": REPORT.model_dump(mode="json", exclude_none=True), "not_issued": "nothing is clear"})

    assert {each.code for each in told.reasons} == set(get_args(ReasonCode))
    assert {each.type for each in told.conditions} == set(get_args(ConditionType))
    assert [plan.remedies[0].kind for plan in told.plans] == list(get_args(RemedyKind))
    assert {plan.remedies[0].missing.ref for plan in told.plans if plan.remedies[0].missing} == {"film:a"}
    assert {plan.remedies[0].undertakings for plan in told.plans} == {("age_gate",)}
    assert told.summary.endswith("No clearance is signed: nothing is clear.")


def test_no_field_of_a_remedy_that_says_what_to_do_is_lost_on_the_way() -> None:
    kept_by_the_server = {"media", "rights"}  # the cuts and rights it is about, which the report names already
    assert Remedy.model_fields.keys() - contracts.Remedy.model_fields.keys() == kept_by_the_server
    assert MissingRight.model_fields.keys() == contracts.MissingRight.model_fields.keys()


def test_a_line_on_a_cell_names_every_reason_with_its_right() -> None:
    line = cell_line(REPORT.model_dump(mode="json", exclude_none=True))

    assert line.startswith("GB on linear: DENIED (")
    assert all(f"{code} rgt_1" in line for code in get_args(ReasonCode))
