"""Whether publications still stand on their clearances: the question and the answer. Pure."""

from holdback_base.vocabulary import Instant, Sha256, TimeRange
from pydantic import Field

from holdback_agents.contracts import Part

MOST_CHECKED = 200
"""Publications in one check."""


class PublicationCheck(Part):
    """Does the clearance still stand, for every minute and territory of these publications?

    `publications` are ids of publications (pub_) or holds (hold_). `clearance` is the one to judge them by, where it is
    not yet, or shall no longer be, the one on record; a held slot has none on record. Without publications the
    clearance itself is looked at, for `media` where that is given.
    """

    schema_name = "publication-check"
    publications: tuple[str, ...] = Field(default=(), max_length=MOST_CHECKED)
    clearance: str = ""
    media: Sha256 | None = None


class Finding(Part):
    """Why a publication no longer stands on its clearance: a code of the house's table, in words, and where."""

    code: str
    text: str
    territories: tuple[str, ...] = ()
    windows: tuple[TimeRange, ...] = ()


class Standing(Part):
    """How one publication stands on its clearance, or a clearance by itself, where no publication is named.

    `status` is that of the clearance: valid, expired, stale or revoked.
    """

    publication: str = ""
    hold: str | None = None
    title: str = ""
    channel: str = ""
    platform: str = ""
    state: str = ""
    start: Instant | None = None
    end: Instant | None = None
    clearance: str = ""
    status: str = ""
    stands: bool
    findings: tuple[Finding, ...] = ()


class PublicationStanding(Part):
    """The answer of the compliance agent: `stands` when all of them do."""

    schema_name = "publication-standing"
    stands: bool
    items: tuple[Standing, ...]
    text: str = ""
