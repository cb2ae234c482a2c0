"""How fast the library answers: 100,000 assets with 1,000,000 segments, every kind of question.

The words follow the law of Zipf, as those of shot logs do. A question is measured whole: from what was typed to the
page of hits with its reasons and timecodes, as the tool answers it. Hits are the places where a word stands.
"""

import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from holdback_base.database import STRANGER, Database, Sight, knowing, seeing
from holdback_servers.assets import tables
from holdback_servers.assets.catalogue import Columns, Page, search_page
from holdback_servers.assets.likeness import Seen, pairs
from holdback_servers.assets.search import Filters

from bench.figures import Figure

ASSETS, SEGMENTS, PICTURES = 100_000, 10, 1_000_000
_WORDS = 30_000
_AT = "2026-11-22T13:00:00.000000Z"
_FACTS = {
    "container": "mov,mp4", "size_bytes": 1, "frames": 1440, "rate": {"num": 24, "den": 1},
    "start_timecode": "10:00:00:00", "start_frame": 864_000,
    "video": {
        "codec": "h264", "pixel_format": "yuv420p", "bit_depth": 8, "width": 640, "height": 360,
        "display_aspect": "16:9", "rate": {"num": 24, "den": 1},
    },
}  # fmt: skip
_KINDS = ("master", "clip", "highlight", "still")
_SHOWN = Filters(statuses=("ready", "restricted", "archived"))
_STORY, _CLOSED = "court-ruling", 50
"""One asset of so many belongs to a closed story."""
BOUND = 20
"""Milliseconds that 19 of 20 questions stay within."""


def world(path: Path, assets: int = ASSETS) -> Callable[[int], int]:
    """Fill a store; answers how often the word of a rank stands in it."""
    Database(path, tables.METADATA).close()
    chance = np.random.default_rng(4)
    weights = 1 / (np.arange(_WORDS) + 20.0)
    drawn = chance.choice(_WORDS, (assets, 10 + 6 * SEGMENTS), p=weights / weights.sum()).astype(np.int32)
    store = sqlite3.connect(path)
    store.execute("PRAGMA synchronous=OFF")
    store.execute("PRAGMA foreign_keys=OFF")
    store.execute("DROP TRIGGER documents_added")
    columns = "id, kind, title, status, at, latest_version, tier"
    store.executemany(f"INSERT INTO assets ({columns}) VALUES (?, ?, ?, ?, ?, ?, 1)", _assets(drawn))
    store.executemany("INSERT INTO closed VALUES (?, ?)", ((f"ast_{n}", _STORY) for n in range(0, assets, _CLOSED)))
    store.execute("INSERT INTO stories VALUES (?)", (_STORY,))
    columns = "id, asset_id, number, media, facts, element_list, elements_from, by, at, seconds, rate"
    store.executemany(f"INSERT INTO versions ({columns}) VALUES (?, ?, 1, ?, ?, ?, 'supplier', 'x', ?, 60, '24')",
                      _versions(assets))  # fmt: skip
    columns = "id, version_id, kind, in_frame, out_frame, method, text, tags"
    store.executemany(f"INSERT INTO segments ({columns}) VALUES (?, ?, 'shot', ?, ?, 'auto', ?, ?)", _segments(drawn))
    store.executemany("INSERT INTO summaries VALUES (?, ?, ?, ?, ?, ?, '24', 24, 60, 640, 360, 1795000000)",
                      ((n + 1, f"ast_{n}", n + 1, _story(n), _kind(n), _status(n)) for n in range(assets)))  # fmt: skip
    store.executemany("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", _documents(drawn))
    store.executemany(
        "INSERT INTO tags VALUES (?, ?, ?)", ((n + 1, (n + 1) << 20, _word(row[3])) for n, row in enumerate(drawn))
    )
    store.execute("INSERT INTO field_names VALUES ('director', ''), ('take', '')")
    store.executemany("INSERT INTO numbers VALUES ('take', ?, ?)", (((n + 1) << 20, n % 50) for n in range(assets)))
    store.execute("INSERT INTO found (found) VALUES ('rebuild')")
    store.execute("ANALYZE")
    store.commit()
    store.close()
    counts = np.bincount(drawn.ravel(), minlength=_WORDS)
    return lambda rank: int(counts[rank])


def _word(rank: int) -> str:
    return f"w{rank}"


def _words(row: Any) -> str:
    return " ".join(_word(each) for each in row.tolist())


def _kind(n: int) -> str:
    return _KINDS[n % len(_KINDS)]


def _story(n: int) -> str:
    return "" if n % _CLOSED else _STORY


def _status(n: int) -> str:
    return "taken_down" if n % 17 == 0 else "ready"


def _assets(drawn: Any) -> Iterator[tuple[Any, ...]]:
    for n, row in enumerate(drawn):
        yield f"ast_{n}", _kind(n), _words(row[:3]), _status(n), _AT, f"ver_{n}"


def _versions(assets: int) -> Iterator[tuple[Any, ...]]:
    facts = json.dumps(_FACTS)
    element = {"id": "e", "kind": "programme", "ref": "film:x", "name": "X", "spans": [{"in_frame": 0, "out_frame": 9}]}
    made_of = json.dumps({"rate": {"num": 24, "den": 1}, "frames": 1440, "elements": [element]})
    for n in range(assets):
        yield f"ver_{n}", f"ast_{n}", f"sha256:{n:064x}", facts, made_of, _AT


