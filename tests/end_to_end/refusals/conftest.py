"""What every attack is held against: a running house, reached over real sockets, in which nothing may change."""

import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

Unmoved = Callable[..., AbstractAsyncContextManager[None]]


@pytest.fixture
def unmoved(house: Any) -> Unmoved:
    """`async with unmoved():` around an attack: every row of every store, every media file and everything that was
    published is the same afterwards. The audit log may have grown, and nothing but grown.

    `unmoved("gateway.tasks")` leaves out tables in which the answer to the attack stands, such as that a task ended.
    """

    @asynccontextmanager
    async def held(*but: str) -> AsyncGenerator[None]:
        before, audit = _state(house.home), _audit(house.home)
        yield
        house.foundation.audit.flush()
        after = _state(house.home)
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        changed = [name for name in changed if name not in but]
        assert not changed, f"the attack changed {changed}"
        for name, bytes_before in audit.items():
            assert (house.home / name).read_bytes().startswith(bytes_before), f"{name} was rewritten"

    return held


def _state(home: Path) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {}
    for path in sorted((home / "db").glob("*.sqlite")):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
            for table in tables:
                rows = sorted(repr(row) for row in db.execute(f'select * from "{table}"'))
                found[f"{path.stem}.{table}"] = "\n".join(rows)
    for folder in ("media", "published", "keys"):
        for path in sorted((home / folder).rglob("*")):
            if path.is_file():
                found[str(path.relative_to(home))] = path.read_bytes()
    return found


def _audit(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in (home / "audit").glob("*.jsonl")}
