"""The page of a schedule: what is drawn where, on days of any length, and nothing of it believed."""

import shutil
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback.command_line import app
from holdback.pack import EXAMPLES
from holdback.week_page import Wanted, channel_week, render_week, write_week
from holdback.week_picture import LEFT, WIDTH, Days, week_picture
from holdback_base.database import Database
from holdback_base.problem import Problem
from holdback_servers.schedule import books, store
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Books, conflicts, placed
from holdback_servers.schedule.model import Availability, Publication
from holdback_servers.settings import Settings
from typer.testing import CliRunner

NOW = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
REACH = {"source": "invented", "hours": {"all": list(range(0, 96, 4))}}


def _channel(**fields: Any) -> Channel:
    given = {"name": "one", "title": "One", "kind": "linear", "platform": "linear", "geo_blocking": False}
    given |= {"territories": ["GB"], "time_zone": "Europe/London", "reach": REACH}
    return Channel.model_validate(given | fields)


def _publication(start: datetime, minutes: int, **fields: Any) -> Publication:
    end = start + timedelta(minutes=minutes)
    given = {
        "id": "pub_ONE",
        "channel": "one",
        "platform": "linear",
        "title": "The long tide",
        "media": "sha256:" + "a" * 64,
        "availability": (Availability(territories=("GB",), start=start, end=end),),
        "start": start,
        "end": end,
        "state": "scheduled",
        "by": "agent:scheduler",
        "on_behalf_of": "person:sam",
    }
    return Publication.model_validate(given | fields)


def test_a_day_of_25_hours_is_drawn_longer_and_says_so() -> None:
    days = Days(_channel(), date(2026, 10, 24), 2, NOW)
    picture = week_picture(days, [], [])
    assert [row.day for row in picture.rows] == ["Sat 24 Oct", "Sun 25 Oct"]
    # the clocks go back at 02:00 on Sunday, which is still Saturday's broadcast day
    assert [row.hours for row in picture.rows] == ["25 hours: the clocks change", ""]
    assert picture.rows[0].length == WIDTH - LEFT
    assert picture.rows[1].length == pytest.approx((WIDTH - LEFT) * 24 / 25, abs=0.1)


def test_a_transmission_is_as_long_as_it_lasts_and_goes_on_in_the_next_day() -> None:
    start = datetime(2026, 10, 26, 5, 0, tzinfo=UTC)  # 05:00, an hour before the broadcast day ends
    picture = week_picture(Days(_channel(), date(2026, 10, 25), 2, NOW), [_publication(start, 180)], [])
    hour = (WIDTH - LEFT) / 24
    last, first = picture.rows[0].bars[0], picture.rows[1].bars[0]
    assert (last.x, last.width) == pytest.approx((WIDTH - hour, hour), abs=0.1)
    assert (first.x, first.width) == pytest.approx((LEFT, 2 * hour), abs=0.1)


def test_what_is_put_up_at_an_instant_stands_at_its_start_however_long_it_stays() -> None:
    social = _channel(kind="social", platform="social.youtube", geo_blocking=True)
    up = _publication(datetime(2026, 10, 26, 18, 0, tzinfo=UTC), 60 * 24 * 30)
    picture = week_picture(Days(social, date(2026, 10, 25), 3, NOW), [up], [])
    assert [len(row.bars) for row in picture.rows] == [0, 1, 0]


def test_a_page_shows_what_breaks_a_rule_and_what_is_dark() -> None:
    blackout = {"window": {"start": "2026-10-26T20:00:00Z", "end": "2026-10-26T22:00:00Z"}, "reason": "election"}
    channel = _channel(blackouts=[blackout])
    days = Days(channel, date(2026, 10, 26), 1, NOW)
    at = datetime(2026, 10, 26, 19, 0, tzinfo=UTC)
    two = [_publication(at, 30), _publication(at + timedelta(minutes=10), 30, id="pub_TWO")]
    kept = Books(channel, [placed(channel, each) for each in two])
    week = channel_week(days, two, conflicts(kept), complete=True)
    page = render_week([week], NOW)
    assert [bar.clash for bar in week.picture.rows[0].bars] == [True, True]
    assert "SLOT_TAKEN" in page
    assert page.split('<table class="publications">')[0].rstrip().endswith('aria-label="What is on the books of One">')
    assert "Blackout: election" in page


def test_titles_and_reasons_are_text_and_never_markup() -> None:
    channel = _channel(title="<script>alert(1)</script>")
    days = Days(channel, date(2026, 10, 26), 1, NOW)
    evil = _publication(datetime(2026, 10, 26, 9, tzinfo=UTC), 60, title='"><img src=x>', reasons=("<b>now</b>",))
    page = render_week([channel_week(days, [evil], [], complete=True)], NOW)
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>now" not in page
    assert "default-src &#39;none&#39;" in page


def test_the_page_of_a_home_is_written_and_a_home_without_a_schedule_is_told(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "pages" / "week.html"
    wanted = Wanted(NOW, 7, [], NOW)
    with pytest.raises(Problem, match="has no channel on its schedule") as told:
        write_week(Settings(home=home), wanted, out)
    assert told.value.code == "NOT_FOUND"
    assert not home.exists()
    (home / "db").mkdir(parents=True)
    actor = books.Actor(by="person:sam", on_behalf_of="person:sam")

    def fill(c: Any) -> None:
        books.save_channel(c, _channel(), actor, NOW)
        store.put(c, _publication(NOW + timedelta(hours=3), 60), actor, "committed", NOW)

    with closing(Database(home / "db" / "schedule.sqlite", store.METADATA)) as kept:
        kept.submit(fill).result()
    page = write_week(Settings(home=home), wanted, out).read_text(encoding="utf-8")
    assert "The long tide" in page
    assert "agent:scheduler" not in page  # the last change says who: the person that put it there
    assert "person:sam: committed" in page
    with pytest.raises(Problem, match="no channel 'two'"):
        write_week(Settings(home=home), Wanted(NOW, 7, ["two"], NOW), out)


def test_a_start_that_is_no_day_is_named_with_the_cure(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["week", "--home", str(tmp_path), "--start", "tomorrow"])
    assert isinstance(told.exception, Problem)
    assert told.exception.hint == "Write it as 2026-11-23."


def test_a_folder_of_items_is_planned_and_drawn(tmp_path: Path) -> None:
    out = tmp_path / "week.html"
    told = CliRunner().invoke(app, ["plan", str(EXAMPLES / "week"), "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert "26 placed, 1 not" in told.output
    assert "Lighthouses, from the archive (archive-us) on harbourlight-catch-up" in told.output
    page = out.read_text(encoding="utf-8")
    assert "Harbour news at seven" in page
    assert "broken rule" not in page


def test_an_item_that_is_wrong_is_named_by_file_and_key(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "week", tmp_path / "week")
    items = tmp_path / "week" / "items.toml"
    items.write_text(items.read_text(encoding="utf-8").replace("weight = 90", "weight = 900", 1), encoding="utf-8")
    told = CliRunner().invoke(app, ["plan", str(tmp_path / "week"), "--out", str(tmp_path / "week.html")])
    assert isinstance(told.exception, Problem)
    assert told.exception.message.startswith("items.toml: items[0].weight:")
    assert not (tmp_path / "week.html").exists()
