"""The examples of docs/schedule-formats.md are read as the page says, and its words are the program's."""

import re
from pathlib import Path
from typing import get_args

import pytest
from holdback_servers.schedule.asrun_nouns import Outcome
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange import bxf, table_reading
from holdback_servers.schedule.interchange.written import Format

PAGE = (Path(__file__).parents[2] / "docs" / "schedule-formats.md").read_text(encoding="utf-8")
ONE = Channel.model_validate(
    {
        "name": "one",
        "title": "Channel One",
        "kind": "linear",
        "platform": "linear.ftv",
        "geo_blocking": False,
        "territories": ["GB"],
        "time_zone": "Europe/London",
        "reach": {"source": "none", "hours": {"all": [50] * 24}},
    }
)


@pytest.mark.parametrize("kind", ["grid", "as_run"])
def test_the_examples_are_read_without_a_mistake_or_a_loss(kind: str) -> None:
    found = re.search(rf"```csv {kind}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    contents = table_reading.read(found[1], "the example", ONE)
    assert not contents.mistakes
    assert not contents.losses
    assert [each.title for each in contents.items] == ["News", "Night Train"]
    assert all(each.reference for each in contents.items)
    assert all((each.audience is not None) == (kind == "as_run") for each in contents.items)


def test_the_page_names_every_format_every_outcome_and_our_namespace() -> None:
    for word in (*get_args(Format), *get_args(Outcome), bxf.OWN):
        assert f"`{word}`" in PAGE, word


def test_every_column_that_the_page_names_is_read() -> None:
    rows = re.findall(r"^\| (`[^|]*) \|", PAGE[PAGE.index("| column |") : PAGE.index("A grid:")], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    head = ",".join(sorted(named - {"house_number", "house_id", "date", "time", "duration"}))
    assert not table_reading.read(head, "the file", ONE).losses
    assert {"start", "title", "audience", "house_number"} <= named
