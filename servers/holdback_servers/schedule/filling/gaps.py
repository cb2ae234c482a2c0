"""A gap of a linear channel filled to the frame."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Annotated, Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, TimeRange, time_range
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import books, store
from holdback_servers.schedule.arguments import actor_of
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import common_windows, covering, windows_by_territory
from holdback_servers.schedule.constraints import Books, Placed, obstacle
from holdback_servers.schedule.filling.holding import Wanted, held_publication
from holdback_servers.schedule.model import Availability
from holdback_servers.schedule.plan_nouns import FilledGap, Filler, GapPiece, LeftOutFiller
from holdback_servers.schedule.plans import MOST_PIECES, Choice, fill_gap
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_gaps(door: Door) -> None:
    """Add the tool to the schedule's door."""
    services = door.services

    @door.tool(title="Fill gap", scope="schedule:plan", kind="write")
    async def fill_gap(
        call: Call,
        *,
        channel: Annotated[str, Field(description="Name of a linear channel.")],
        start: Annotated[Instant, Field(description="Where the gap begins.")],
        end: Annotated[Instant, Field(description="Where it ends; 3 hours on at most.")],
        fillers: Annotated[list[Filler], Field(description="What may go there.", min_length=1, max_length=200)],
        hold: Annotated[bool, Field(description="Also keep the places, in one step.")] = False,
        minutes: Annotated[int | None, Field(description="How long to keep them.", ge=1, le=24 * 60)] = None,
    ) -> FilledGap:
        """Fill a gap between two transmissions to the frame, with the fewest fillers, none twice in a row.

        When no choice of fillers fills it exactly it says which comes nearest, and by how many frames. A filler that a
        rule of the channel or its clearance keeps out of the gap is left out, with the reason.
        """
        now, actor = services.clock(), actor_of(call)
        window = time_range(start, end)
        if end - start > timedelta(hours=3):
            raise Problem("RANGE_INVALID", "The gap is longer than 3 hours.", "Plan programmes there, then fill.")
        if len({each.key for each in fillers}) < len(fillers):
            raise Problem("INVALID_ARGUMENT", "Two fillers have the same key.", "Give each filler a key of its own.")
        expires = now + timedelta(minutes=minutes or services.settings.hold_minutes)

        def looked(c: Connection) -> FilledGap:
            on = books.find_channel(c, channel, lock=hold)
            return filled(books.read_books(c, on, window, now), window, fillers, now)

        def effect(c: Connection) -> dict[str, Any]:
            found, kept = looked(c), list[GapPiece]()
            by_key = {each.key: each for each in fillers}
            on = books.find_channel(c, channel)
            for piece in found.pieces:
                wanted = _wanted(on, by_key[piece.filler], piece, now)
                publication = held_publication(c, services, wanted, actor, expires)
                store.hold(c, publication, "held to fill a gap", now)
                kept.append(piece.model_copy(update={"hold": publication.hold}))
            return found.model_copy(update={"pieces": tuple(kept)}).model_dump(mode="json", exclude_none=True)

        if not hold:
            return await services.database.read(looked)
        result = await services.database.write(lambda c: call.once(c, lambda: effect(c)))
        return FilledGap.model_validate(result)


def filled(on: Books, window: TimeRange, fillers: list[Filler], now: datetime) -> FilledGap:
    """What fills the gap `[start, end)` on these books.

    Raises:
        Problem: INVALID_ARGUMENT when the channel is not linear; CONFLICT when something stands in the gap; TOO_LARGE.
    """
    channel, end = on.channel, window.end or window.start
    if channel.kind != "linear":
        message = f"{channel.name} is {channel.kind}; only a linear channel has gaps."
        raise Problem("INVALID_ARGUMENT", message, "Use plan_publications for what is put up at an instant.")
    inside = [each for each in on.placed if each.start < end and window.start < each.until]
    if inside:
        first = inside[0]
        hint = "Give the time between two transmissions; get_schedule lists them."
        raise Problem("CONFLICT", f"{first.title!r} stands in the gap.", hint, publications=[p.id for p in inside])
    rate = Fraction(channel.frame_rate)
    micros = (end - window.start) // timedelta(microseconds=1)
    frames = int((micros + Fraction(1, 2)) * rate / 1_000_000)
    usable: list[Filler] = []
    left_out: list[LeftOutFiller] = []
    for each in fillers:
        why = _kept_out(on, window.start, end, each, now)
        if why is None:
            usable.append(each)
        else:
            left_out.append(LeftOutFiller(filler=each.key, text=why))
    found = fill_gap(frames, _choices(channel, usable), _left_of_days(on, window.start, end))
    pieces = _pieces(window.start, rate, found.keys, {each.key: each for each in usable})
    return FilledGap(
        channel=channel.name,
        start=window.start,
        end=end,
        frames=frames,
        missing=frames - found.frames,
        longer=found.longer,
        pieces=pieces,
        left_out=tuple(left_out),
    )


