"""Pictures that are alike, runs of them, and where something was used: by hashes whose answer is known."""

from datetime import UTC, datetime

import numpy as np
import pytest
from holdback_base.database import Database
from holdback_base.elements import Element, ElementList
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets import store, tables
from holdback_servers.assets.likeness import Pictures, Seen, nearest_of_each
from holdback_servers.assets.model import Asset, TechnicalFacts, Version
from holdback_servers.assets.usage import Run, runs
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
STEP = 6
"""Frames between two pictures of the film, at 24 a second."""


def _film(seed: int, pictures: int) -> list[int]:
    """Hashes of a film: a few bits change from picture to picture, most of them at a cut every 12 pictures."""
    chance = np.random.default_rng(seed)
    value, found = int(chance.integers(1 << 62)), list[int]()
    for place in range(pictures):
        flips = 30 if place % 12 == 0 else 3
        for bit in chance.choice(64, flips, replace=False).tolist():
            value ^= 1 << bit
        found.append(value)
    return found


def _coded_again(value: int, seed: int, bits: int) -> int:
    for bit in np.random.default_rng(seed).choice(64, bits, replace=False).tolist():
        value ^= 1 << bit
    return value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _shelve(connection: Connection, name: str, rate: int, seen: dict[int, int]) -> None:
    frames = max(seen) + STEP
    facts = TechnicalFacts(container="mov", size_bytes=1, frames=frames, rate=Rate(num=rate))
    element = Element(id="e", kind="programme", ref="film:a", name="A", spans=(Span(in_frame=0, out_frame=frames),))
    store.add_asset(connection, Asset(id=f"ast_{name}", kind="master", title=name, at=NOW))
    store.add_version(
        connection,
        Version(
            id=f"ver_{name}",
            asset_id=f"ast_{name}",
            number=1,
            media=f"sha256:{abs(hash(name)):064x}"[:71],
            facts=facts,
            element_list=ElementList(rate=facts.rate, frames=frames, elements=(element,)),
            elements_from="supplier",
            by="person:sam",
            at=NOW,
        ),
    )
    store.add_pictures(connection, f"ver_{name}", [(frame, _signed(value)) for frame, value in sorted(seen.items())])


def _runs(database: Database, name: str) -> list[Run]:
    def unit(connection: Connection) -> list[Run]:
        seen = Pictures().of(connection)
        return runs(connection, seen.of(f"ver_{name}"), 24, seen, without=frozenset({f"ver_{name}"}))

    return database.read_now(unit)


def test_a_shot_is_found_in_a_cut_at_another_rate_though_every_hash_is_a_little_off() -> None:
    database = Database(None, tables.METADATA)
    film = _film(1, 120)
    database.submit(lambda c: _shelve(c, "film", 24, {n * STEP: h for n, h in enumerate(film)})).result()
    cut = {25 * n // 4: _coded_again(h, n, 4) for n, h in enumerate([*film[60:75], *_film(9, 10), *film[10:20]])}
    database.submit(lambda c: _shelve(c, "cut", 25, cut)).result()
    found = [(run.of_in, run.of_out, run.in_frame, run.out_frame) for run in _runs(database, "film")]
    assert found == [(360, 445, 0, 88), (60, 115, 156, 213)]
    database.close()


def test_what_only_resembles_it_here_and_there_is_no_use() -> None:
    database = Database(None, tables.METADATA)
    film, other = _film(1, 120), _film(2, 60)
    other[5], other[40] = film[70], film[3]
    database.submit(lambda c: _shelve(c, "film", 24, {n * STEP: h for n, h in enumerate(film)})).result()
    database.submit(lambda c: _shelve(c, "other", 24, {n * STEP: h for n, h in enumerate(other)})).result()
    assert _runs(database, "film") == []
    database.close()


def test_another_shot_of_a_camera_that_stands_still_is_no_use_but_a_shot_used_twice_is() -> None:
    database = Database(None, tables.METADATA)
    shot = _film(4, 11)
    alike = [_coded_again(h, 7, 8) for h in shot]
    film = [*shot, *_film(5, 20), *alike, *_film(6, 20), *shot]
    database.submit(lambda c: _shelve(c, "film", 24, {n * STEP: h for n, h in enumerate(film)})).result()
    clip = {n * STEP: _coded_again(h, n, 2) for n, h in enumerate(shot)}
    database.submit(lambda c: _shelve(c, "clip", 24, clip)).result()
    assert [(run.in_frame, run.out_frame) for run in _runs(database, "clip")] == [(0, 61), (372, 433)]
    database.close()


def test_a_still_picture_is_one_run_and_not_one_for_every_pair() -> None:
    database = Database(None, tables.METADATA)
    still = _film(3, 1) * 40
    for name in ("film", "copy"):
        database.submit(lambda c, n=name: _shelve(c, n, 24, {k * STEP: h for k, h in enumerate(still)})).result()
    found = _runs(database, "film")
    assert [(run.in_frame, run.out_frame, run.pictures, run.apart) for run in found] == [(0, 235, 40, 0.0)]
    database.close()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.integers(4, 40), st.integers(0, 1000))
def test_any_stretch_of_a_film_is_found_where_it_lies(start: int, length: int, seed: int) -> None:
    database = Database(None, tables.METADATA)
    film = _film(seed, 100)
    before = _film(seed + 5000, 7)
    cut = [*before, *film[start : start + length]]
    database.submit(lambda c: _shelve(c, "film", 24, {n * STEP: h for n, h in enumerate(film)})).result()
    database.submit(lambda c: _shelve(c, "cut", 24, {n * STEP: h for n, h in enumerate(cut)})).result()
    found = _runs(database, "film")
    database.close()
    assert any(
        run.of_in == start * STEP
        and run.of_out == (start + length - 1) * STEP + 1
        and run.in_frame == len(before) * STEP
        for run in found
    )


@pytest.mark.parametrize("bits", [0, 1, 5, 10])
def test_the_nearest_picture_of_each_version_is_told_with_its_distance(bits: int) -> None:
    film = _film(4, 30)
    hashes = [film[7], _coded_again(film[7], 1, bits), _coded_again(film[7], 2, 11)]
    seen = Seen(
        3,
        ("ver_a", "ver_b", "ver_c"),
        np.array([0, 1, 2], dtype=np.int32),
        np.array([42, 43, 44]),
        np.array(hashes, dtype=np.uint64),
    )
    found = nearest_of_each(seen.of("ver_a"), seen, without=frozenset({"ver_a"}))
    assert [(each.version_id, each.frame, each.apart, each.of_frame) for each in found] == [("ver_b", 43, bits, 42)]


def test_pictures_that_came_since_are_seen_with_the_next_question() -> None:
    database, pictures = Database(None, tables.METADATA), Pictures()
    assert len(database.read_now(pictures.of).frames) == 0
    for name in ("one", "two"):
        database.submit(lambda c, n=name: _shelve(c, n, 24, {0: -5, STEP: 1 << 63})).result()
        seen = database.read_now(pictures.of)
    assert seen.versions == ("ver_one", "ver_two")
    assert seen.hashes[:2].tolist() == [(1 << 64) - 5, 1 << 63]
    database.close()
