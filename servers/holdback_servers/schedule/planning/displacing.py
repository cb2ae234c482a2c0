"""What would have to give way to a start: publications of a lower priority. Pure."""

from holdback_servers.schedule.constraints import Books, Placed, all_obstacles
from holdback_servers.schedule.planning.asking import Asked


def firm(asked: Asked) -> Books:
    """The books of what does not give way to it; what it follows never does."""
    priority, followed = asked.request.details.priority, asked.request.details.follows
    staying = (each for each in asked.books.placed if each.id == followed or not each.gives_way(priority, asked.now))
    return Books(asked.channel, staying)


def displaced(asked: Asked, wanted: Placed) -> tuple[Placed, ...]:
    """What must be moved so that it can start there, in order of time; nothing when the start is free.

    Only for a start that is free on the `firm` books. Of a day that is full the lowest give way, then the latest.
    """
    books = asked.books
    found = {
        other: books.by_id[other]
        for stop in all_obstacles(books, wanted, asked.now)
        if stop.rule not in ("FOLLOW", "DAILY_CAP")
        for other in stop.others
    }
    if (cap := asked.channel.daily_cap) is not None:
        day = [each for each in books.on_day_of(wanted.start) if each.id not in found]
        able = [each for each in day if each.id != wanted.follows and each.gives_way(wanted.priority, asked.now)]
        able.sort(key=lambda each: (-each.priority, each.start, each.id))
        found |= {each.id: each for each in able[len(able) - max(0, len(day) - cap + 1) :]}
    return tuple(sorted(found.values()))
