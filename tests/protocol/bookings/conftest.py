"""A schedule beside the real rights store of its home, whose film may go out only so often.

`film:heron` gives two runs on linear and two on social media, in GB, IE and DE; on demand it has no run limit.
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback.foundation import Foundation
from holdback.outside import home_outside
from holdback_base.database import Database, load_instant
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.media_store import MediaStore
from holdback_servers.rights import clearances, issuing, recording
from holdback_servers.rights import store as rights
from holdback_servers.rights.answers import ContractGiven, RightGiven
from holdback_servers.rights.clearance import ask, decide, refs_of
from holdback_servers.rights.explaining import report as told
from holdback_servers.schedule import books, store
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.ports import Outside
from holdback_servers.services import Services, open_services
from holdback_servers.settings import Settings
from holdback_trust import statements
from holdback_trust.audit import AuditLog
from holdback_trust.enforcing import Enforcement
from holdback_trust.keys import KeyPair, KeyRing

NOW = datetime(2026, 11, 22, 5, tzinfo=UTC)
RIGHTS, GATEWAY = KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"gateway": [GATEWAY.public_jwk], "mcp:rights": [RIGHTS.public_jwk]})
FILM = b"The Heron, as far as a store of files is concerned"
MEDIA = f"sha256:{hashlib.sha256(FILM).hexdigest()}"
CUT = CutFacts(
    media=MEDIA,
    element_list=ElementList(
        rate=Rate(num=24),
        frames=240,
        elements=(
            Element(
                id="film",
                kind="programme",
                ref="film:heron",
                name="The Heron",
                spans=(Span(in_frame=0, out_frame=240),),
            ),
        ),
    ),
)
SHAPE = {"kind": "grant", "ref": "film:heron", "territories": ["GB", "IE", "DE"], "start": "2026-01-01T00:00:00Z"}


@dataclass
class House:
    """A home whose clock is set by hand: its schedule, its rights, and a clearance of the film from them."""

    home: Path
    clearance: str
    clearance_id: str
    now: datetime = NOW
    ring: KeyRing = RING
    media: str = MEDIA
    schedule: Database = field(init=False)
    outside: Outside = field(init=False)
    audit: AuditLog = field(init=False)
    new_id: Callable[[str], str] = field(init=False)

    def open(self) -> None:
        self.new_id = id_maker(lambda: self.now)
        self.schedule = Database(None, store.METADATA)
        self.audit = AuditLog(self.home / "audit", RIGHTS, lambda: self.now)
        enforcement = Enforcement(clock=lambda: self.now)
        ground = Foundation(Settings(home=self.home), lambda: self.now, self.new_id, RING, self.audit, enforcement)
        self.outside = replace(home_outside(ground), approval_status=_nobody_took_it_back)

    def close(self) -> None:
        self.schedule.close()
        self.audit.close()

    def services(self) -> Services:
        """What the schedule's clock is given, with the film in the media store."""
        made = open_services(
            self.schedule,
            store.TABLES,
            settings=Settings(home=self.home),
            clock=lambda: self.now,
            new_id=self.new_id,
            keys=RIGHTS,
            ring=RING,
            audit=self.audit,
        )
        made.media.put(FILM)
        return made

    def tier(self, media: str) -> int:
        """The value tier of bytes by now."""
        return MediaStore(self.home / "media").tier(media)

    def record(self, channel: dict[str, Any]) -> Channel:
        actor = books.Actor(by="person:sam", on_behalf_of="person:sam")
        made = Channel.model_validate(channel)
        self.schedule.submit(lambda c: books.save_channel(c, made, actor, self.now)).result()
        return made

    def approval(self, clearance: str | None = None, **claims: Any) -> str:
        seconds = int(self.now.timestamp())
        given = {
            "iss": "gateway",
            "sub": MEDIA,
            "elements": CUT.element_list.sha256(),
            "clearance": clearance or self.clearance_id,
            "question": MEDIA,
            "decision": "approved",
            "by": "person:mia",
            "for": "person:sam",
            "iat": seconds,
            "exp": seconds + 86400,
            "jti": self.new_id("apr"),
        }
        return statements.sign(GATEWAY, "approval+jwt", given | claims)

    def issue(self) -> tuple[str, str]:
        """A newer clearance of the film: the statement and its id."""
        database = Database(self.home / "db" / "rights.sqlite", rights.METADATA)
        try:
            return issue(database, self.new_id("clr"), self.now)
        finally:
            database.close()

    def runs(self) -> dict[tuple[str, datetime], str]:
        """What the rights store says of each transmission: (publication, instant) -> reserved or used."""
        with closing(sqlite3.connect(self.home / "db" / "rights.sqlite")) as file:
            rows = file.execute("select publication, at, state from runs where state != 'released'").fetchall()
        return {(publication, load_instant(at)): state for publication, at, state in rows}


async def _nobody_took_it_back(_approval: str) -> str:
    return "valid"


def issue(database: Database, identity: str, now: datetime) -> tuple[str, str]:
    """A clearance of the film for everything that it may do in the next 60 days."""
    asked = ask(
        ["GB", "IE", "DE"],
        ["linear", "social.youtube", "vod"],
        start=now,
        end=now + timedelta(days=60),
        purpose="editorial",
    )

    def unit(c: Any) -> tuple[str, str]:
        decision = decide(asked, [CUT], rights.books(c, refs_of([CUT]), rights.Shelf()))
        report = told(decision)
        claims = issuing.claims(report, identity, now, ["agent:compliance"], "person:sam")
        statement = statements.sign(RIGHTS, "clearance+jwt", claims)
        clearances.keep(c, decision, report, claims, statement)
        return statement, identity

    return database.submit(unit).result()


@pytest.fixture(scope="session")
def cleared_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The rights store of a home, with a clearance in it."""
    home = tmp_path_factory.mktemp("home")
    database = Database(home / "rights.sqlite", rights.METADATA)
    new_id = id_maker(lambda: NOW)
    given = [
        RightGiven.model_validate({**SHAPE, "media": ["linear"], "max_runs": 2, "clause": "two on linear"}),
        RightGiven.model_validate({**SHAPE, "media": ["social"], "max_runs": 2, "clause": "two on social"}),
        RightGiven.model_validate({**SHAPE, "media": ["vod"]}),
    ]
    contract = ContractGiven(counterparty="Heron Films (invented)", direction="in", status="active")
    database.submit(lambda c: recording.record(c, contract, given, new_id=new_id, now=NOW, by="person:robin")).result()
    statement, identity = issue(database, new_id("clr"), NOW)
    database.close()
    return home / "rights.sqlite", statement, identity


@pytest.fixture
def house(cleared_home: tuple[Path, str, str], tmp_path: Path) -> Iterator[House]:
    """A home of its own for each test."""
    made = fresh(cleared_home, tmp_path)
    yield made
    made.close()


@pytest.fixture
def fresh_home(cleared_home: tuple[Path, str, str]) -> Callable[[Path], House]:
    """Makes such a home in a folder."""
    return lambda folder: fresh(cleared_home, folder)


def fresh(cleared_home: tuple[Path, str, str], home: Path) -> House:
    rights_file, statement, identity = cleared_home
    (home / "db").mkdir(parents=True)
    shutil.copy(rights_file, home / "db" / "rights.sqlite")
    made = House(home, statement, identity)
    made.open()
    return made
