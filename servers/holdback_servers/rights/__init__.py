"""The rights room: what may be shown where, on which platform, when; why not; and what would make it so.

As a library it is pure: rights are values, a decision is a function of them, and nothing here reads a clock, a file or
a network. Windows are half-open `[start, end)` in UTC, an open end is absent; territories are ISO 3166 codes or dated
groups, platforms nodes of the media tree, languages BCP 47 tags. What cannot be is a `Problem` with its cure.

    >>> from datetime import UTC, date, datetime
    >>> deal = ContractTerms(counterparty="Heron Films", direction="in", status="active", time_zone="Europe/London")
    >>> contract = contract_on_record("ctr_1", deal)
    >>> film = RightTerms(
    ...     ref="film:heron", kind="grant", media=("all",), territories=("EU", "GB"), first_day=date(2026, 1, 1),
    ...     clause="2.1 All media, European Union and United Kingdom.",
    ... )
    >>> holdback = RightTerms(
    ...     ref="film:heron", kind="holdback", media=("social",), territories=("DE",), last_day=date(2026, 12, 14),
    ...     clause="7.3 Not on social media in Germany before the broadcast.",
    ... )
    >>> rights = [right_on_record(f"rgt_{n}", terms, contract) for n, terms in enumerate([film, holdback], 1)]
    >>> books = {"film:heron": Book(entry(right, contract) for right in rights)}

A question, and the answer for a reference that is not cut yet; `decide` judges the element list of a cut instead.

    >>> asked = ask(
    ...     ["DE", "FR", "GB"], ["linear", "social.youtube"], purpose="promotion",
    ...     start=datetime(2026, 12, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC),
    ... )
    >>> decision = reference_decision(["film:heron"], books, asked, derivative=True)
    >>> print(report(decision).text())
    PARTIAL: of 6 cells (territory x platform) 5 CLEARED, 1 PARTIAL.
    <BLANKLINE>
    Asked: promotion in DE, FR, GB on linear, social.youtube,
    1 Dec 2026 00:00 until 1 Jan 2027 00:00 (all times UTC).
    No cut was judged: what a cut must meet is told under Conditions.
    <BLANKLINE>
    Territory  linear   social.youtube
    DE         cleared  partly R1
    FR, GB     cleared  cleared
    (partly: for some of the window, see When)
    <BLANKLINE>
    When (UTC; the end is the first instant no longer cleared):
      DE on social.youtube  cleared  15 Dec 2026 00:00 until 1 Jan 2027 00:00
    <BLANKLINE>
    Why not:
      R1 HOLDBACK: film:heron (programme) is held back: social in DE until 15 Dec 2026 00:00.
         DE on social.youtube, 1 Dec 2026 00:00 until 15 Dec 2026 00:00
         rgt_2 of ctr_1: "7.3 Not on social media in Germany before the broadcast."

What would clear it, the smallest changes first, each decided again:

    >>> def decide_again(asked, cuts, books):
    ...     return reference_decision(["film:heron"], books, asked, derivative=True)
    >>> for plan in plans(decision, books, decide_again=decide_again):
    ...     print(plan.verified, plan.cost, *(remedy.text for remedy in plan.remedies))
    True 3 Start not before 2026-12-15T00:00:00Z in DE on social.youtube.

Behind a door the same rights are kept in a store: `holdback_servers.rights.server`.
"""

from holdback_base.problem import Problem

from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.catalogue import reference_decision
from holdback_servers.rights.clearance import Decision, ask, decide
from holdback_servers.rights.explaining import report
from holdback_servers.rights.model import (
    Condition,
    Contract,
    ContractTerms,
    Reruns,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
)
from holdback_servers.rights.moments import Event, EventLag
from holdback_servers.rights.plans import plans
from holdback_servers.rights.report import Asked, ClearanceReport, Plan, Reason, Remedy

__all__ = [
    "Asked",
    "Book",
    "ClearanceReport",
    "Condition",
    "Contract",
    "ContractTerms",
    "Decision",
    "Entry",
    "Event",
    "EventLag",
    "Plan",
    "Problem",
    "Reason",
    "Remedy",
    "Reruns",
    "Right",
    "RightTerms",
    "ask",
    "contract_on_record",
    "decide",
    "entry",
    "plans",
    "reference_decision",
    "report",
    "right_on_record",
]
