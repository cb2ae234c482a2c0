"""What agents say to one another: the data parts, each with its schema URI. Pure.

A part is `application/json` with `metadata.schema = urn:holdback:<name>:1`. Readers ignore fields they do not know, so
that a newer peer may say more; writers say only what stands here.
"""

from typing import Any, ClassVar, Literal

from holdback_base.vocabulary import Instant, Sha256, Span, TimeRange
from pydantic import BaseModel, ConfigDict, Field

SKILL_EXTENSION = "urn:holdback:skill"
"""Message metadata that names the skill; declared as an extension on every card."""
PROGRESS_EXTENSION = "urn:holdback:progress"
"""Status update metadata that carries `Progress`; declared as an extension on every card."""


class Part(BaseModel):
    """A data part; `schema_name` is its name in the schema URI."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    schema_name: ClassVar[str] = ""

    @classmethod
    def schema_uri(cls) -> str:
        """`urn:holdback:<name>:1`."""
        return f"urn:holdback:{cls.schema_name}:1"


class Progress(Part):
    """How far a task is. `seq` grows by one with each report; `path` is the chain of agents from the top."""

    schema_name = "progress"
    seq: int = 0
    step: str = ""
    of: int | None = None
    done: int | None = None
    total: int | None = None
    unit: str = ""
    text: str = ""
    path: tuple[str, ...] = ()


class ProblemPart(Part):
    """Why a task failed or was rejected: the same object as everywhere."""

    schema_name = "problem"
    code: str
    message: str
    hint: str = ""
    details: dict[str, Any] = Field(default_factory=dict)


class Brief(Part):
    """What a person wants: a highlight of so many seconds about a subject, for these platforms, places and times.

    `seconds` is the length of the cut; `territories` are ISO 3166 codes; `platforms` leaves of the media tree; `window`
    is when it shall be up, half-open.
    """

    schema_name = "brief"
    text: str = ""
    subject: str
    seconds: int = Field(gt=0, le=600)
    aspect: Literal["9:16", "16:9", "1:1"] = "16:9"
    platforms: tuple[str, ...] = Field(min_length=1)
    territories: tuple[str, ...] = Field(min_length=1)
    window: TimeRange
    credit_film: bool = False
    purpose: str = "promotion"


class ClearanceRequest(Part):
    """May these deliveries be shown there, then, on those platforms? `issue` asks for a signed clearance as well.

    A delivery is named by its signed cut statement, or by the id of an asset, whose latest version is meant, or
    those with the bytes of `media` where these are given.
    `languages` are those of the cut, which all must be covered; `runs` the transmissions planned; `undertakings` what
    will be kept where it is delivered, such as an age gate.
    """

    schema_name = "clearance-request"
    cut_statements: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    media: tuple[Sha256, ...] = ()
    territories: tuple[str, ...] = Field(min_length=1)
    platforms: tuple[str, ...] = Field(min_length=1)
    window: TimeRange
    purpose: str = "promotion"
    languages: tuple[str, ...] = ()
    runs: int = Field(default=1, ge=1)
    undertakings: tuple[str, ...] = ()
    issue: bool = True


class Reason(Part):
    """Why something stands in the way: a name, the right that says so, and where it is in the way.

    Codes of reasons, types of conditions and kinds of remedies are the rights server's; a reader keeps to `text` where
    it does not know one.
    """

    key: str
    code: str
    text: str
    elements: tuple[str, ...] = ()
    ref: str | None = None
    right: str | None = None
    contract: str | None = None
    clause: str | None = None
    territories: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    windows: tuple[TimeRange, ...] = ()


class Evidence(Part):
    """What was found in the picture and the sound themselves about a condition. `failing` are frames of the cut that
    speak against it; `still` is a PNG in the media store."""

    verdict: Literal["proven", "not_proven", "contradicted"]
    text: str
    failing: tuple[Span, ...] = ()
    still: str | None = None


class Condition(Part):
    """A condition of a right that is relied on, and whether it is met: by the cut's element list, and where that can be
    seen or heard by `evidence`."""

    key: str
    type: str
    met: bool
    text: str
    right: str
    clause: str | None = None
    evidence: Evidence | None = None


class Cell(Part):
    """Territories and platforms that got the same answer.

    `windows` is when the cut may be shown as it stands; `reasons` and `conditions` are keys into the report.
    """

    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    verdict: Literal["CLEARED", "CONDITIONAL", "PARTIAL", "DENIED", "NEEDS_HUMAN"]
    windows: tuple[TimeRange, ...] = ()
    reasons: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


class MissingRight(Part):
    """A grant that would close a gap: what to buy or agree."""

    ref: str
    element_kinds: tuple[str, ...]
    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    window: TimeRange
    purpose: str
    languages: tuple[str, ...] = ()
    exclusive: bool = False


class Remedy(Part):
    """One change that helps to clear the cut; fields that a kind does not use are absent."""

    kind: str
    text: str
    elements: tuple[str, ...] = ()
    ref: str | None = None
    spans: tuple[Span, ...] = ()
    credit: str | None = None
    min_seconds: int | None = None
    max_seconds: int | None = None
    territories: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    start: Instant | None = None
    end: Instant | None = None
    languages: tuple[str, ...] = ()
    runs: int | None = None
    undertakings: tuple[str, ...] = ()
    missing: MissingRight | None = None


class Plan(Part):
    """Changes that together clear what is left of the request; `verified` when it was decided again and cleared."""

    remedies: tuple[Remedy, ...]
    verified: bool
    territories: tuple[str, ...]
    platforms: tuple[str, ...]


class ClearanceReport(Part):
    """The answer of the compliance agent. `statement` is the signed clearance where one was issued; `proofs` are the
    signed statements of what was found in the cuts themselves."""

    schema_name = "clearance-report"
    verdict: str
    summary: str
    media: tuple[Sha256, ...]
    cells: tuple[Cell, ...]
    reasons: tuple[Reason, ...] = ()
    conditions: tuple[Condition, ...] = ()
    plans: tuple[Plan, ...] = ()
    clearance: str | None = None
    statement: str | None = None
    proofs: tuple[str, ...] = ()
    text: str = ""

    def open_territories(self) -> tuple[str, ...]:
        """Where it may be shown for some of the time, on some of the platforms."""
        opening = (cell for cell in self.cells if cell.verdict in ("CLEARED", "PARTIAL"))
        return tuple(dict.fromkeys(territory for cell in opening for territory in cell.territories))


class PublicationRequest(Part):
    """Find and hold slots for a cut, within what its clearance opens.

    What is left out of media, territories and cells is taken from the clearance on record.
    """

    schema_name = "publication-request"
    title: str
    clearance: str
    media: Sha256 | None = None
    asset: str | None = None
    seconds: int = Field(gt=0)
    territories: tuple[str, ...] = ()
    platforms: tuple[str, ...] = Field(min_length=1)
    cells: tuple[Cell, ...] = ()
    window: TimeRange
    hold_minutes: int = Field(default=24 * 60, ge=1, le=24 * 60)


class Availability(Part):
    """Territories in which a publication can be seen from `start` until `end`; an open end is absent."""

    territories: tuple[str, ...]
    start: Instant
    end: Instant | None = None


class Slot(Part):
    """A held place in the schedule, with the reasons for it and the better one that was refused."""

    hold: str
    channel: str
    platform: str
    start: Instant
    local_start: str = ""
    availability: tuple[Availability, ...]
    expires: Instant
    score: int = 0
    reasons: tuple[str, ...] = ()
    refused: str = ""
    left_out: tuple[str, ...] = ()


class PublicationPlan(Part):
    """Held slots, one a channel."""

    schema_name = "publication-plan"
    slots: tuple[Slot, ...]
    text: str = ""


class CommitRequest(Part):
    """Commit held slots under a clearance and an approval of the same media; or, with `release`, give them back."""

    schema_name = "commit-request"
    holds: tuple[str, ...] = Field(min_length=1)
    release: bool = False
    clearance_statement: str = ""
    approval_statement: str = ""


class Publication(Part):
    """One committed publication."""

    id: str
    channel: str
    platform: str = ""
    start: Instant
    availability: tuple[Availability, ...] = ()
    state: str


class CommitReport(Part):
    """What was committed."""

    schema_name = "commit-report"
    publications: tuple[Publication, ...]
    calendar: str = ""


class ShownChange(Part):
    """A publication on the books, and where and when it is to be seen instead."""

    publication: str
    channel: str
    availability: tuple[Availability, ...]


class ApprovalQuestion(Part):
    """What a person is asked to approve: these bytes under this clearance, in these slots, and nothing else.

    `approval` is the id under which the gateway keeps the question. `clearance_statement` is the signed clearance, on
    whose word the gateway knows how valuable the cut is; it is not shown. `publications` are those on the books that
    are to be shown longer or somewhere else; the slots are what is held and to be committed.
    """

    schema_name = "approval-question"
    approval: str = ""
    title: str
    media: Sha256
    elements: Sha256
    clearance: str
    clearance_statement: str = ""
    slots: tuple[Slot, ...]
    publications: tuple[ShownChange, ...] = ()
    conditions_met: tuple[str, ...] = ()
    not_included: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    text: str = ""


class ApprovalAnswer(Part):
    """What a person decided; the statement is signed by the gateway."""

    schema_name = "approval-answer"
    approval: str
    decision: Literal["approved", "rejected"]
    statement: str
    by: str
    comment: str = ""


class Question(Part):
    """Something that must not be guessed: the fields that are missing, asked in words."""

    schema_name = "question"
    text: str
    missing: tuple[str, ...] = ()


class Answer(Part):
    """Words that answer a question."""

    schema_name = "answer"
    text: str


class PickTold(Part):
    """A clip of a cut: where it stands there, in frames, why it was picked, and how sure that is, in percent."""

    record_in: int
    record_out: int
    reason: str = ""
    confidence: int | None = None


class CutVersion(Part):
    """One rendered cut on the way: what it is, what changed to get there, and what compliance said of it.

    `asset` and `version` are its ids in the library; `lufs_tenths` the integrated loudness, -140 being -14 LUFS.
    """

    name: str
    timeline: str
    asset: str = ""
    version: str = ""
    media: Sha256
    elements: Sha256
    statement: str
    width: int
    height: int
    frames: int
    rate: str
    lufs_tenths: int | None = None
    picks: tuple[PickTold, ...] = ()
    changes: tuple[str, ...] = ()
    report: ClearanceReport | None = None


class ExportedFile(Part):
    """A text to keep: an edit decision list, a timeline, a calendar."""

    filename: str
    media_type: str
    content: str


class HighlightDraft(Part):
    """How far a highlight has come: given anew with each cut, so that one that ends without a publication has
    something to show. `notes` are what a person should know of how it was made."""

    schema_name = "highlight-draft"
    title: str
    brief: Brief
    versions: tuple[CutVersion, ...]
    slots: tuple[Slot, ...] = ()
    not_included: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Highlight(Part):
    """The outcome of the main job. `notes` are what a person should know of how it was made."""

    schema_name = "highlight"
    title: str
    brief: Brief
    asset: str
    versions: tuple[CutVersion, ...]
    clearance: str
    clearance_statement: str
    approval: ApprovalAnswer
    slots: tuple[Slot, ...]
    publications: tuple[Publication, ...]
    not_included: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[ExportedFile, ...] = ()
    text: str = ""


def part_models() -> dict[str, type[Part]]:
    """Every data part by its schema URI."""
    return {model.schema_uri(): model for model in Part.__subclasses__() if model.schema_name}
