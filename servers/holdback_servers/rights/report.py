"""The answer to "may we show this cut, there, then, on that platform, and if not, what would make it so?" Pure.

Wire nouns only: `clearance` makes them, `remedies` adds the plans, `matrix` writes them for people.
"""

from typing import Literal

from holdback_base.elements import ElementKind
from holdback_base.vocabulary import Instant, Noun, Sha256, Span, TimeRange
from pydantic import Field

from holdback_servers.rights.model import ConditionType, Purpose

Verdict = Literal["CLEARED", "PARTIAL", "CONDITIONAL", "NEEDS_HUMAN", "DENIED"]
ReasonCode = Literal[
    "ELEMENT_UNKNOWN",
    "NO_RIGHTS_IN",
    "PARTIAL_RIGHTS_IN",
    "NO_EXCLUSIVE_RIGHTS_IN",
    "CONTRACT_NOT_ACTIVE",
    "UNRESOLVED_EVENT",
    "PURPOSE_NOT_LICENSED",
    "LANGUAGE_NOT_LICENSED",
    "DERIVATIVE_NOT_ALLOWED",
    "DURATION_OVER_LIMIT",
    "WINDOW_LIMIT",
    "RUNS_EXHAUSTED",
    "RIGHTS_OUT_OVERLAP",
    "HOLDBACK",
    "BLACKOUT",
    "EMBARGO",
    "CONDITION_UNMET",
    "NO_COMMON_WINDOW",
]
RemedyKind = Literal[
    "add_credit",
    "add_disclaimer",
    "obscure_element",
    "mute_element",
    "shorten_element",
    "replace_element",
    "start_later",
    "end_earlier",
    "drop_platform",
    "drop_territory",
    "drop_language",
    "fewer_runs",
    "undertake",
    "acquire_right",
    "ask_human",
]
Undertaking = Literal["age_gate", "geo_block"]
"""What whoever delivers promises to keep up: a condition that no cut can show."""


class Asked(Noun):
    """The question, with groups of territories replaced by their members. The window is half-open.

    `languages` are BCP 47 tags, with a use before them where only that track is meant (`subtitle:de`); all of them must
    be covered. `runs` are the transmissions planned in the window. `exclusive` asks whether it could be shown, or sold
    on, to the exclusion of others. `undertakings` are conditions that will be kept where it is delivered.
    """

    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    window: TimeRange
    purpose: Purpose
    languages: tuple[str, ...] = ()
    runs: int = 1
    exclusive: bool = False
    undertakings: tuple[Undertaking, ...] = ()


class CutNamed(Noun):
    """A cut that was judged: its bytes and the hash of its element list."""

    media: Sha256
    elements: Sha256
    title: str = ""


class Reason(Noun):
    """Why something stands in the way: a name, the right that says so, and where and when it does.

    `elements` are ids in the element list, all of the same `ref` and `element_kind`; `territories` and `platforms` are
    all those of a cell where it holds, and the groups that name its key say which cells; `windows` is the part of the
    requested window that is in the way. For NO_RIGHTS_IN and PARTIAL_RIGHTS_IN `right` is the nearest grant there is.
    """

    key: str = Field(description="How groups refer to it: R1, R2 ...")
    code: ReasonCode
    text: str
    elements: tuple[str, ...] = ()
    element_kind: ElementKind | None = None
    ref: str | None = None
    name: str | None = None
    right: str | None = None
    contract: str | None = None
    clause: str | None = None
    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    windows: tuple[TimeRange, ...]


class ConditionState(Noun):
    """A condition of a right that is relied on, and whether the element list shows that it is met.

    `elements` are ids of what is to be treated; `spans` the frames of that cut (`media`) still to be treated. Without a
    cut there is no `media`, and the condition is told, not judged.
    """

    key: str = Field(description="How groups refer to it: C1, C2 ...")
    type: ConditionType
    met: bool
    text: str
    min_seconds: int | None = None
    media: Sha256 | None = None
    elements: tuple[str, ...] = ()
    ref: str
    spans: tuple[Span, ...] = ()
    right: str
    contract: str
    clause: str | None = None


