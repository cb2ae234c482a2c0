"""Puts what came out into the output folder: films, stills, edit lists, calendar, the outcome and the page."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from holdback_agents.contracts import CutVersion, Highlight, Slot
from holdback_servers.media_store import MediaStore
from holdback_trust.audit_check import verify

from holdback.outcome import AuditOutcome, Outcome, Refusal, Still, VersionOutcome
from holdback.page import write_page

_STILLS = (0.12, 0.5, 0.9)
"""Where in a cut its stills are taken, as shares of its length."""


@dataclass(frozen=True)
class Finished:
    """What is known once a brief is done.

    `began` is when the whole began, on `time.monotonic`; `source` is the material it was made from.
    """

    highlight: Highlight
    story: str
    asked_by: str
    approved_by: str
    source: str
    notice: str
    started: datetime
    began: float
    refusals: Sequence[Refusal]


def write_results(finished: Finished, folder: Path, home: Path) -> Outcome:
    """Write every file and answer the outcome; `index.html` is the one to open first.

    Args:
        folder: made before, and empty but for what the work itself left there.
        home: of the house that did the work; its media store and its audit log are read.
    """
    highlight, store, audit = finished.highlight, MediaStore(home / "media"), home / "audit"
    files: dict[str, str] = {}
    versions = tuple(_version(each, folder, store, files) for each in highlight.versions)
    for made in highlight.files:
        name = Path(made.filename).name
        (folder / name).write_text(made.content, encoding="utf-8", newline="")
        files[Path(name).suffix.lstrip(".")] = name
    report = verify(audit)
    files["json"] = "outcome.json"
    for chain in sorted(audit.glob("*.jsonl")):
        (folder / "audit").mkdir(exist_ok=True)
        shutil.copyfile(chain, folder / "audit" / chain.name)
    for key in sorted(audit.glob("*.key.json")):
        shutil.copyfile(key, folder / "audit" / key.name)
    files["audit"] = "audit/gateway.jsonl"
    outcome = Outcome(
        state="scheduled",
        title=highlight.title,
        brief=highlight.brief.text,
        asked_by=finished.asked_by,
        approved_by=finished.approved_by,
        approval=highlight.approval.approval,
        started=finished.started,
        seconds_taken=f"{time.monotonic() - finished.began:.1f}",
        story=finished.story,
        source=finished.source,
        versions=versions,
        publications=highlight.publications,
        window=highlight.brief.window,
        slots=tuple(_slot_line(slot) for slot in highlight.slots),
        not_included=highlight.not_included,
        refusals=tuple(finished.refusals),
        files=files,
        audit=AuditOutcome(
            ok=report.ok,
            rows=sum(chain.rows for chain in report.chains),
            heads=sum(chain.heads for chain in report.chains),
            text=report.text(),
        ),
        notice=finished.notice,
    )
    (folder / "outcome.json").write_text(outcome.model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8")
    write_page(outcome, folder)
    return outcome


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
    import av

    wanted = sorted({int(version.frames * share) for share in _STILLS})
    (folder / "stills").mkdir(exist_ok=True)
    stills: list[Still] = []
    with av.open(str(film)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                name = f"stills/{version.name}-{number:05}.jpg"
                frame.to_image().save(folder / name, quality=88)  # pyright: ignore[reportUnknownMemberType]
                stills.append(Still(file=name, caption=f"{version.name}, frame {number}", frame=number))
                if number == wanted[-1]:
                    break
    return tuple(stills)
