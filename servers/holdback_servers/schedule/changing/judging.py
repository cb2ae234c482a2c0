"""Whether changes may be made to the schedule as it stands, and what publications become by them.

Changes come from outside: what they say they do is judged again. Each function is part of one unit of work.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, difference, intersection
from sqlalchemy import Connection

from holdback_servers.schedule import store
from holdback_servers.schedule.admission import check_reach, check_windows, slot_problem
from holdback_servers.schedule.books import find_channel, read_books
from holdback_servers.schedule.change_nouns import ACTIONS, Change
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import obstacle, placed
from holdback_servers.schedule.impact import Around, on_air
from holdback_servers.schedule.model import (
    Availability,
    Publication,
    arranged,
    availability_bounds,
    extends,
    windows_of,
)

_HINT = "Plan the changes again, and apply those."


@dataclass(frozen=True)
class Step:
    """A change, the publication as it stands, and what it becomes; `admission` are papers that it stands on anew."""

    change: Change
    found: Publication
    becomes: Publication
    admission: store.Admission | None = None

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return self.becomes == self.found and self.admission is None

    @property
    def takes_runs(self) -> bool:
        """Whether it is transmitted at another time or to more territories, under a clearance."""
        return self.change.action in ("move", "extend") and self.becomes.clearance is not None and not self.done


def judged(
    c: Connection, changes: Sequence[Change], admissions: Mapping[str, store.Admission], now: datetime
) -> list[Step]:
    """The steps of these changes, what shows less first; nothing is changed.

    Raises:
        Problem: NOT_FOUND; CONFLICT when a publication is not as it was when the changes were planned, naming each;
            INVALID_ARGUMENT for a change that is not what it says; APPROVAL_REQUIRED for an extension that nobody
            approved; TERRITORY_NOT_CLEARED, OUTSIDE_CLEARED_WINDOW, SLOT_TAKEN or SLOT_REFUSED for a new time.
    """
    found = [store.find_publication(c, each.publication, now) for each in changes]
    channels = {name: find_channel(c, name, lock=True) for name in sorted({each.channel for each in found})}
    if twice := [name for name, count in Counter(each.id for each in found).items() if count > 1]:
        raise Problem("INVALID_ARGUMENT", f"{', '.join(twice)} would be changed twice.", "Give one change for each.")
    _check_unchanged(changes, found, now)
    steps = [
        _step(each, one, admissions.get(one.id), channels[one.channel], now)
        for each, one in zip(changes, found, strict=True)
    ]
    for name, channel in channels.items():
        _check_slots(c, channel, [each for each in steps if each.found.channel == name], now)
    return sorted(steps, key=lambda each: (ACTIONS.index(each.change.action), each.found.start, each.found.id))


def _check_unchanged(changes: Sequence[Change], found: Sequence[Publication], now: datetime) -> None:
    differing = [
        f"{one.id} {what}"
        for each, one in zip(changes, found, strict=True)
        if not applied(each, one, now) and (what := _differs(each, one, now))
    ]
    if differing:
        text = f"The schedule has changed since these changes were planned: {'; '.join(differing)}."
        raise Problem("CONFLICT", text, _HINT, publications=[each.split()[0] for each in differing])


def _differs(change: Change, found: Publication, now: datetime) -> str | None:
    if found.state != change.state:
        return f"is {found.state}, not {change.state}"
    if found.availability != change.before:
        return f"is shown {'; '.join(piece.text() for piece in found.availability)} now"
    begun = on_air(found, now)
    if change.action in ("move", "cancel") and begun:
        return "has begun"
    if change.action == "take_down" and not begun:
        return "has not begun"
    return "is locked" if found.locked and change.action in ("move", "extend") else None


def applied(change: Change, found: Publication, now: datetime) -> bool:
    """Whether the publication is already what the change makes of it, so that it may be asked for again."""
    if change.action in ("take_down", "cancel"):
        return found.state == ("taken_down" if change.action == "take_down" else "cancelled")
    if change.fixes_start and found.details.follows is not None:
        return False
    return found.state == change.state and as_of_now(found, change.after, now) == arranged(found.availability)


def as_of_now(found: Publication, after: tuple[Availability, ...], now: datetime) -> tuple[Availability, ...]:
    """What a change makes of the availability: until now it was what it was, from now on it is `after`."""
    if not on_air(found, now):
        return arranged(after)
    ahead, coming = [TimeRange(start=now)], windows_of(after)
    parts = {each: difference(windows, ahead) for each, windows in windows_of(found.availability).items()}
    for each, windows in coming.items():
        parts[each] = [*parts.get(each, ()), *intersection(windows, ahead)]
    pieces = [
        Availability(territories=(territory,), start=window.start, end=window.end)
        for territory, windows in parts.items()
        for window in windows
    ]
    return arranged(tuple(pieces))


def _step(
    change: Change, found: Publication, admission: store.Admission | None, channel: Channel, now: datetime
) -> Step:
    if applied(change, found, now) and (admission is None or admission.clearance.id == found.clearance):
        return Step(change, found, found)
    becomes = _becomes(change, found, now)
    if change.action in ("take_down", "cancel"):
        return Step(change, found, becomes)
    _check_what_it_says(change, found, becomes, channel)
    if change.action == "extend" and (admission is None or not admission.asked_anew):
        raise Problem(
            "APPROVAL_REQUIRED",
            f"{found.id} would be shown more than a person approved, in {', '.join(_growing(found, becomes))}.",
            "Have a person approve it with a newer clearance, and pass both statements.",
            publication=found.id,
        )
    if admission is not None:
        check_windows(_from_now(becomes, now), channel, admission.clearance.cells)
        becomes = store.admitted(becomes, admission)
    return Step(change, found, becomes, admission)


def _becomes(change: Change, found: Publication, now: datetime) -> Publication:
    if change.action == "cancel":
        return found.model_copy(update={"state": "cancelled"})
    shows = as_of_now(found, () if change.action == "take_down" else change.after, now) or found.availability
    start, end = availability_bounds(shows)
    update: dict[str, object] = {"availability": shows, "start": start, "end": end}
    if change.action == "take_down":
        update["state"] = "taken_down"
    if change.fixes_start:
        update["details"] = found.details.model_copy(update={"start_mode": "fixed", "follows": None})
    return found.model_copy(update=update)


def _growing(found: Publication, becomes: Publication) -> tuple[str, ...]:
    return extends(found.approved_for or found.availability, becomes.availability) or becomes.territories


def _check_what_it_says(change: Change, found: Publication, becomes: Publication, channel: Channel) -> None:
    """A shortening only takes away, a move only moves, and what is kept stays."""
    shows, wrong = becomes.availability, ""
    if change.action == "shorten":
        before = windows_of(found.availability)
        more = [t for t, windows in windows_of(shows).items() if difference(windows, before.get(t, ()))]
        wrong = f"shows more than before in {', '.join(more)}" if more else ""
        wrong = wrong or ("starts at another time" if becomes.start != found.start else "")
    elif change.action == "move":
        more = extends(found.approved_for or found.availability, shows)
        wrong = f"is on show longer than was approved in {', '.join(more)}" if more else ""
    elif change.action == "keep" and shows != arranged(found.availability):
        wrong = "changes when it is on show"
    if wrong:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The change of {found.id} is called {change.action}, but with it the publication {wrong}.",
            _HINT,
            publication=found.id,
        )
    if change.action in ("move", "extend"):
        check_reach(channel, shows)


def _from_now(publication: Publication, now: datetime) -> Publication:
    """The publication with what is still to come of it."""
    ahead = [TimeRange(start=now)]
    pieces = [
        Availability(territories=piece.territories, start=window.start, end=window.end)
        for piece in publication.availability
        for window in intersection([piece.window], ahead)
    ]
    return publication.model_copy(update={"availability": tuple(pieces)})


def _check_slots(c: Connection, channel: Channel, steps: Sequence[Step], now: datetime) -> None:
    """What gets another start keeps every rule there, all the changes of the channel being made."""
    moving = [each for each in steps if each.becomes.start != each.found.start]
    if not moving:
        return
    room = {each.found.id: placed(channel, each.becomes) for each in moving}
    first, last = min(each.start for each in room.values()), max(each.until for each in room.values())
    books = read_books(c, channel, TimeRange(start=first, end=last + timedelta(seconds=1)), now)
    gone = {each.found.id for each in steps if each.becomes.state == "cancelled"} | room.keys()
    for each in moving:
        around = Around(books, gone, [other for name, other in room.items() if name != each.found.id])
        stop = obstacle(around, room[each.found.id], now, after_watershed=each.found.after_watershed)
        if stop is not None:
            raise slot_problem(channel, each.becomes.start, stop)
