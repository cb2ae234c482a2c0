"""What came out of a brief: one value for the page, for `--json` and for the last words on the terminal. Pure."""

from typing import Literal

from holdback_agents.contracts import Cell, Condition, PickTold, Plan, Publication, Reason
from holdback_base.vocabulary import Instant, Noun, TimeRange


class Still(Noun):
    """A picture of a cut: where it is, relative to the output folder, and what it shows."""

    file: str
    caption: str
    frame: int


class VersionOutcome(Noun):
    """One rendered cut, and what compliance said of it.

    `file` is relative to the output folder; `loudness` is integrated LUFS as text, such as `-14.0`; `changes` is what
    was done to get here from the version before; `report` words are those of the rights server.
    """

    name: str
    timeline: str
    media: str
    elements: str
    file: str
    width: int
    height: int
    frames: int
    seconds: str
    loudness: str
    stills: tuple[Still, ...] = ()
    picks: tuple[PickTold, ...] = ()
    changes: tuple[str, ...] = ()
    verdict: str
    summary: str
    cells: tuple[Cell, ...] = ()
    reasons: tuple[Reason, ...] = ()
    conditions: tuple[Condition, ...] = ()
    plans: tuple[Plan, ...] = ()
    clearance: str | None = None
    matrix: str = ""


class Refusal(Noun):
    """Something that was tried and refused: by whom, with which code and why, and what would cure it."""

    tried: str
    by: str
    code: str
    message: str
    hint: str = ""


class Ended(Noun):
    """Why it did not come to a publication, and what would cure it."""

    code: str
    message: str
    hint: str = ""


class AuditOutcome(Noun):
    """The audit log after the work: whether it verifies, its rows and its signed heads."""

    ok: bool
    rows: int
    heads: int
    text: str


class Outcome(Noun):
    """The whole of it. Files are relative to the output folder; instants are UTC; `window` is when it was to be up.

    `approved_by` is who decided, also when it was a no; `ended` says why nothing was published; `notes` are what a
    person should know of how the cut was made.
    """

    state: Literal["scheduled", "rejected", "failed"]
    ended: Ended | None = None
    title: str
    brief: str
    window: TimeRange | None = None
    asked_by: str
    approved_by: str | None = None
    approval: str | None = None
    started: Instant
    seconds_taken: str
    story: str
    source: str
    versions: tuple[VersionOutcome, ...]
    publications: tuple[Publication, ...] = ()
    slots: tuple[str, ...] = ()
    not_included: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    files: dict[str, str]
    audit: AuditOutcome
    notice: str = ""
