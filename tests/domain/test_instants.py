"""Instants as text: in UTC, whatever zone they are given in."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from holdback_base.vocabulary import instant_text


def test_each_of_the_two_half_past_twos_when_summer_time_ends_is_told_in_its_own_utc() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    second = first.replace(fold=1)
    assert first == second, "in their zone they compare as equal"
    assert [instant_text(each) for each in (first, second, first)] == [
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T00:30:00Z",
    ]


def test_a_time_without_an_offset_is_no_instant_also_after_the_same_time_with_one() -> None:
    with_offset = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("UTC"))
    assert instant_text(with_offset) == "2026-10-25T02:30:00Z"
    with pytest.raises(ValueError, match="no offset"):
        instant_text(with_offset.replace(tzinfo=None))
