"""Events that an Avails file tells by itself: when the sell-through begins that a pre-order ends with. Pure."""

from collections.abc import Iterable
from datetime import date

from holdback_base.vocabulary import territory_within

from holdback_servers.rights.interchange.batch import ImportedRight
from holdback_servers.rights.moments import Event


def est_starts(rights: Iterable[ImportedRight]) -> tuple[tuple[Event, ...], list[ImportedRight]]:
    """When the sell-through of a work begins, where its pre-orders end with it and the file tells one day for them.

    Returns the events, and the pre-orders whose end stays unresolved.
    """
    begins: dict[str, list[tuple[date, tuple[str, ...]]]] = {}
    waiting: dict[str, list[ImportedRight]] = {}
    for right in rights:
        terms = right.terms
        if terms.end_event is not None and terms.end_event.event == "est_start":
            waiting.setdefault(terms.ref, []).append(right)
        elif terms.licence_type == "EST" and terms.first_day is not None:
            begins.setdefault(terms.ref, []).append((terms.first_day, terms.territories))
    events: list[Event] = []
    unresolved: list[ImportedRight] = []
    for ref, pending in waiting.items():
        days = {_first_day(place, begins.get(ref, [])) for right in pending for place in right.terms.territories}
        day = next(iter(days)) if len(days) == 1 else None
        if day is None:
            unresolved.append(pending[0])
        else:
            events.append(Event(ref=ref, event="est_start", day=day))
    return tuple(events), unresolved


def _first_day(place: str, begins: list[tuple[date, tuple[str, ...]]]) -> date | None:
    held = (day for day, places in begins if "WORLD" in places or territory_within(place, frozenset(places)))
    return min(held, default=None)
