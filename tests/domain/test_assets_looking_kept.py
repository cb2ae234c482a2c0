"""What an ingest leaves in the library beside the file: findings, renditions and hashes; what fails leaves nothing."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_servers.assets import store, tables
from holdback_servers.assets.intake import Ingest
from holdback_servers.assets.model import Rendition
from holdback_servers.assets.papers import Registered
from holdback_servers.media_store import file_sha256
from holdback_servers.services import Services, open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from PIL import Image
from sqlalchemy import Connection, insert, select

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


@contextmanager
def _house(home: Path) -> Generator[Services]:
    keys = KeyPair.generate()
    services = open_services(
        Database(home / "db" / "assets.sqlite", tables.METADATA),
        tables.TABLES,
        settings=Settings(home=home, library_roots=(home,)),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=keys,
        ring=KeyRing({}),
        audit=AuditLog(home / "audit", keys, lambda: NOW),
    )
    try:
        yield services
    finally:
        services.audit.close()
        services.database.close()


def _film(path: Path) -> None:
    """Two seconds at 25 frames a second, the second half of which is black."""
    with av.open(str(path), "w") as out:
        picture: Any = out.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 160, 90, "yuv420p"
        for frame in range(50):
            image = np.zeros((90, 160, 3), np.uint8)
            if frame < 25:
                image[:, 2 * frame : 2 * frame + 40] = 200
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(picture.encode())


async def _take_in(services: Services, **request: Any) -> Registered:
    def report(_done: int, _total: int, _unit: str, _text: str) -> None:
        pass

    return Registered.model_validate(await Ingest(services)({"by": "person:sam", **request}, report))


@pytest.mark.processes
def test_findings_renditions_and_hashes_are_kept_with_the_version(tmp_path: Path) -> None:
    _film(tmp_path / "film.mp4")
    with _house(tmp_path) as services:

        async def look() -> tuple[Any, ...]:
            version = (await _take_in(services, path="film.mp4")).version_id
            seen = select(tables.pictures_seen.c.frame).where(tables.pictures_seen.c.version_id == version)
            return await services.database.read(
                lambda c: (
                    store.segments_of(c, version, None, limit=100),
                    store.renditions_of(c, version),
                    list(c.execute(seen).scalars()),
                )
            )

        segments, renditions, frames = asyncio.run(look())
        black = next(each for each in segments if each.kind == "black")
        assert (black.in_frame, black.out_frame, black.method) == (25, 50, "auto")
        assert {each.kind: each.ai_config for each in segments} == {
            "shot": "urn:holdback:detector:shots:1",
            "black": "urn:holdback:detector:black:1",
        }
        assert sorted(each.purpose for each in renditions) == ["motion", "poster", "proxy"]
        assert all(services.media.has(each.media) for each in renditions)
        assert all(services.media.has(each.keyframe) for each in segments if each.keyframe)
        assert frames == [0, 6, 12, 18, 24]


@pytest.mark.processes
def test_a_proxy_is_made_only_where_it_is_asked_for(tmp_path: Path) -> None:
    _film(tmp_path / "film.mp4")
    with _house(tmp_path) as services:

        async def look() -> list[Rendition]:
            version = (await _take_in(services, path="film.mp4", proxy=False)).version_id
            return await services.database.read(lambda c: store.renditions_of(c, version))

        assert sorted(each.purpose for each in asyncio.run(look())) == ["motion", "poster"]


@pytest.mark.processes
def test_bytes_that_were_lost_come_back_with_the_next_ingest(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "still.png")
    with _house(tmp_path) as services:
        first = asyncio.run(_take_in(services, path="still.png"))
        services.media.discard(first.media)
        again = asyncio.run(_take_in(services, path="still.png"))
        assert (again.already, again.version_id) == (True, first.version_id)
        assert services.media.path(first.media).read_bytes() == (tmp_path / "still.png").read_bytes()


def test_what_fails_gives_up_its_files_but_none_that_another_version_has(tmp_path: Path) -> None:
    with _house(tmp_path) as services, services.media.workspace() as work:
        (work / "film").write_bytes(b"a film")
        (work / "black").write_bytes(b"the same black picture")
        film, black = file_sha256(work / "film"), file_sha256(work / "black")

        def of_another(connection: Connection) -> None:
            shared = Rendition(id="ren_1", version_id="ver_1", purpose="poster", media=black, at=NOW)
            asset = {"id": "ast_1", "kind": "clip", "title": "Another", "status": "ready", "at": "2026"}
            connection.execute(insert(tables.assets).values(**asset))
            version = {"id": "ver_1", "asset_id": "ast_1", "number": 1, "media": "sha256:1", "facts": {}, "at": "2026"}
            rest = {"element_list": {}, "elements_from": "supplier", "by": "x", "seconds": 1.0, "rate": "25"}
            connection.execute(insert(tables.versions).values(**version, **rest))
            store.add_rendition(connection, shared)

        def fail(_: Connection) -> Registered:
            raise Problem("CONFLICT", "It cannot be written.")

        async def keep() -> None:
            await services.database.write(of_another)
            await Ingest(services)._keep({film: work / "film", black: work / "black"}, fail)

        with pytest.raises(Problem, match="cannot be written"):
            asyncio.run(keep())
        assert not services.media.has(film)
        assert services.media.has(black)
