"""The rights tools that decide: check a cut, have it cleared, ask how a clearance stands, take it back."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Annotated, Any, Final, NamedTuple

from holdback_base.database import stories_of
from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Sha256
from holdback_trust.statements import CLEARANCE, sign
from pydantic import Field
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from holdback_servers.rights import clearances, issuing
from holdback_servers.rights.answers import ClearanceRecord, IssuedClearance, Note, Revoked
from holdback_servers.rights.book import Book
from holdback_servers.rights.clearance import Decision, ask, decide, refs_of
from holdback_servers.rights.clearances import Standing, clearance_status, status_statement
from holdback_servers.rights.explaining import report
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.plans import plans as ways_out
from holdback_servers.rights.report import Asked, ClearanceReport, Undertaking
from holdback_servers.rights.store import Shelf, books
from holdback_servers.rights.tables import STORIES
from holdback_servers.rights.watching import CLEARANCE_URI
from holdback_servers.rights.windows import window
from holdback_servers.services import Call
from holdback_servers.serving import Door

Statements = Annotated[
    list[str],
    Field(
        description="Signed cut statements (compact JWS) from assets or editing: one for each delivery.", max_length=20
    ),
]
Territories = Annotated[
    list[str],
    Field(description="ISO 3166 codes such as GB or US-CA, or groups such as EU, DACH, WORLD.", max_length=400),
]
Platforms = Annotated[
    list[str], Field(description="Nodes of the media tree, such as social.youtube, linear, vod.svod.", max_length=100)
]
Start = Annotated[Instant, Field(description="When it shall first be shown, UTC with a Z.")]
End = Annotated[Instant | None, Field(description="First instant it is no longer shown; leave out for no end.")]
Uses = Annotated[Purpose, Field(description="What it is shown for; training must be licensed by name.")]
Languages = Annotated[
    list[str] | None,
    Field(
        description="BCP 47 tags of the cut's languages, with a use where it is one track (subtitle:de); needed where "
        "licences name languages. All must be covered."
    ),
]
Runs = Annotated[int, Field(description="Transmissions planned in the window.", ge=1, le=1_000_000)]
Exclusive = Annotated[bool, Field(description="It must be possible to the exclusion of others, as for a sale.")]
Undertakings = Annotated[
    list[Undertaking] | None,
    Field(description="Conditions you will keep where it is delivered, which no cut can show.", max_length=2),
]
_Question = tuple[Asked, tuple[CutFacts, ...], bool]
_ANSWERS: Final = 8
"""Answers kept: one may be megabytes."""
ClearanceId = Annotated[str, Field(description="The clr_ id of a clearance.")]


class Answer(NamedTuple):
    """A decision and its report."""

    decision: Decision
    report: ClearanceReport


class Deciding:
    """Decides, and keeps its last few answers: what was checked is often asked again, or issued next. An answer stands
    for as long as each book that it was decided by is still the one on the shelf. Threads may share it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._kept: dict[_Question, tuple[Mapping[str, Book], Answer]] = {}
        self._lock = Lock()

    def answer(self, c: Connection, asked: Asked, cuts: Sequence[CutFacts], *, plans: bool = True) -> Answer:
        """The decision by what is recorded now, and its report. Raises what `decide` raises."""
        known = books(c, refs_of(cuts), self._shelf, window(asked.window.start, asked.window.end))
        question = (asked, tuple(cuts), plans)
        with self._lock:
            kept = self._kept.get(question)
        if kept is not None and kept[0] == known:  # a book equals only itself
            return kept[1]
        decision = decide(asked, cuts, known)
        answer = Answer(decision, report(decision, ways_out(decision, known) if plans else ()))
        with self._lock:
            self._kept.pop(question, None)
            self._kept[question] = (known, answer)
            if len(self._kept) > _ANSWERS:
                del self._kept[next(iter(self._kept))]
        return answer


def offer_deciding(door: Door, shelf: Shelf) -> None:
    """Add the deciding tools to the rights door."""
    _offer_checking(door, Deciding(shelf))
    _offer_clearances(door, shelf)


def _offer_checking(door: Door, deciding: Deciding) -> None:
    services = door.services

    @door.tool(title="Check clearance", scope="rights:read")
    async def check_clearance(
        call: Call,
        *,
        cut_statements: Statements,
        territories: Territories,
        platforms: Platforms,
        start: Start,
        end: End = None,
        purpose: Uses = "promotion",
        languages: Languages = None,
        runs: Runs = 1,
        exclusive: Exclusive = False,
        undertakings: Undertakings = None,
        plans: Annotated[bool, Field(description="Also work out what would clear it.")] = True,
    ) -> ClearanceReport:
        """Say whether cuts may be shown in these territories, on these platforms, in this window, and if not, why.

        Groups of territories and platforms with the same answer: CLEARED, PARTIAL (with the windows), CONDITIONAL (once
        conditions are met), NEEDS_HUMAN (something nobody recorded rights for), DENIED. Reasons name the right, its
        contract and clause; plans say which changes would clear it, the smallest first, each decided again. Several
        cuts are cleared only where all of them are. Nothing is issued or kept.
        """
        asked = ask(
            territories,
            platforms,
            start=start,
            end=end,
            purpose=purpose,
            languages=languages or (),
            runs=runs,
            exclusive=exclusive,
            undertakings=undertakings or (),
        )
        cuts = _cuts(call, cut_statements)
        return await services.database.read(lambda c: deciding.answer(c, asked, cuts, plans=plans).report)

    @door.tool(title="Issue clearance", scope="rights:clear", kind="write")
    async def issue_clearance(
        call: Call,
        *,
        cut_statements: Statements,
        territories: Territories,
        platforms: Platforms,
        start: Start,
        end: End = None,
        purpose: Uses = "promotion",
        languages: Languages = None,
        runs: Runs = 1,
        exclusive: Exclusive = False,
        undertakings: Undertakings = None,
        accept_partial: Annotated[
            bool, Field(description="Sign for what is clear although other cells, or some of the time, are not.")
        ] = False,
        sign_refusal: Annotated[
            bool, Field(description="Where nothing is clear, sign that decision too: on record, and opening nothing.")
        ] = False,
    ) -> IssuedClearance:
        """Decide as check_clearance does and, where the cuts are clear as they stand, sign a clearance for them.

        The statement is bound to the sha256 and the element list of every cut, holds only the cells and windows that
        are clear, and is valid for seven days at most. Where nothing can be signed there is no `statement`, and
        `not_issued` says why; the report is there in both cases.
        """
        asked = ask(
            territories,
            platforms,
            start=start,
            end=end,
            purpose=purpose,
            languages=languages or (),
            runs=runs,
            exclusive=exclusive,
            undertakings=undertakings or (),
        )
        cuts = _cuts(call, cut_statements)
        for each in cuts:
            call.require_reach(each.tier, each.title or each.media)
        result = await services.database.write(
            lambda c: call.once(
                c,
                lambda: _issued(
                    c,
                    call,
                    *deciding.answer(c, asked, cuts),
                    accept_partial=accept_partial,
                    sign_refusal=sign_refusal,
                ).model_dump(mode="json"),
            )
        )
        return IssuedClearance.model_validate(result)


