"""What the rights room costs at catalogue size: 10,000, 100,000 and 1,000,000 rights over a tenth as many references.

Each catalogue is measured in a fresh process over its file. Timed is what the tool does inside the server, in its own
thread: read from the store, decide, make the report and the wire form with its text; `through the door` is a whole
call of an in-memory MCP client beside it. A clearance is for 10 elements, 249 territories, 5 platforms and a month.
Elements are drawn evenly over all references, or by how many rights they have. `new` questions come to an empty shelf,
so every book is read from the file; `again` is the same question once more, whose answer is kept for as long as its
books stand, and put into text and wire form again. A question to the catalogue is for one territory, one platform and a
week; a quarter of them are about training, which few grants name.

Beside it stands a plain table of the same rights (reference, kind, status, territories, media, window) scanned with
WHERE clauses by sqlite3: it finds rows and decides nothing.
"""

import asyncio
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from bench.processes import ROOT, environment
from bench.rights_catalogue import SEED, TODAY, Catalogue

if TYPE_CHECKING:
    from holdback_base.database import Database
    from holdback_base.elements import CutFacts
    from holdback_servers.rights.deciding import Deciding
    from holdback_servers.rights.report import Asked
    from sqlalchemy import Connection

SIZES: Final = (10_000, 100_000, 1_000_000)
_PLATFORMS: Final = ("vod.svod", "vod.avod", "linear.ftv", "social.youtube", "social.tiktok")
_ASKED: Final = ("vod.svod", "linear.ftv", "social.youtube", "vod.est", "nontheatrical")
_PART: Final = 100_000
Found = dict[str, list[float]]
"""Milliseconds of each call, or one figure, by what was measured."""


def measure(sizes: Sequence[int] = SIZES) -> dict[int, Found]:
    """Build and measure a catalogue of each size."""
    found: dict[int, Found] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            built = build(Path(folder), Catalogue(size))
            found[size] = _child("questions", folder, size) | built
            found[size] |= _child("scan", folder, size)
    return found


def build(folder: Path, catalogue: Catalogue) -> Found:
    """Record the catalogue; seconds it took in all, and of each full part of 100,000 rows."""
    from holdback_base.database import Database
    from holdback_base.ids import id_maker
    from holdback_servers.rights import recording, store
    from holdback_servers.rights.writing import in_parts

    began, parts = time.perf_counter(), list[float]()
    database = Database(_file(folder), store.METADATA)
    new_id = id_maker(lambda: TODAY)
    given = catalogue.contracts()
    for some in in_parts(catalogue.rows(), _PART):
        started = time.perf_counter()

        def write(c: "Connection", some: Any = some, given: Any = given) -> None:
            recording.record_rows(c, given, some, new_id=new_id, now=TODAY, by="person:bench")

        database.submit(write).result()
        parts += [time.perf_counter() - started] if len(some) == _PART else []
        given = []
    database.close()
    return {"build": [time.perf_counter() - began], "bulk": parts}


def questions(folder: Path, size: int) -> Found:
    """All figures of one catalogue, in this process, which was started for it."""
    started = float(sys.argv[-1])
    from holdback.starting import undisturbed_start

    with undisturbed_start():  # as a server starts
        import_module("mcp.client")
        import_module("holdback_servers.rights.server")
        from holdback_servers.rights.deciding import Deciding
        from holdback_servers.rights.store import Shelf

    catalogue = Catalogue(size)
    found, database, door = asyncio.run(_through_the_door(folder, started, catalogue))
    found |= _served(database, catalogue)
    found |= _pages(database, Random(SEED))
    found["memory"] = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]  # of a server: one shelf for all
    draws = {"evenly": _draws(catalogue, by_rights=False), "by rights": _draws(catalogue, by_rights=True)}
    for how, cuts in draws.items():
        for what, calls in (("", 200), (", with plans", 20)):
            new, again = list[float](), list[float]()
            for _ in range(calls):
                deciding, cut = Deciding(Shelf()), next(cuts)
                new.append(_timed(lambda: _cleared(database, deciding, cut, plans=bool(what))))  # noqa: B023
                again.append(_timed(lambda: _cleared(database, deciding, cut, plans=bool(what))))  # noqa: B023
            found |= {f"clearance {how}{what}, new": new, f"clearance {how}{what}, again": again}
    found["change"] = [_changed(folder, database)]
    door.services.audit.close()
    database.close()
    return found


def _served(database: "Database", catalogue: Catalogue) -> Found:
    """A server that has been asked for a while: one shelf, references by their rights, each question another."""
    from holdback_servers.rights.deciding import Deciding
    from holdback_servers.rights.store import Shelf

    deciding, cuts = Deciding(Shelf()), _draws(catalogue, by_rights=True)
    taken = [_timed(lambda: _cleared(database, deciding, next(cuts), plans=False)) for _ in range(400)]
    return {"clearance by rights, one shelf": taken[200:]}


