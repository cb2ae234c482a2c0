"""What becomes of a file that was read: compared with the record, and recorded whole or not at all."""

from dataclasses import replace
from typing import Final

from holdback_base.vocabulary import TimeRange
from sqlalchemy import Connection

from holdback_servers.schedule import asruns, books
from holdback_servers.schedule.asrun_nouns import ImportReport, Reconciliation, Remark
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.exchanging.airing import as_aired, compare_as_run, reconciled, settle
from holdback_servers.schedule.exchanging.comparing import Compared, Taking
from holdback_servers.schedule.exchanging.grids import compare_grid, record_grid

_TOLD: Final = 200
"""Mistakes, and differences, in one answer."""


def take(c: Connection, taking: Taking, *, apply: bool) -> ImportReport:
    """Compare the file with the record and, with `apply` and without a mistake, record it. Raises CHANNEL_UNKNOWN."""
    channel = books.find_channel(c, taking.channel, lock=apply)
    window = taking.window
    if window is None or taking.contents.mistakes:
        hint = "Check that it is the right file, whole, and that kind, format and channel are those of it."
        nothing = Remark(place=taking.name, message="It holds no line that is read.", hint=hint)
        mistakes = taking.contents.mistakes or (nothing,)
        return _report(taking, Compared((), 0, (), mistakes), applied=False)
    if taking.kind == "as_run":
        return _take_as_run(c, taking, channel, window, apply=apply)
    found = compare_grid(c, taking, channel, window)
    applied = apply and not found.mistakes
    if applied:
        record_grid(c, taking, channel, found)
    return _report(taking, found, applied=applied)


def _take_as_run(c: Connection, taking: Taking, channel: Channel, window: TimeRange, *, apply: bool) -> ImportReport:
    found, covered = compare_as_run(c, taking, channel, window), taking.covered
    if covered is None and not found.mistakes:
        hint = "Give as-run of what is over; a grid is what is to come."
        found = replace(
            found, mistakes=(Remark(place=taking.name, message="It covers nothing that is past.", hint=hint),)
        )
    if covered is None or found.mistakes:
        return _report(taking, found, applied=False)
    lines = as_aired(taking, found.new)
    more, without = lines, frozenset(found.replaced)
    differences = reconciled(
        c, channel, window, taking.tolerance, taking.now, more=more, without=without, covered=covered
    )
    new = {each.id for each in lines}
    if apply:
        asruns.drop(c, found.replaced)
        asruns.keep(c, channel.name, lines)
        asruns.cover(c, channel.name, covered, name=taking.name, by=taking.actor.by, now=taking.now)
        settle(c, taking, channel, differences, new)
    odd = [each for each in differences.items if each.outcome != "as_planned"][:_TOLD]
    if not apply:  # lines that are not on record have no ids
        odd = [each.model_copy(update={"aired_items": tuple(set(each.aired_items) - new)}) for each in odd]
    return _report(taking, found, applied=apply, differences=differences.model_copy(update={"items": tuple(odd)}))


def _report(
    taking: Taking, found: Compared, *, applied: bool, differences: Reconciliation | None = None
) -> ImportReport:
    return ImportReport(
        kind=taking.kind,
        channel=taking.channel,
        name=taking.name,
        applied=applied,
        lines=len(taking.contents.items),
        new=len(found.new),
        unchanged=found.unchanged,
        replaced=len(found.replaced),
        mistakes=found.mistakes[:_TOLD],
        losses=taking.contents.losses[:_TOLD],
        differences=differences,
    )