def _segments(drawn: Any) -> Iterator[tuple[Any, ...]]:
    for n, row in enumerate(drawn):
        for k in range(SEGMENTS):
            said = row[10 + 6 * k : 16 + 6 * k]
            yield f"seg_{n}_{k}", f"ver_{n}", k * 144, k * 144 + 144, _words(said[1:]), json.dumps([_word(said[0])])


def _documents(drawn: Any) -> Iterator[tuple[Any, ...]]:
    for n, row in enumerate(drawn):
        first = (n + 1) << 20
        keys = f"director\ue000{_word(row[9])} tag\ue001{_word(row[3])}"
        yield first, None, _words(row[:3]), _word(row[3]), _words(row[4:10]), keys
        for k in range(SEGMENTS):
            said = row[10 + 6 * k : 16 + 6 * k]
            yield first + k + 1, f"seg_{n}_{k}", "", _word(said[0]), _words(said[1:]), f"tag\ue001{_word(said[0])}"


def questions(count: Callable[[int], int]) -> dict[str, list[tuple[str, bool]]]:
    """What is asked, by kind: what is typed, and whether facets are wanted."""
    chance = random.Random(7)
    ranked = [rank for rank in range(_WORDS) if 20 <= count(rank) <= 15_000]
    often = [rank for rank in ranked if count(rank) >= 8_000]
    rare = [rank for rank in ranked if count(rank) < 2_000]

    def some(of: list[int]) -> str:
        return _word(chance.choice(of))

    return {
        "a word with 8,000 to 15,000 hits": [(some(often), False) for _ in range(60)],
        "a word with 20 to 2,000 hits": [(some(rare), False) for _ in range(60)],
        "two words, one of them frequent": [(f"{some(often)} {some(rare)}", False) for _ in range(60)],
        "a phrase": [(f'"{some(often)} {some(often)}"', False) for _ in range(60)],
        "a word in titles, without another": [(f"title:{some(often)} -{some(rare)}", False) for _ in range(60)],
        "a field and a range": [(f"director:{some(ranked)} take:10..20", False) for _ in range(60)],
        "a frequent word with facets": [(some(often), True) for _ in range(60)],
        "no word, by kind and length": [("kind:clip duration:>=60", False) for _ in range(20)],
    }


def measure() -> dict[str, list[float]]:
    """Milliseconds a question, by kind, and `first` for the first one after the start; `CPU` of all but the first.

    All are asked by who may not know of the closed story; `for who knows of all` are the same for who may.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "assets.sqlite"
        count = world(path)
        database, columns = Database(path, tables.METADATA), Columns()
        took: dict[str, list[float]] = {}
        worked: list[float] = took.setdefault("CPU", [])

        def ask(typed: str, facets: bool, sight: Sight = STRANGER) -> float:
            page = Page("", 10, with_facets=facets)
            began, working = time.perf_counter(), time.thread_time()
            with seeing(sight):
                database.read_now(search_page(columns, typed, _SHOWN, page))
            worked.append((time.thread_time() - working) * 1000)
            return (time.perf_counter() - began) * 1000

        took["first"] = [ask("w900", False)]
        asked = [(kind, *each) for kind, some in questions(count).items() for each in some]
        random.Random(11).shuffle(asked)
        for kind, typed, facets in asked:
            took.setdefault(kind, []).append(ask(typed, facets))
        took["CPU"] = worked[1:]
        took["for who knows of all"] = [ask(typed, facets, knowing(frozenset({_STORY}))) for _, typed, facets in asked]
        took["beyond: the most frequent word"] = [ask(_word(0), False) for _ in range(10)]
        database.close()
    return took


def _likeness() -> list[Figure]:
    """A million pictures, 200 of each of 5,000 versions: one of them asked for, and a minute of 240 of them."""
    chance = np.random.default_rng(5)
    hashes = chance.integers(0, 1 << 63, PICTURES, dtype=np.uint64)
    frames = np.tile(np.arange(200, dtype=np.int64) * 6, PICTURES // 200)
    codes = np.repeat(np.arange(PICTURES // 200, dtype=np.int32), 200)
    seen = Seen(1, tuple(f"ver_{n}" for n in range(PICTURES // 200)), codes, frames, hashes)
    asked = Seen(1, seen.versions, codes[:240], frames[:240], hashes[:240])
    one = Seen(1, seen.versions, codes[:1], frames[:1], hashes[:1])
    took: dict[str, list[float]] = {"similar to one picture": [], "alike to a minute": []}
    for _ in range(5):
        for what, some in zip(took, (one, asked), strict=True):
            began = time.perf_counter()
            pairs(some, seen)
            took[what].append((time.perf_counter() - began) * 1000)
    return [
        Figure("search", f"{PICTURES:,} pictures, {what}", statistics.median(some), "ms", (min(some), max(some)))
        for what, some in took.items()
    ]


def figures() -> list[Figure]:
    """The measured figures, the bound on all questions of up to 15,000 hits together."""
    took = measure()
    apart = ("first", "CPU", "for who knows of all", "beyond: the most frequent word")
    every, cpu = [each for kind, some in took.items() if kind not in apart for each in some], took.pop("CPU")
    size = f"{ASSETS:,} assets, {ASSETS * SEGMENTS:,} segments"
    found = [
        Figure("search", f"{size}, p95 of all", _p95(every), "ms", (min(every), max(every)), BOUND),
        Figure(
            "search", "  the same in CPU, which other work does not lengthen", _p95(cpu), "ms", (min(cpu), max(cpu))
        ),
    ]
    for kind, some in took.items():
        found.append(Figure("search", f"  {kind}, p95", _p95(some), "ms", (statistics.median(some), max(some))))
    return [*found, *_likeness()]


def _p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]
