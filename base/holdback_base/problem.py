"""One exception for everything a caller may be told, and the table of its codes.

Rules return reasons; doors raise `Problem`. Each door maps it to its wire: MCP to a tool error with structure,
A2A to a data part, HTTP to RFC 9457.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

CODES: Mapping[str, str] = MappingProxyType(
    {
        # Anything can say these
        "INVALID_ARGUMENT": "An argument has the wrong form or range.",
        "NOT_FOUND": "There is no such thing here, or the caller may not know of it.",
        "CONFLICT": "The thing has changed, exists already, or the request was made with other content.",
        "TOO_LARGE": "The request or the file is over a limit.",
        "INTERNAL": "The server failed; the caller did nothing wrong.",
        "UNAVAILABLE": "Something this needs is not answering.",
        "CANCELLED": "The work was cancelled before it ended.",
        "WRITE_NOT_ALLOWED": "This server was started for reading only.",
        # Trust
        "UNAUTHENTICATED": "No token, or one that is broken, expired, revoked, or for another audience.",
        "PERMISSION_DENIED": "The caller is known but nothing allows this.",
        "STATEMENT_INVALID": "A signed statement does not verify.",
        "STATEMENT_EXPIRED": "A signed statement is outside its validity.",
        "SEPARATION_OF_DUTIES": "Who asked may not also approve.",
        "SECOND_FACTOR_NEEDED": "The person must prove who they are with a second factor first.",
        "AGENT_SUSPENDED": "The agent is suspended; a person must restore it.",
        "GUARDIAN_BLOCKED": "The guardian stopped the call before it was made.",
        "PERSON_NEEDED": "The guardian lets this go on only when a person says so.",
        "QUARANTINED": "It was made by a task that the guardian stopped; a person must release it.",
        "APPROVAL_REVOKED": "The approval was revoked.",
        "TOO_MANY_REQUESTS": "The caller asks more often than is allowed.",
        "AGENT_NOT_ADMITTED": "The agent is not admitted as it is now: its key, software or AI configuration differs.",
        "HOST_NOT_ALLOWED": "This house sends nothing to that host.",
        # Words
        "TERRITORY_UNKNOWN": "Not an ISO 3166 code or a known group.",
        "LANGUAGE_UNKNOWN": "Not a BCP 47 language tag.",
        "MEDIUM_UNKNOWN": "Not in the media tree.",
        "TIMECODE_INVALID": "Not a timecode that exists at this rate.",
        "RANGE_INVALID": "An end that is not after its start, or a window that is over.",
        # Assets
        "PATH_OUTSIDE_LIBRARY": "The path is not under a configured library root.",
        "FILE_MISSING": "There is no file at the path.",
        "NOT_MEDIA": "The file cannot be read as media of an accepted format.",
        "MEDIA_DAMAGED": "The file begins as media but is truncated or broken.",
        "MEDIA_OFFLINE": "The bytes of this media are not in the store.",
        "LEGAL_HOLD": "The asset is under a legal hold, which forbids this until it is released.",
        # Editing
        "EMPTY_CUT": "A cut or a clip with no frames.",
        "SPAN_OUTSIDE_MEDIA": "A span goes beyond the frames that exist.",
        "TIMELINE_INVALID": "A timeline cannot be rendered as it stands.",
        "CUT_STATEMENT_REQUIRED": "Rights accepts an element list only inside a signed cut statement.",
        # Rights
        "CLEARANCE_HASH_MISMATCH": "The clearance is for other media or another element list.",
        "CLEARANCE_EXPIRED": "The clearance is no longer valid.",
        "CLEARANCE_REVOKED": "The clearance was revoked.",
        "CLEARANCE_STALE": "The rights no longer give what the clearance opened, or what it clears is worth more now.",
        "NOT_CLEARED": "The verdict does not allow this, for this place, platform or time.",
        "RUNS_EXHAUSTED": "A right gives no more runs for what was asked.",
        # Schedule
        "CHANNEL_UNKNOWN": "No channel of that name.",
        "SLOT_TAKEN": "The slot is held or committed by somebody else.",
        "SLOT_REFUSED": "A rule of the channel refuses the slot: gap, cap, separation, blackout or watershed.",
        "HOLD_EXPIRED": "The hold has lapsed.",
        "OUTSIDE_CLEARED_WINDOW": "The publication would fall outside what is cleared.",
        "TERRITORY_NOT_CLEARED": "The publication would reach a territory that is not cleared.",
        "APPROVAL_REQUIRED": "No approval by a person came with the request.",
        "APPROVAL_HASH_MISMATCH": "The approval is for other media.",
        "ALREADY_COMMITTED": "This publication is committed already.",
        # Agents
        "BRIEF_INCOMPLETE": "The brief lacks something that must not be guessed.",
        "NOBODY_OFFERS": "No agent or server in the registry offers this.",
        "TASK_ENDED": "The task is in a terminal state.",
        "MESSAGE_MALFORMED": "The message cannot be understood.",
        "BUDGET_EXCEEDED": "The work would take more steps, time or depth than allowed.",
    }
)


class Problem(Exception):  # noqa: N818 - the RFC 9457 word
    """What went wrong, where, and the cure.

    Args:
        code: a key of `CODES`.
        message: what and where, in one sentence, safe for the caller to read.
        hint: the cure, in one sentence.
        details: JSON values that a program may act on.
    """

    def __init__(self, code: str, message: str, hint: str = "", **details: Any) -> None:
        if code not in CODES:
            raise ValueError(f"{code} is not in the table of codes")
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = details

    def as_dict(self) -> dict[str, Any]:
        """The wire's form: `code`, `message`, `hint`, and `details` when there are any."""
        shape: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        if self.details:
            shape["details"] = self.details
        return shape

    def line(self) -> str:
        """The same facts in one line of text."""
        return f"{self.code}: {self.message}" + (f" Hint: {self.hint}" if self.hint else "")

    @classmethod
    def from_dict(cls, shape: Mapping[str, Any]) -> "Problem":
        """Read the wire's form; a code that this side does not know becomes INTERNAL and is kept in details."""
        code = str(shape.get("code", "INTERNAL"))
        message, hint = str(shape.get("message", "")), str(shape.get("hint", ""))
        details: dict[str, Any] = dict(shape.get("details") or {})
        if code not in CODES:
            return cls("INTERNAL", message, hint, foreign_code=code, **details)
        return cls(code, message, hint, **details)


def beyond_reckoning(what: str, error: OverflowError) -> Problem:
    """RANGE_INVALID for a time or a number so far out that nothing can be added to it."""
    return Problem(
        "RANGE_INVALID",
        f"{what}: a time or a number is beyond what can be reckoned with ({error}).",
        "Give times between the years 1900 and 2200; leave an end out where it is open.",
    )