class CellGroup(Noun):
    """Territories x platforms that got the same answer.

    `windows` is when the cut may be shown as it stands, with every condition met. `windows_once_met` is when it may be
    shown once the group's unmet conditions are met, where that is more.
    """

    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    verdict: Verdict
    windows: tuple[TimeRange, ...] = ()
    windows_once_met: tuple[TimeRange, ...] | None = None
    reasons: tuple[str, ...] = Field(default=(), description="Keys of reasons.")
    conditions: tuple[str, ...] = Field(default=(), description="Keys of conditions, met and unmet.")


class MissingRight(Noun):
    """A grant that would close a gap: what to buy or agree. The window is half-open."""

    ref: str
    element_kinds: tuple[ElementKind, ...]
    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    window: TimeRange
    purpose: Purpose
    languages: tuple[str, ...] = ()
    exclusive: bool = False


class Remedy(Noun):
    """One change. Fields that a kind does not use are absent.

    | kind | uses |
    |---|---|
    | add_credit, add_disclaimer | `credit` (the words that must be shown), `min_seconds` |
    | obscure_element, mute_element | `elements`, `ref`, `spans` still to be treated |
    | shorten_element | `elements`, `ref`, `max_seconds` it may last in all |
    | replace_element | `elements`, `ref`: take it out, or put in something whose rights cover the request |
    | start_later | `start`: the earliest instant; `territories` and `platforms` it is for |
    | end_earlier | `end`: the first instant no longer cleared; `territories` and `platforms` it is for |
    | drop_territory, drop_platform | `territories` or `platforms` to leave out |
    | drop_language | `languages` to leave out |
    | fewer_runs | `runs` that are left |
    | undertake | `undertakings` to keep where it is delivered |
    | acquire_right | `missing`: the grant to buy or agree; verified by deciding again as if it were on record |
    | ask_human | `text`: what a person must find out, buy or agree |

    `media` are the cuts that an edit is for; `rights` are those that ask for the change or stand in the way.
    """

    kind: RemedyKind
    text: str
    elements: tuple[str, ...] | None = None
    ref: str | None = None
    media: tuple[Sha256, ...] | None = None
    spans: tuple[Span, ...] | None = None
    credit: str | None = None
    min_seconds: int | None = None
    max_seconds: int | None = None
    territories: tuple[str, ...] | None = None
    platforms: tuple[str, ...] | None = None
    start: Instant | None = None
    end: Instant | None = None
    languages: tuple[str, ...] | None = None
    runs: int | None = None
    undertakings: tuple[Undertaking, ...] | None = None
    missing: MissingRight | None = None
    rights: tuple[str, ...] = ()


class Plan(Noun):
    """Changes that clear together all that is left of the request; the first plan costs least.

    `verified` says that the request was decided again with the plan applied and every remaining cell was CLEARED. A
    plan that asks a person cannot be verified. `cost` weighs what is lost (house weights, only for ranking).
    """

    remedies: tuple[Remedy, ...] = Field(min_length=1)
    verified: bool
    cost: int
    territories: tuple[str, ...] = Field(description="What remains once it is applied.")
    platforms: tuple[str, ...] = Field(description="What remains once it is applied.")


class ClearanceReport(Noun):
    """The verdict over elements x territories x platforms in a window, grouped, with reasons and what would clear it.

    The verdict over all: CLEARED when every cell is; PARTIAL when some cell or some of the time is; CONDITIONAL when
    nothing is yet but meeting conditions would clear something; NEEDS_HUMAN when a person must find out first; DENIED.
    """

    verdict: Verdict
    summary: str
    asked: Asked
    cuts: tuple[CutNamed, ...]
    groups: tuple[CellGroup, ...]
    reasons: tuple[Reason, ...] = ()
    conditions: tuple[ConditionState, ...] = ()
    plans: tuple[Plan, ...] = ()
    rights_snapshot: Sha256

    def text(self) -> str:
        """A matrix of territories and platforms, then the reasons with their clauses, then what would clear it."""
        from holdback_servers.rights.matrix import report_text  # it reads these nouns

        return report_text(self)
