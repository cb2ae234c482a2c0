"""Full books for the bench: four channels in the demo's manner with so many publications, the same for the same seed.

A linear channel transmits round the clock, the other three put up as many titles a day. What is on the books keeps
every rule of its channel. Times are spread evenly over `days`, a quarter of them before today.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from holdback_base.vocabulary import expand_territories
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.model import Availability, Details, Publication
from holdback_servers.schedule.proposal import SlotRequest

SEED: Final = 20_261_122
TODAY: Final = datetime(2026, 11, 22, 13, tzinfo=UTC)
_WEEKDAYS = (18, 10, 6, 4, 4, 6, 14, 30, 36, 34, 36, 40, 52, 48, 44, 50, 62, 72, 82, 92, 100, 94, 70, 40)
_WEEKEND = (24, 14, 8, 5, 4, 5, 10, 18, 32, 46, 56, 62, 66, 66, 64, 66, 70, 76, 84, 92, 100, 92, 72, 46)
REACHED: Final = ("GB", "IE", "DE", "AT", "CH", "FR", "US", "CA")
_KINDS: Final = (
    ("harbourlight-one", "linear", "linear.ftv", "Europe/London"),
    ("harbourlight-player", "on_demand", "vod.avod", "Europe/Berlin"),
    ("harbourlight-youtube", "social", "social.youtube", "Europe/London"),
    ("harbourlight-instagram", "social", "social.instagram", "America/New_York"),
)
_SPONSORS: Final = ("", "", "", "cars", "beer", "insurance")


@dataclass(frozen=True)
class FullBooks:
    """So many publications over the channels and days."""

    publications: int = 10_000
    days: int = 56
    channel_count: int = 4

    def channels(self) -> list[Channel]:
        """The channels; rules as the demo's, with room for what is on the books."""
        return [_channel(*kind, cap=self.per_day + 8) for kind in _KINDS[: self.channel_count]]

    @property
    def per_day(self) -> int:
        """Publications a day on one channel."""
        return -(-self.publications // (self.channel_count * self.days))

    @property
    def begins(self) -> datetime:
        """When the first of them starts."""
        return TODAY - timedelta(days=self.days // 4)

    def on_the_books(self) -> Iterator[Publication]:
        """Every publication, channel by channel in order of start."""
        chance = Random(SEED)
        each_takes = timedelta(days=1) / self.per_day
        for channel in self.channels():
            for n in range(self.publications // self.channel_count):
                slot = self.begins + n * each_takes
                start = slot.replace(second=0, microsecond=0) + timedelta(seconds=chance.randrange(60))
                yield _publication(channel, n, start, each_takes, chance)


def requests(count: int, days: int = 28) -> Iterator[SlotRequest]:
    """Questions as planners ask them: a title, where it is cleared and from when, and four weeks to start in."""
    chance = Random(SEED + 1)
    for n in range(count):
        opens = TODAY + timedelta(hours=chance.randrange(0, 24 * 10))
        places = frozenset(REACHED) if n % 3 else expand_territories(["WORLD"], TODAY.date())
        late = chance.sample(REACHED, 2)
        cells = (
            _cell(tuple(sorted(places - set(late))), opens, opens + timedelta(days=60)),
            _cell(tuple(late), opens + timedelta(days=5), opens + timedelta(days=40)),
        )
        yield SlotRequest(
            title=f"Title {chance.randrange(3000)}",
            media=f"sha256:{n:064x}",
            territories=places,
            cleared=cells,
            earliest=TODAY,
            latest=TODAY + timedelta(days=days),
            duration_seconds=chance.choice((15, 60, 240, 1500)),
            count=chance.choice((1, 3, 3, 5)),
            after_watershed=n % 5 == 0,
        )


def _cell(places: tuple[str, ...], start: datetime, end: datetime) -> ClearedCell:
    window = {"start": start, "end": end}
    return ClearedCell.model_validate({"territories": places, "platforms": ("all",), "windows": (window,)})


def _channel(name: str, kind: str, platform: str, zone: str, *, cap: int) -> Channel:
    given: dict[str, Any] = {
        "name": name,
        "title": name.replace("-", " ").title(),
        "kind": kind,
        "platform": platform,
        "geo_blocking": kind != "linear",
        "territories": ("GB", "IE") if kind == "linear" else REACHED,
        "time_zone": zone,
        "reach": {"source": "invented", "hours": {"weekdays": _WEEKDAYS, "weekend": _WEEKEND}},
        "dayparts": ({"name": "evening", "start": "18:00", "end": "23:00"},),
        "daily_cap": None if kind == "linear" else cap,
        "min_gap_minutes": 0 if kind == "linear" else 5,
        "title_separation_hours": 12,
        "sponsor_separation_minutes": 0 if kind == "linear" else 10,
        "watershed": {},
    }
    return Channel.model_validate(given)


def _publication(channel: Channel, n: int, start: datetime, room: timedelta, chance: Random) -> Publication:
    linear = channel.kind == "linear"
    end = start + (room * chance.uniform(0.6, 0.9) if linear else timedelta(days=chance.randrange(7, 60)))
    places = REACHED[:2] if linear else REACHED
    return Publication(
        id=f"pub_{channel.name}_{n:06}",
        channel=channel.name,
        platform=channel.platform,
        title=f"Title {n % 3000}",
        media=f"sha256:{n:064x}",
        availability=(Availability(territories=tuple(sorted(places)), start=start, end=end),),
        start=start,
        end=end,
        state="scheduled" if start > TODAY else "live",
        clearance=f"clr_{n:026}",
        approval=f"apr_{n:026}",
        by="agent:scheduler",
        on_behalf_of="person:bench",
        reasons=("reach 92 of 100 on Tue from 19:00 (invented)", "GB, IE from the start", "nothing else near"),
        details=Details(priority=chance.randrange(101), sponsor=chance.choice(_SPONSORS), duration_seconds=1500),
    )
