"""Rules that what is on the books breaks. Pure."""

from collections.abc import Collection, Iterator

from holdback_base.vocabulary import Instant, Noun

from holdback_servers.schedule.broadcast_time import local_text
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints.judging import between, blackout, follow, watershed
from holdback_servers.schedule.constraints.placing import Books, Obstacle, Placed, Rule, widest_separation


class Conflict(Noun):
    """A rule that what is on the books breaks, with the publications that break it."""

    channel: str
    rule: Rule
    at: Instant
    text: str
    publications: tuple[str, ...]


def conflicts(books: Books, late: Collection[str] = ()) -> list[Conflict]:
    """Every rule that the books break, in order of time; a pair is told once, a full day once.

    Args:
        late: ids of what may be shown only after the watershed.
    """
    return sorted(_conflicts(books, late), key=lambda each: (each.at, each.rule, each.publications))


def _conflicts(books: Books, late: Collection[str]) -> Iterator[Conflict]:
    channel = books.channel
    widest = widest_separation(channel)
    for each in books.placed:
        if (found := blackout(channel, each)) is not None:
            yield _conflict(channel, found, each)
        if each.id in late and (found := watershed(channel, each)) is not None:
            yield _conflict(channel, found, each)
        if each.follows and (found := follow(books, each)) is not None:
            yield _conflict(channel, found, each)
        for other in books.near(each.start, each.until, widest):
            if (other.start, other.id) < (each.start, each.id) and (found := next(between(channel, each, other), None)):
                yield _conflict(channel, found, each)
    for day, starts in books.days.items():
        if channel.daily_cap is not None and len(starts) > channel.daily_cap:
            text = f"the broadcast day {day} has {len(starts)} of at most {channel.daily_cap}"
            ids = tuple(each.id for each in sorted(starts))
            yield Conflict(channel=channel.name, rule="DAILY_CAP", at=starts[0].start, text=text, publications=ids)


def _conflict(channel: Channel, found: Obstacle, subject: Placed) -> Conflict:
    text = f"{subject.title!r} at {local_text(subject.start, channel.zone)}: {found.text}"
    ids = (subject.id, *found.others)
    return Conflict(channel=channel.name, rule=found.rule, at=subject.start, text=text, publications=ids)
