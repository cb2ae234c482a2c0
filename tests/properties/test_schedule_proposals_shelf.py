"""Books that are kept between questions are always those of the store, whatever happens in between."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule import books, store
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Availability, Details, Publication
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)
SAM = books.Actor(by="agent:scheduler", on_behalf_of="person:sam")
MEDIA = "sha256:" + "a" * 64


class UndoneError(Exception):
    """Raised at the end of an example, so that the next begins on empty books."""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    opened = Database(None, store.METADATA)
    yield opened
    opened.close()


def _channel(name: str = "tube", **fields: Any) -> Channel:
    given: dict[str, Any] = {
        "name": name,
        "title": "Tube",
        "kind": "social",
        "platform": "social.youtube",
        "territories": ("GB",),
        "reach": {"source": "drawn", "hours": {"all": (50,) * 24}},
        "title_separation_hours": 2,
    }
    return Channel.model_validate(given | fields)


def _publication(number: int, start: datetime, **fields: Any) -> Publication:
    piece = Availability(territories=("GB",), start=start)
    given: dict[str, Any] = {
        "id": f"pub_{number}",
        "channel": "tube",
        "platform": "social.youtube",
        "title": "Butterfly",
        "media": MEDIA,
        "availability": (piece,),
        "start": start,
        "state": "scheduled",
        "by": SAM.by,
        "on_behalf_of": SAM.on_behalf_of,
        "details": Details(sponsor="cars", priority=number),
    }
    return Publication.model_validate(given | fields)


def _window(days: int) -> TimeRange:
    return TimeRange(start=NOW + timedelta(days=days), end=NOW + timedelta(days=days + 5))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "hold", "cancel", "ask", "ask later", "clock", "channel"]),
        st.integers(0, 4),
        st.integers(-3, 40),
    ),
    max_size=14,
)


@given(STEPS)
def test_what_is_kept_is_what_is_on_the_books_whatever_changed_lapsed_or_was_asked_in_between(
    database: Database, steps: list[tuple[str, int, int]]
) -> None:
    shelf, now, channel = books.Shelf(), NOW, _channel()

    def unit(c: Connection) -> None:
        nonlocal now, channel
        books.save_channel(c, channel, SAM, now)
        books.save_channel(c, _channel("gram"), SAM, now)
        for what, number, days in steps:
            start = NOW + timedelta(days=days, hours=number)
            if what == "put":
                store.put(c, _publication(number, start, locked=number == 1), SAM, "drawn", now)
            elif what == "hold":
                expires = now + timedelta(minutes=number)
                store.put(c, _publication(number, start, state="held", expires=expires), SAM, "drawn", now)
            elif what == "cancel":
                name = "gram" if number == 4 else "tube"
                store.put(c, _publication(number, start, state="cancelled", channel=name), SAM, "drawn", now)
            elif what == "clock":
                now += timedelta(minutes=days)  # also back
            elif what == "channel":
                channel = _channel(min_gap_minutes=abs(days))
            window = _window(days if what == "ask later" else 0)
            kept, read = shelf.books(c, channel, window, now), books.read_books(c, channel, window, now)
            assert kept.channel == read.channel
            around = timedelta(hours=26) - timedelta.resolution  # as far as is read, half-open
            assert kept.near(window.start, window.end or now, around) == read.near(
                window.start, window.end or now, around
            )

        raise UndoneError

    with pytest.raises(UndoneError):
        database.submit(unit).result()


def test_a_unit_that_began_before_a_change_sees_the_books_before_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "schedule.sqlite", store.METADATA)
    shelf, channel, window = books.Shelf(), _channel(), _window(0)
    database.submit(lambda c: books.save_channel(c, channel, SAM, NOW)).result()
    database.submit(lambda c: store.put(c, _publication(1, NOW), SAM, "first", NOW)).result()

    def earlier(c: Connection) -> list[str]:
        shelf.books(c, channel, window, NOW)
        database.submit(lambda c: store.put(c, _publication(2, NOW), SAM, "second", NOW)).result()
        later = database.read_now(lambda c: shelf.books(c, channel, window, NOW))
        assert [each.id for each in later.placed] == ["pub_1", "pub_2"]
        return [each.id for each in shelf.books(c, channel, window, NOW).placed]

    assert database.read_now(earlier) == ["pub_1"]
    database.close()