def _offer_clearances(door: Door, shelf: Shelf) -> None:
    services = door.services

    @door.tool(title="Get clearance", scope="rights:read")
    async def get_clearance(
        call: Call,
        clearance: ClearanceId,
        media: Annotated[Sha256 | None, Field(description="Refuse unless the clearance covers these bytes.")] = None,
        elements: Annotated[Sha256 | None, Field(description="Refuse unless it is for this element list.")] = None,
    ) -> ClearanceRecord:
        """Look up a clearance: what it covers, its cells, and whether it is valid, expired, stale or revoked.

        With `media` or `elements` it is checked against them: a clearance of one cut used for another is refused with
        CLEARANCE_HASH_MISMATCH. It is stale once a change of the rights behind it took away something that it opened:
        the answer says since when, why, what was lost and what to do.
        """
        now = services.clock()
        return await services.database.read(
            lambda c: clearances.read(
                c, clearance, now, lambda refs: books(c, refs, shelf), media=media, elements=elements
            )
        )

    @door.tool(title="Revoke clearance", scope="rights:clear", kind="destroy", idempotent=True)
    async def revoke_clearance(
        call: Call,
        clearance: ClearanceId,
        reason: Annotated[Note, Field(description="Why, for the record.", min_length=1)],
    ) -> Revoked:
        """Take a clearance back, for good. Whoever asks for its status from now on is told so; nothing is committed
        under it any more. Revoking it again changes nothing."""
        now, by = services.clock(), call.caller.agent or call.caller.person
        result = await services.database.write(
            lambda c: call.once(c, lambda: clearances.revoke(c, clearance, reason, now, by).model_dump(mode="json"))
        )
        if not await services.database.read(lambda c: stories_of(c, STORIES, clearance)):
            await door.listeners.tell_changed([CLEARANCE_URI + clearance])
        return Revoked.model_validate(result)


def offer_status(door: Door) -> None:
    """Add the open route `GET /status/{clearance}`: a signed `status+jwt`, good for a minute, for relying parties."""
    services = door.services

    @door.mcp.custom_route("/status/{clearance}", methods=["GET"])
    async def status(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        identity = request.path_params["clearance"]

        def look(c: Connection) -> Standing:
            return clearance_status(c, identity)

        found = await services.database.read(look)
        answer = status_statement(services.keys, identity, found, services.clock())
        return Response(answer, media_type="application/jwt", headers={"Cache-Control": "no-store"})


def _cuts(call: Call, statements: list[str]) -> list[CutFacts]:
    """The verified facts of each statement; one given twice counts once.

    Raises Problem CUT_STATEMENT_REQUIRED without any, NOT_FOUND for one of a closed story that the caller may not know
    of, CONFLICT for two that say different things of the same bytes.
    """
    if not statements:
        raise Problem(
            "CUT_STATEMENT_REQUIRED",
            "There is no cut statement.",
            "Pass the signed statement that get_asset or a finished render gives.",
        )
    found: dict[str, CutFacts] = {}
    for each in statements:
        cut = call.read_cut(each).facts()
        if found.setdefault(cut.media, cut).element_list != cut.element_list:
            raise Problem(
                "CONFLICT",
                f"Two cut statements give {cut.media} different element lists.",
                "Pass only the latest statement of each cut.",
                media=cut.media,
            )
    return list(found.values())


def _issued(
    c: Connection,
    call: Call,
    decision: Decision,
    told: ClearanceReport,
    *,
    accept_partial: bool,
    sign_refusal: bool,
) -> IssuedClearance:
    now = call.services.clock()
    refused = issuing.refusal(told, now, accept_partial=accept_partial, sign_refusal=sign_refusal)
    if refused:
        return IssuedClearance(not_issued=refused, report=told)
    services, caller = call.services, call.caller
    claims: dict[str, Any] = issuing.claims(told, services.new_id("clr"), now, caller.chain, caller.person)
    claims |= issuing.inherited(decision.cuts)
    statement = sign(services.keys, CLEARANCE, claims)
    return clearances.keep(c, decision, told, claims, statement)
