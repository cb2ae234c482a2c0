"""What compliance makes of proofs: nothing rests on a condition that the cut itself contradicts."""

from typing import Any

import pytest
from holdback_agents.compliance.evidence import Findings, asked, said_to_be_met, told, unproven, weighed
from holdback_agents.compliance.reply import report_of

MEDIA = "sha256:" + "1" * 64
PLACES = {"platforms": ["social.youtube"], "windows": [{"start": "2026-11-23T00:00:00Z"}]}


def _condition(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": kind, "met": True, "text": "Words", "media": MEDIA, "right": "rgt_1", **more}


BLUR = _condition("C1", "blur", ref="logo:finch", text="")
CREDIT = _condition("C2", "credit", ref="film:a", min_seconds=2)
REPORT = {
    "verdict": "CLEARED",
    "summary": "CLEARED: both.",
    "cuts": [{"media": MEDIA}],
    "conditions": [BLUR, CREDIT],
    "groups": [
        {"territories": ["GB"], "verdict": "CLEARED", "conditions": ["C1", "C2"], **PLACES},
        {"territories": ["FR"], "verdict": "CLEARED", "conditions": ["C2"], **PLACES},
    ],
}


def _weighed(**verdicts: str) -> Any:
    findings = Findings()
    for condition in (BLUR, CREDIT):
        if verdict := verdicts.get(condition["type"]):
            findings.note(condition, told({"verdict": verdict, "text": f"{condition['type']} {verdict}."}))
    return weighed(report_of({"report": REPORT}), REPORT["conditions"], findings), findings


def test_conditions_that_can_be_seen_or_heard_are_asked_for_once_and_papers_are_not() -> None:
    papers = _condition("C3", "approval"), _condition("C4", "blur", ref="logo:b", met=False)
    found = said_to_be_met([REPORT, {"conditions": [*REPORT["conditions"], *papers]}])
    assert found == [BLUR, CREDIT]
    assert asked(found) == [
        {"key": "0", "type": "blur", "ref": "logo:finch"},
        {"key": "1", "type": "credit", "text": "Words", "min_seconds": 2},
    ]


def test_what_is_contradicted_closes_every_cell_that_relies_on_it_and_no_other() -> None:
    report, findings = _weighed(blur="contradicted", credit="proven")
    assert findings.contradicted
    assert [(each.verdict, len(each.windows)) for each in report.cells] == [("CONDITIONAL", 0), ("CLEARED", 1)]
    assert report.open_territories() == ("FR",)
    assert [each.met for each in report.conditions] == [False, True]
    assert report.verdict == "CONDITIONAL"
    assert "The cut itself says otherwise: blur contradicted." in report.summary


@pytest.mark.parametrize("verdict", ["proven", "not_proven"])
def test_what_is_proven_or_open_changes_no_cell_and_is_told(verdict: str) -> None:
    report, findings = _weighed(blur=verdict, credit="proven")
    assert not findings.contradicted
    assert [each.verdict for each in report.cells] == ["CLEARED", "CLEARED"]
    assert ("Not proven: blur not_proven." in report.summary) is (verdict == "not_proven")
    assert [each.evidence.verdict for each in report.conditions if each.evidence] == [verdict, "proven"]


def test_what_nobody_could_examine_is_not_proven_and_says_why() -> None:
    assert unproven("the bytes are elsewhere.").verdict == "not_proven"
    assert "elsewhere" in unproven("the bytes are elsewhere.").text