def _choices(channel: Channel, fillers: list[Filler]) -> list[Choice]:
    """Fillers that the channel keeps apart from one another, directly or through a third, are one group."""
    groups: list[tuple[set[str], list[str]]] = []
    for each in fillers:
        words = _kept_apart_by(channel, each)
        keys = [each.key]
        for group in [group for group in groups if group[0] & words]:
            groups.remove(group)
            words, keys = words | group[0], [*keys, *group[1]]
        groups.append((words, keys))
    named = {key: keys[0] for words, keys in groups if words for key in keys}
    return [Choice(each.key, each.frames, each.at_most, named.get(each.key, "")) for each in fillers]


def _kept_apart_by(channel: Channel, filler: Filler) -> set[str]:
    words: set[str] = set()
    if channel.min_gap_minutes:
        words.add("gap")
    if channel.title_separation_hours:
        words.add(f"title {filler.title.casefold()}")
    if channel.sponsor_separation_minutes and filler.details.sponsor:
        words.add(f"sponsor {filler.details.sponsor.casefold()}")
    return words


def _left_of_days(on: Books, start: datetime, end: datetime) -> int:
    """How many more may start on the fullest broadcast day that the gap touches."""
    cap = on.channel.daily_cap
    if cap is None:
        return MOST_PIECES
    return max(0, cap - max(len(on.on_day_of(moment)) for moment in (start, end - timedelta.resolution)))


def _kept_out(on: Books, start: datetime, end: datetime, filler: Filler, now: datetime) -> str | None:
    """Why the filler may not stand just anywhere in the gap: a rule over it or at either end, or its clearance."""
    channel = on.channel
    length = min(_after(start, Fraction(channel.frame_rate), filler.frames), end) - start
    for at, until in ((start, end), (start, start + length), (end - length, end)):
        wanted = Placed(at, "", until, filler.title, sponsor=filler.details.sponsor)
        stop = obstacle(on, wanted, now, after_watershed=filler.after_watershed)
        if stop is not None:
            return f"{stop.rule}: {stop.text}"
    reached = channel.reaches(max(now, start))
    open_ = common_windows(windows_by_territory(filler.cleared, reached, channel.platform).values())
    if not covering(open_, TimeRange(start=start, end=end)):
        return f"OUTSIDE_CLEARED_WINDOW: it is not cleared wherever {channel.name} reaches for the whole of the gap"
    return None


def _pieces(start: datetime, rate: Fraction, keys: tuple[str, ...], fillers: dict[str, Filler]) -> tuple[GapPiece, ...]:
    pieces: list[GapPiece] = []
    at = 0
    for key in keys:
        filler = fillers[key]
        begins, ends = _after(start, rate, at), _after(start, rate, at + filler.frames)
        pieces.append(GapPiece(filler=key, title=filler.title, start=begins, end=ends, frames=filler.frames))
        at += filler.frames
    return tuple(pieces)


def _after(start: datetime, rate: Fraction, frames: int) -> datetime:
    """The instant so many frames on, to the microsecond."""
    return start + timedelta(microseconds=int(frames * 1_000_000 / rate))


def _wanted(channel: Channel, filler: Filler, piece: GapPiece, now: datetime) -> Wanted:
    places = tuple(sorted(channel.reaches(max(now, piece.start))))
    seconds = max(1, round((piece.end - piece.start).total_seconds()))
    return Wanted(
        channel.name,
        filler.title,
        filler.media,
        filler.asset,
        (Availability(territories=places, start=piece.start, end=piece.end),),
        ("fills a gap",),
        filler.after_watershed,
        filler.details.model_copy(update={"duration_seconds": seconds}),
    )
