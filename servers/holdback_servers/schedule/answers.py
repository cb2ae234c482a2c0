"""What the schedule's tools answer with, and how it reads. Pure."""

from typing import Literal

from holdback_base.vocabulary import Noun, instant_text
from pydantic import Field

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Conflict
from holdback_servers.schedule.model import Hold, Publication


class ChannelList(Noun):
    """Channels by name."""

    items: tuple[Channel, ...]
    next_cursor: str | None = None
    total: int

    def text(self) -> str:
        """A line a channel, with the rules it keeps."""
        lines = [_channel_line(each) for each in self.items] or ["No channel is recorded; record_channel adds one."]
        return "\n".join(lines + _more(self.next_cursor))


class RecordedChannel(Noun):
    """The channel now on record, and whether it took the place of one of the same name."""

    channel: str
    replaced: bool


class SchedulePage(Noun):
    """Publications in order of start."""

    items: tuple[Publication, ...]
    next_cursor: str | None = None
    approvals: dict[str, Literal["valid", "revoked", "unknown"]] | None = Field(
        default=None,
        description="How each approval that a publication stands on stands by the word of the gateway, where that was "
        "asked for; unknown also where the gateway does not answer.",
    )

    def text(self) -> str:
        """A line a publication."""
        lines = [line for each in self.items for line in (_publication_line(each), *_history(each))]
        lines = lines or ["Nothing is on the books there."]
        return "\n".join(lines + _more(self.next_cursor))


class HeldSlot(Hold):
    """A slot kept free until `expires`; commit it with a clearance and an approval before that."""

    def text(self) -> str:
        """The hold, what it is for, and until when."""
        return f"{self.id} keeps this until {instant_text(self.expires)}\n{_publication_line(self.publication)}"


class PublicationAnswer(Publication):
    """A publication as it now stands."""

    def text(self) -> str:
        """One line, and the statements it stands on."""
        line = _publication_line(self)
        return line if self.clearance is None else f"{line}\nclearance {self.clearance}, approval {self.approval}"


class MovedPublications(Noun):
    """A publication that was moved, and what follows it, in order of their new starts."""

    publications: tuple[Publication, ...]

    def text(self) -> str:
        """A line a publication."""
        return "\n".join(_publication_line(each) for each in self.publications)


class ConflictList(Noun):
    """Rules that what is on the books breaks, in order of time."""

    items: tuple[Conflict, ...]
    next_cursor: str | None = None
    total: int

    def text(self) -> str:
        """A line a conflict."""
        lines = [f"{each.channel}  {each.rule}  {each.text}  [{', '.join(each.publications)}]" for each in self.items]
        return "\n".join((lines or ["No conflicts."]) + _more(self.next_cursor))


def _more(cursor: str | None) -> list[str]:
    return [f"next_cursor: {cursor}"] if cursor else []


def _channel_line(channel: Channel) -> str:
    rules = [f"grid {channel.grid_minutes} min", f"day from {channel.broadcast_day_start} {channel.time_zone}"]
    if channel.daily_cap is not None:
        rules.append(f"at most {channel.daily_cap} a day")
    if channel.min_gap_minutes:
        rules.append(f"{channel.min_gap_minutes} min apart")
    if channel.title_separation_hours:
        rules.append(f"a title again after {channel.title_separation_hours} h")
    if channel.sponsor_separation_minutes:
        rules.append(f"competing sponsors {channel.sponsor_separation_minutes} min apart")
    if channel.watershed is not None:
        rules.append(f"watershed {channel.watershed.start} to {channel.watershed.end}")
    if channel.takedown_lead_minutes:
        rules.append(f"taken down {channel.takedown_lead_minutes} min early")
    rules += [f"blackout {each.window.text()}: {each.reason}" for each in channel.blackouts]
    reach = f"{', '.join(channel.territories)}{'' if channel.geo_blocking else ', no geo-blocking'}"
    return f"{channel.name}  {channel.title}  {channel.kind}  {channel.platform}  {reach}  ({'; '.join(rules)})"


def _publication_line(publication: Publication) -> str:
    where = "; ".join(piece.text() for piece in publication.availability)
    hold = f"  {publication.hold}" if publication.state == "held" else ""
    start, state = instant_text(publication.start), publication.state + (", locked" if publication.locked else "")
    follows = f"  follows {publication.details.follows}" if publication.details.follows else ""
    return f"{start}  {publication.channel}  {state}  {publication.title!r}  {publication.id}{hold}  [{where}]{follows}"


def _history(publication: Publication) -> list[str]:
    return [
        f"    {instant_text(row.at)}  {row.state}  by {row.by} for {row.on_behalf_of}: {row.why}"
        for row in publication.history
    ]