def _pages(database: "Database", chance: Random) -> Found:
    """First pages: those that are full, and those with few references to find."""
    from holdback_servers.rights.answers import AvailablePage
    from holdback_servers.rights.store import available_page
    from holdback_servers.wire import answer_result

    found: Found = {"page, full": [], "page, few found": [], "page, ended early": []}
    for asked in _weeks(chance):
        began = time.perf_counter()
        items, more = database.read_now(lambda c: available_page(c, asked, derivative=True))  # noqa: B023
        answer_result(AvailablePage(items=items, next_cursor=more))
        kind = "full" if len(items) == 50 else "few found" if more is None else "ended early"
        found[f"page, {kind}"].append((time.perf_counter() - began) * 1000)
    return found


def _weeks(chance: Random) -> "Iterator[Asked]":
    from holdback_base.vocabulary import countries
    from holdback_servers.rights.clearance import ask

    everywhere = sorted(countries())
    for _ in range(200):
        start = TODAY + timedelta(days=chance.choice((1, 7, 30, 400, 1500, 2500)))
        place = chance.choice((chance.choice(everywhere), chance.choice(("GB", "DE", "US", "FR", "JP"))))
        tongues = chance.choice(((), (), ("de",)))
        end = start + timedelta(days=7)
        purpose = "training" if chance.random() < 0.25 else "promotion"
        yield ask([place], [chance.choice(_ASKED)], start=start, end=end, purpose=purpose, languages=tongues)


def _cleared(database: "Database", deciding: "Deciding", cut: "CutFacts", *, plans: bool) -> None:
    from holdback_servers.wire import answer_result

    answer_result(database.read_now(lambda c: deciding.answer(c, _question(), [cut], plans=plans).report))


def _question() -> "Asked":
    from holdback_base.vocabulary import countries
    from holdback_servers.rights.clearance import ask

    start = TODAY + timedelta(days=1)
    places = sorted(countries() - {"XK"})
    return ask(places, _PLATFORMS, start=start, end=start + timedelta(days=30), purpose="promotion", languages=["de"])


def _draws(catalogue: Catalogue, *, by_rights: bool) -> "Iterator[CutFacts]":
    """Cuts of ten elements."""
    from holdback_base.elements import CutFacts, Element, ElementList
    from holdback_base.vocabulary import Rate, Span
    from holdback_servers.rights.book import Book
    from holdback_servers.rights.catalogue import kinds_of

    chance = Random(SEED + by_rights)
    whole = (Span(in_frame=0, out_frame=240),)
    weights = catalogue.counts if by_rights else None
    while True:
        names = set(chance.choices(catalogue.refs, weights, k=14))
        elements = [
            Element(id=f"e{n}", kind=kinds_of(ref, Book(()))[0], ref=ref, name=ref, spans=whole)
            for n, ref in enumerate(sorted(names)[:10])
        ]
        facts = ElementList(rate=Rate(num=24), frames=240, elements=tuple(elements))
        yield CutFacts(media="sha256:" + "1" * 64, element_list=facts)


async def _through_the_door(folder: Path, started: float, catalogue: Catalogue) -> Any:
    """Start to first answer, and whole calls of an in-memory client."""
    from holdback_base.database import Database
    from holdback_base.ids import id_maker
    from holdback_servers.rights import server, store
    from holdback_servers.services import open_services
    from holdback_servers.settings import Settings
    from holdback_trust.audit import AuditLog
    from holdback_trust.keys import KeyPair, KeyRing
    from holdback_trust.policy import local_caller
    from holdback_trust.statements import sign_cut
    from mcp.client import Client

    keys = KeyPair.generate()
    database = Database(_file(folder), store.METADATA)
    services = open_services(
        database,
        store.TABLES,
        settings=Settings(home=folder),
        clock=lambda: TODAY,
        new_id=id_maker(lambda: TODAY),
        keys=keys,
        ring=KeyRing({"mcp:assets": [keys.public_jwk], "mcp:rights": [keys.public_jwk]}),
        audit=AuditLog(folder / "audit", keys, lambda: TODAY),
    )
    door = server.build(services, local=local_caller("person:bench", True, "mcp:rights"))
    found: Found = {"start": [], "door, clearance": [], "door, page": []}
    question = _question().model_dump(mode="json", include={"territories", "platforms", "purpose", "languages"})
    question |= _question().window.model_dump(mode="json") | {"plans": False}
    async with Client(door.mcp) as client:
        for cut, asked in zip(_draws(catalogue, by_rights=False), list(_weeks(Random(SEED)))[:60], strict=False):
            statement = sign_cut(keys, "mcp:assets", cut, TODAY)
            began = time.perf_counter()
            answer = await client.call_tool("check_clearance", {"cut_statements": [statement], **question})
            found["door, clearance"].append((time.perf_counter() - began) * 1000)
            assert not answer.is_error, answer.content
            if not found["start"]:
                found["start"].append(time.time() - started)
            wanted = asked.model_dump(mode="json", include={"territories", "platforms", "purpose", "languages"})
            began = time.perf_counter()
            answer = await client.call_tool("find_available", wanted | asked.window.model_dump(mode="json"))
            found["door, page"].append((time.perf_counter() - began) * 1000)
            assert not answer.is_error, answer.content
    del found["door, clearance"][0]
    return found, database, door


