"""Puts what came out into the output folder: films, stills, edit lists, calendar, the outcome and the page."""

import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Literal

from holdback_agents.contracts import CutVersion, ExportedFile, Highlight, HighlightDraft, Publication, Slot
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate
from holdback_servers.media_store import MediaStore
from holdback_trust.audit_check import verify

from holdback.outcome import AuditOutcome, Ended, Outcome, Refusal, Still, VersionOutcome
from holdback.page import write_page

_STILLS = (0.12, 0.5, 0.9)
"""Where in a cut its stills are taken, as shares of its length."""


@dataclass(frozen=True)
class Finished:
    """What is known once a brief is done, or has ended without a publication.

    Args:
        brief: in the words of whoever asked.
        made: the highlight, or how far it had come; None when there was no cut.
        problem: why nothing was published, when nothing was.
        source: the material it was made from.
        began: when the whole began, on `time.monotonic`.
    """

    brief: str
    made: Highlight | HighlightDraft | None
    problem: Problem | None
    story: str
    asked_by: str
    approved_by: str
    source: str
    notice: str
    started: datetime
    began: float
    refusals: Sequence[Refusal]

    @property
    def state(self) -> Literal["scheduled", "rejected", "failed"]:
        """How it ended."""
        if isinstance(self.made, Highlight):
            return "scheduled"
        decided = self.problem is not None and self.problem.code == "APPROVAL_REQUIRED"
        return "rejected" if decided else "failed"


def write_results(finished: Finished, folder: Path, home: Path) -> Outcome:
    """Write every file and answer the outcome; `index.html` is the one to open first.

    Args:
        folder: made before, and empty but for what the work itself left there.
        home: of the house that did the work; its media store and its audit log are read.
    """
    made, store, files = finished.made, MediaStore(home / "media"), dict[str, str]()
    versions = tuple(_version(each, folder, store, files) for each in (made.versions if made else ()))
    highlight = made if isinstance(made, Highlight) else None
    _write_papers(highlight.files if highlight else (), folder, files)
    files["json"] = "outcome.json"
    audit = _keep_audit(home / "audit", folder)
    files["audit"] = "audit/gateway.jsonl"
    problem = finished.problem
    publications: tuple[Publication, ...] = highlight.publications if highlight else ()
    outcome = Outcome(
        state=finished.state,
        ended=Ended(code=problem.code, message=problem.message, hint=problem.hint) if problem else None,
        title=made.title if made else "No cut was made",
        brief=made.brief.text if made else finished.brief,
        asked_by=finished.asked_by,
        approved_by=finished.approved_by if finished.state != "failed" else None,
        approval=highlight.approval.approval if highlight else None,
        started=finished.started,
        seconds_taken=f"{time.monotonic() - finished.began:.1f}",
        story=finished.story,
        source=finished.source,
        versions=versions,
        publications=publications,
        window=made.brief.window if made else None,
        slots=tuple(_slot_line(slot) for slot in made.slots) if made else (),
        not_included=made.not_included if made else (),
        notes=made.notes if made else (),
        refusals=tuple(finished.refusals),
        files=files,
        audit=audit,
        notice=finished.notice,
    )
    (folder / "outcome.json").write_text(outcome.model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8")
    write_page(outcome, folder)
    return outcome


def _write_papers(papers: Sequence[ExportedFile], folder: Path, files: dict[str, str]) -> None:
    for made in papers:
        name = Path(made.filename).name
        (folder / name).write_text(made.content, encoding="utf-8", newline="")
        files[Path(name).suffix.lstrip(".")] = name


def _keep_audit(audit: Path, folder: Path) -> AuditOutcome:
    """Copy the audit log beside the page, and check it."""
    report = verify(audit)
    (folder / "audit").mkdir(exist_ok=True)
    for kept in (*sorted(audit.glob("*.jsonl")), *sorted(audit.glob("*.key.json"))):
        shutil.copyfile(kept, folder / "audit" / kept.name)
    return AuditOutcome(
        ok=report.ok,
        rows=sum(chain.rows for chain in report.chains),
        heads=sum(chain.heads for chain in report.chains),
        text=report.text(),
    )


def _slot_line(slot: Slot) -> str:
    better = f". {slot.refused}" if slot.refused else ""
    return f"{slot.channel}: {slot.local_start}. {'; '.join(slot.reasons)}{better}"


def _version(version: CutVersion, folder: Path, store: MediaStore, files: dict[str, str]) -> VersionOutcome:
    name = f"{version.name}.mp4"
    shutil.copyfile(store.path(version.media), folder / name)
    files[version.name] = name
    report = version.report
    return VersionOutcome(
        name=version.name,
        timeline=version.timeline,
        media=version.media,
        elements=version.elements,
        file=name,
        width=version.width,
        height=version.height,
        frames=version.frames,
        seconds=f"{float(version.frames / Fraction(version.rate)):.2f}",
        loudness="" if version.lufs_tenths is None else f"{version.lufs_tenths / 10:.1f}",
        stills=_stills(folder / name, version, folder),
        picks=version.picks,
        changes=version.changes,
        verdict=report.verdict if report else "",
        summary=report.summary if report else "",
        cells=report.cells if report else (),
        reasons=report.reasons if report else (),
        conditions=report.conditions if report else (),
        plans=report.plans if report else (),
        clearance=report.clearance if report else None,
    )


def _stills(film: Path, version: CutVersion, folder: Path) -> tuple[Still, ...]:
    """Pictures of a cut that this house rendered itself."""
    from holdback_servers.editing.pictures import Reader

    rate = Fraction(version.rate)
    (folder / "stills").mkdir(exist_ok=True)
    stills: list[Still] = []
    with closing(Reader(film, Rate(num=rate.numerator, den=rate.denominator), film.name)) as reader:
        for number in sorted({int(version.frames * share) for share in _STILLS}):
            name = f"stills/{version.name}-{number:05}.jpg"
            reader.frame(number).to_image().save(folder / name, quality=88)  # pyright: ignore[reportUnknownMemberType]
            stills.append(Still(file=name, caption=f"at {float(number / rate):.1f} s", frame=number))
    return tuple(stills)
