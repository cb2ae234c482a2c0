"""The rights tools that ask beyond one cut: references, what ends soon, conflicts, and what a change would touch."""

from typing import Annotated

from holdback_base.vocabulary import Instant, parse_medium, parse_territory
from pydantic import Field

from holdback_servers.rights.answers import ChangeAssessed, ConflictsPage, EndingPage, ReferenceReport
from holdback_servers.rights.asking import looking
from holdback_servers.rights.asking.looking import Wanted, checked_refs
from holdback_servers.rights.clearance import ask
from holdback_servers.rights.deciding import (
    End,
    Exclusive,
    Languages,
    Platforms,
    Runs,
    Start,
    Territories,
    Undertakings,
    Uses,
)
from holdback_servers.rights.model import ContractStatus
from holdback_servers.rights.store import Shelf
from holdback_servers.rights.windows import point
from holdback_servers.services import Call
from holdback_servers.serving import Door

Cursor = Annotated[str | None, Field(description="next_cursor of the page before.")]
Limit = Annotated[int, Field(description="Items in a page.", ge=1, le=200)]
OneRef = Annotated[str | None, Field(description="Of this element, such as film:big-buck-bunny.", max_length=200)]
OneContract = Annotated[str | None, Field(description="Of this contract, by its ctr_ id.", max_length=200)]


def offer_asking(door: Door, shelf: Shelf) -> None:
    """Add the tools that ask beyond one cut to the rights door."""
    _offer_references(door, shelf)
    _offer_expiring(door, shelf)
    _offer_conflicts(door, shelf)
    _offer_assessing(door, shelf)


def _offer_references(door: Door, shelf: Shelf) -> None:
    services = door.services

    @door.tool(title="Check reference", scope="rights:read")
    async def check_reference(
        call: Call,
        *,
        refs: Annotated[
            list[str],
            Field(
                description="What is to be shown, such as film:big-buck-bunny; several must all be clear.",
                max_length=50,
            ),
        ],
        territories: Territories,
        platforms: Platforms,
        start: Start,
        end: End = None,
        purpose: Uses = "promotion",
        languages: Languages = None,
        runs: Runs = 1,
        exclusive: Exclusive = False,
        undertakings: Undertakings = None,
        derivative: Annotated[bool, Field(description="It will be cut, not shown whole.")] = True,
        plans: Annotated[bool, Field(description="Also work out what would clear it.")] = True,
    ) -> ReferenceReport:
        """Say whether a film or a piece of music may be shown there and then, before there is a cut, and when it opens.

        The same verdicts, reasons and plans as check_clearance, each with its right, contract and clause. Conditions (a
        credit, a blur) are told as what the rights ask for, and limits (the longest it may last in a cut, runs left,
        days it may stay up) of the grants that give, since no cut shows yet whether they are kept. Leave `end` out to
        ask when it first opens. Nothing is issued: for that, ask issue_clearance with a cut.
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
        named = checked_refs(refs)
        return await services.database.read(
            lambda c: looking.reference_report(c, shelf, named, asked, derivative=derivative, plans=plans)
        )


def _offer_expiring(door: Door, shelf: Shelf) -> None:
    services = door.services

    @door.tool(title="Report expiring rights", scope="rights:read")
    async def report_expiring(
        call: Call,
        *,
        days: Annotated[int, Field(description="How far to look ahead, in days of 24 hours.", ge=1, le=3660)] = 90,
        territory: Annotated[str | None, Field(description="That give any of this ISO 3166 territory.")] = None,
        platform: Annotated[str | None, Field(description="That give any of this node of the media tree.")] = None,
        ref: OneRef = None,
        contract: OneContract = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> EndingPage:
        """List grants of active contracts that end soon, the first to end first, over the whole catalogue.

        Each says whether it ends within 7, 30 or 90 days, which grants give the same afterwards (then nothing really
        ends), what nobody gives then, and which valid clearances rely on its reference. A page may be short and still
        have a next_cursor.
        """
        place = None if territory is None else parse_territory(territory)
        medium = None if platform is None else parse_medium(platform)
        wanted, now = Wanted(days, place, medium, ref, contract), services.clock()
        return await services.database.read(
            lambda c: looking.endings(c, shelf, now, wanted, cursor=cursor, limit=limit)
        )


def _offer_conflicts(door: Door, shelf: Shelf) -> None:
    services = door.services

    @door.tool(title="Find conflicts", scope="rights:read")
    async def find_conflicts(
        call: Call,
        *,
        contract: OneContract = None,
        ref: OneRef = None,
        since: Annotated[Instant | None, Field(description="Leave out what is over by then; by default now.")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> ConflictsPage:
        """Find conflicts of a contract, or of all contracts about one reference, before they are active.

        A draft or pending contract is judged as if it were active. NO_RIGHTS_IN and PARTIAL_RIGHTS_IN: licensed out
        without being held for those places, media and time. NO_EXCLUSIVE_RIGHTS_IN: licensed out exclusively, held
        without. RIGHTS_OUT_OVERLAP: licensed out over an exclusive licence, or the reverse. HOLDBACK, BLACKOUT,
        EMBARGO: licensed out against one that binds. RIGHTS_IN_OVERLAP: two licensors grant the same exclusively. Each
        names both rights with contract and clause, where and when they meet, and what to change.
        """
        past = point(since or services.clock())
        return await services.database.read(
            lambda c: looking.conflicts(c, shelf, contract, ref, since=past, cursor=cursor, limit=limit)
        )


def _offer_assessing(door: Door, shelf: Shelf) -> None:
    services = door.services

    @door.tool(title="Assess change", scope="rights:read")
    async def assess_change(
        call: Call,
        *,
        rights: Annotated[
            list[str] | None,
            Field(description="As if these rights, by their rgt_ ids, were withdrawn.", max_length=500),
        ] = None,
        contract: Annotated[str | None, Field(description="As if this contract, by its ctr_ id, had `status`.")] = None,
        status: Annotated[ContractStatus, Field(description="What the contract would become.")] = "inactive",
        ref: Annotated[
            str | None, Field(description="As if nothing were recorded for this reference any more.")
        ] = None,
    ) -> ChangeAssessed:
        """List the valid clearances that a change would touch, and what each would lose, before anybody makes it.

        Give one of rights, contract or ref. A clearance that loses any place, platform or time would go stale at once.
        Nothing is changed or kept.
        """
        now = services.clock()
        return await services.database.read(
            lambda c: looking.assessed(c, shelf, now, rights=rights or (), contract=contract, status=status, ref=ref)
        )
