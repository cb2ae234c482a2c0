"""The version of each store's schema stands for its tables: a home that was made with others is told so."""

import hashlib

import pytest
from holdback_agents.gateway import admission_store, task_store
from holdback_agents.gateway.authority import kept
from holdback_agents.runtime import tables as runtime
from holdback_servers.assets import tables as assets
from holdback_servers.editing import store as editing
from holdback_servers.rights import store as rights
from holdback_servers.schedule import store as schedule
from sqlalchemy import MetaData
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

[GATEWAY] = {each.METADATA for each in (admission_store, kept, task_store)}  # each has tables of it
KNOWN = {
    "assets": (4, "78978531cb28"),
    "editing": (4, "ac073bac6eb4"),
    "rights": (5, "281766493f27"),
    "schedule": (4, "7329ad712e91"),
    "gateway": (3, "e438236517e6"),
    "agent": (1, "b9b2ffb58466"),
}


def _tables(metadata: MetaData) -> str:
    """The first digits of the sha256 of what makes its tables. Indexes may come and go: what they hold is made again
    from the tables, and no home needs them to be read."""
    dialect = sqlite.dialect()
    made = "".join(str(CreateTable(each).compile(dialect=dialect)) for each in metadata.sorted_tables)
    return hashlib.sha256(made.encode()).hexdigest()[:12]


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        ("assets", assets.METADATA),
        ("editing", editing.METADATA),
        ("rights", rights.METADATA),
        ("schedule", schedule.METADATA),
        ("gateway", GATEWAY),
        ("agent", runtime.METADATA),
    ],
)
def test_tables_that_change_have_another_version(name: str, metadata: MetaData) -> None:
    assert (metadata.info.get("version", 1), _tables(metadata)) == KNOWN[name], (
        "its tables have changed: raise the version beside METADATA, and write the digest here"
    )