def _changed(folder: Path, database: "Database") -> float:
    """Milliseconds from the end of a change that another process made to a decision here that counts it."""
    from holdback_servers.rights.store import Shelf, books

    shelf, ref, took = Shelf(), "film:changed-elsewhere", 0.0
    for turn in range(3):
        subprocess.run(_command("change", folder, turn), check=True, cwd=ROOT, env=environment())
        began = time.perf_counter()
        (entry,) = database.read_now(lambda c: books(c, [ref], shelf))[ref].entries
        took = (time.perf_counter() - began) * 1000
        assert entry.right.clause == f"turn {turn}", "a change was not seen"
    return took


def _change(folder: Path, turn: int) -> None:
    from holdback_base.database import Database
    from holdback_base.ids import id_maker
    from holdback_servers.rights import recording, store
    from holdback_servers.rights.answers import ContractGiven, RightGiven

    given = ContractGiven(external_key="bench:elsewhere", counterparty="x", direction="in", status="active")
    right = RightGiven(external_key="bench:changed", ref="film:changed-elsewhere", kind="grant", media=("all",),
                       territories=("WORLD",), start=TODAY, clause=f"turn {turn}")  # fmt: skip
    database = Database(_file(folder), store.METADATA)
    new_id = id_maker(lambda: TODAY)
    database.submit(lambda c: recording.record(c, given, [right], new_id=new_id, now=TODAY, by="person:bench")).result()
    database.close()


def scan(folder: Path, size: int) -> Found:
    """The same questions to a plain table."""
    source = sqlite3.connect(_file(folder))
    plain = sqlite3.connect(folder / "plain.sqlite")
    plain.execute("CREATE TABLE rights (ref, kind, status, territories, media, opens, closes)")
    rows = source.execute("SELECT r.ref, r.kind, c.status, r.facts, r.opens, r.closes FROM rights r"
                          " JOIN contracts c ON c.id = r.contract")  # fmt: skip
    plain.executemany(
        "INSERT INTO rights VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((ref, kind, status, json.dumps(facts[2]), json.dumps(facts[1]), opens, closes)
         for ref, kind, status, text, opens, closes in rows for facts in [json.loads(text)]),
    )  # fmt: skip
    plain.commit()
    cuts, weeks = _draws(Catalogue(size), by_rights=False), _weeks(Random(SEED))
    return {
        "scan, clearance": [_timed(lambda: _scan_refs(plain, next(cuts))) for _ in range(5)],
        "scan, page": [_timed(lambda: _scan_week(plain, next(weeks))) for _ in range(5)],
    }


def _scan_refs(plain: sqlite3.Connection, cut: "CutFacts") -> None:
    names = [each.ref for each in cut.element_list.elements]
    where = f"ref IN ({','.join('?' * len(names))}) AND closes > ? AND opens < ?"
    plain.execute(f"SELECT * FROM rights WHERE {where}", (*names, *_points(_question()))).fetchall()


def _scan_week(plain: sqlite3.Connection, asked: "Asked") -> None:
    from holdback_base.vocabulary import groups_with

    place, platform = asked.territories[0], asked.platforms[0]
    media = {"all", platform, platform.partition(".")[0]}
    where = " OR ".join("territories LIKE ?" for _ in (place, "WORLD", *groups_with(place)))
    on = " OR ".join("media LIKE ?" for _ in media)
    plain.execute(
        f"SELECT DISTINCT ref FROM rights WHERE kind = 'grant' AND status = 'active' AND closes > ? AND opens < ?"
        f" AND ({where}) AND ({on}) ORDER BY ref LIMIT 50",
        (*_points(asked), *(f'%"{each}"%' for each in (place, "WORLD", *groups_with(place), *media))),
    ).fetchall()


def _points(asked: "Asked") -> tuple[int, int]:
    from holdback_servers.rights.windows import window

    return window(asked.window.start, asked.window.end)


def _timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1000


def p95(values: Sequence[float]) -> float:
    """The time that 19 of 20 calls do not take longer than."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def _file(folder: Path) -> Path:
    return folder / "rights.sqlite"


def _command(what: str, folder: Path | str, number: int) -> list[str]:
    return [sys.executable, "-m", "bench.rights_speed", what, str(folder), str(number), str(time.time())]


def _child(what: str, folder: str, size: int) -> Found:
    done = subprocess.run(_command(what, folder, size), stdout=subprocess.PIPE, check=True, cwd=ROOT, env=environment())
    return json.loads(done.stdout.splitlines()[-1])


_ROLES: Mapping[str, Callable[[Path, int], Found | None]] = {"questions": questions, "scan": scan, "change": _change}

if __name__ == "__main__":
    if len(sys.argv) == 5:
        print(json.dumps(_ROLES[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        for size, found in measure([int(each) for each in sys.argv[1:]] or SIZES).items():
            print(size, {name: (round(statistics.median(each), 2), round(p95(each), 2), len(each))
                         for name, each in found.items() if each})  # fmt: skip
