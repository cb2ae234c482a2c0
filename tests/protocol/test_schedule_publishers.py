"""Publishers: a folder, and an address that answers well, badly, twice, late or not at all."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_servers.media_store import MediaStore
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Availability, CaptionFile, Details, Publication
from holdback_servers.schedule.playout import Telling
from holdback_servers.schedule.ports import Package
from holdback_servers.schedule.publishers.folder import FolderPublisher
from holdback_servers.schedule.publishers.packing import pack
from holdback_servers.schedule.publishers.webhook import SIGNATURE_TYPE, WebhookPublisher
from holdback_trust.keys import KeyPair, KeyRing, open_jws, sign_jws

KEYS = KeyPair.generate()
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
END = NOON + timedelta(days=7)
FILM, CAPTIONS = b"\0\0\0\x18ftypmp42" + b"butterfly" * 30_000, b"WEBVTT\n\n00:00.000 --> 00:01.000\nEin Falter"
TUBE = Channel.model_validate(
    {
        "name": "tube",
        "title": "Tube",
        "kind": "social",
        "platform": "social.youtube",
        "account": "butterflies",
        "territories": ["WORLD"],
        "reach": {"source": "invented", "hours": {"all": [50] * 24}},
    }
)


def package(home: Path, revision: int = 1, territories: str = "DE GB", film: bytes = FILM) -> Package:
    media = MediaStore(home / "media")
    shown = Publication(
        id="pub_ONE",
        channel="tube",
        platform="social.youtube",
        title="The butterfly",
        media=media.put(film),
        availability=(Availability(territories=("DE", "GB"), start=NOON, end=END),),
        start=NOON,
        end=END,
        state="scheduled",
        clearance="clr_ONE",
        approval="apr_ONE",
        by="agent:scheduler",
        on_behalf_of="person:sam",
        details=Details(
            description="A meadow.",
            duration_seconds=15,
            captions=(CaptionFile(language="de", media=media.put(CAPTIONS)),),
        ),
    )
    return pack(shown, TUBE, Telling(revision, dict.fromkeys(territories.split(), END)), media)


def test_a_package_names_its_files_by_what_they_are_and_says_all_that_a_platform_needs(tmp_path: Path) -> None:
    made = package(tmp_path)
    assert (made.key, sorted(made.files)) == ("pub_ONE.1", ["captions.de.vtt", "media.mp4"])
    said = made.manifest
    assert said["action"] == "publish"
    assert said["channel"] == {"name": "tube", "platform": "social.youtube", "account": "butterflies"}
    assert (said["title"], said["description"], said["duration_seconds"]) == ("The butterfly", "A meadow.", 15)
    assert said["territories"] == [
        {"territory": each, "not_before": "2026-11-24T12:00:00Z", "not_after": "2026-12-01T12:00:00Z"}
        for each in ("DE", "GB")
    ]
    assert (said["not_before"], said["not_after"]) == ("2026-11-24T12:00:00Z", "2026-12-01T12:00:00Z")
    assert (said["clearance"], said["approval"], said["languages"]) == ("clr_ONE", "apr_ONE", ["de"])
    assert {each["name"]: each["bytes"] for each in said["files"]} == {
        "media.mp4": len(FILM),
        "captions.de.vtt": len(CAPTIONS),
    }
    down = package(tmp_path, 2, "")
    assert (down.manifest["action"], down.files, down.manifest["files"]) == ("take_down", {}, [])


def test_what_is_not_in_the_media_store_is_not_packed(tmp_path: Path) -> None:
    made = package(tmp_path)
    made.files["media.mp4"].unlink()
    with pytest.raises(Problem, match="not in the media store"):
        pack(made.publication, TUBE, Telling(2, {"GB": None}), MediaStore(tmp_path / "media"))


# --- a folder -------------------------------------------------------------------------------------------------------


def tree(root: Path) -> list[str]:
    return sorted(str(each.relative_to(root)) for each in root.rglob("*") if each.is_file())


def current(place: Path) -> dict[str, Any]:
    return json.loads((place / "current.json").read_text())


@pytest.mark.asyncio
async def test_a_folder_holds_what_is_on_show_and_a_take_down_leaves_only_its_receipt(tmp_path: Path) -> None:
    folder, place = FolderPublisher(tmp_path / "out"), tmp_path / "out" / "tube" / "pub_ONE"
    receipt = await folder.deliver(package(tmp_path))
    assert receipt == f"{place}: revision 1, DE, GB"
    files = ["captions.de.vtt", "media.mp4", "metadata.json", "territories.json"]
    assert tree(place) == ["current.json", *(f"r000001/{name}" for name in files)]
    assert (place / "r000001" / "media.mp4").read_bytes() == FILM
    assert current(place)["folder"] == "r000001"
    await folder.deliver(package(tmp_path, 2, "GB"))
    assert tree(place) == ["current.json", *(f"r000002/{name}" for name in files)]
    assert [
        each["territory"] for each in json.loads((place / "r000002/territories.json").read_text())["territories"]
    ] == ["GB"]
    assert await folder.deliver(package(tmp_path, 3, "")) == f"{place}: revision 3, taken down"
    assert tree(place) == ["current.json", "r000003.down.json"]
    assert "folder" not in current(place)


@pytest.mark.asyncio
async def test_a_folder_does_a_revision_once_and_never_an_older_one(tmp_path: Path) -> None:
    folder, place = FolderPublisher(tmp_path / "out"), tmp_path / "out" / "tube" / "pub_ONE"
    await folder.deliver(package(tmp_path))
    before = (place / "r000001" / "media.mp4").stat()
    assert await folder.deliver(package(tmp_path)) == f"{place}: revision 1, DE, GB"
    assert (place / "r000001" / "media.mp4").stat() == before
    await folder.deliver(package(tmp_path, 2, ""))
    with pytest.raises(Problem, match="comes after revision 2") as refused:
        await folder.deliver(package(tmp_path))
    assert refused.value.code == "CONFLICT"
    assert tree(place) == ["current.json", "r000002.down.json"]


@pytest.mark.asyncio
async def test_halves_that_a_killed_process_left_are_cleared_away(tmp_path: Path) -> None:
    folder, place = FolderPublisher(tmp_path / "out"), tmp_path / "out" / "tube" / "pub_ONE"
    for half in (".r000001.part", "r000001"):
        (place / half).mkdir(parents=True)
        (place / half / "media.mp4").write_bytes(FILM[:100])
    await folder.deliver(package(tmp_path))
    assert (place / "r000001" / "media.mp4").read_bytes() == FILM
    assert not list(place.glob(".*"))


@pytest.mark.asyncio
@pytest.mark.parametrize("spoiled", ["{broken", "[]", '{"revision": "two"}', ""])
async def test_what_somebody_wrote_into_the_folder_keeps_nothing_up(tmp_path: Path, spoiled: str) -> None:
    publisher, place = FolderPublisher(tmp_path / "out"), tmp_path / "out" / "tube" / "pub_ONE"
    await publisher.deliver(package(tmp_path, 2))
    (place / "current.json").write_text(spoiled)
    with pytest.raises(Problem, match="comes after revision 2"):
        await publisher.deliver(package(tmp_path, 1))
    (place / "r000002" / "metadata.json").write_text(spoiled)
    await publisher.deliver(package(tmp_path, 3, "GB"))
    assert json.loads((place / "current.json").read_text())["territories"] == ["GB"]
    (place / "current.json").write_text(spoiled)
    await publisher.deliver(package(tmp_path, 4, ""))
    assert json.loads((place / "current.json").read_text())["territories"] == []
    assert sorted(each.name for each in place.iterdir()) == ["current.json", "r000004.down.json"]


@pytest.mark.asyncio
async def test_two_deliveries_at_once_end_with_the_newer_one(tmp_path: Path) -> None:
    folder, place = FolderPublisher(tmp_path / "out"), tmp_path / "out" / "tube" / "pub_ONE"
    made = [package(tmp_path, number, "GB" if number % 2 else "") for number in range(1, 7)]
    await asyncio.gather(*(folder.deliver(each) for each in made), return_exceptions=True)
    assert current(place)["revision"] == 6
    assert not list(place.rglob("media.mp4"))


@pytest.mark.asyncio
async def test_bytes_that_are_not_what_their_name_says_are_not_published(tmp_path: Path) -> None:
    made = package(tmp_path)
    made.files["media.mp4"].chmod(0o644)
    made.files["media.mp4"].write_bytes(FILM[:-1] + b"!")
    with pytest.raises(Problem, match="not those of that name") as refused:
        await FolderPublisher(tmp_path / "out").deliver(made)
    assert refused.value.code == "UNAVAILABLE"
    assert not list((tmp_path / "out").rglob("current.json"))


@pytest.mark.asyncio
async def test_a_folder_that_cannot_be_written_says_which_and_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(Problem, match="cannot be written") as refused:
        await FolderPublisher(tmp_path / "out").deliver(package(tmp_path))
    assert refused.value.code == "UNAVAILABLE"


# --- an address -----------------------------------------------------------------------------------------------------

Script = Callable[["Visit"], Awaitable[None]]


@dataclass
class Visit:
    """One connection that a server got: the head of its request, its body as far as it was read, and how to answer."""

    head: Message
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    body: bytes = b""

    async def read(self) -> None:
        self.body = await self.reader.readexactly(int(self.head["Content-Length"]))

    def parts(self) -> dict[str, bytes]:
        whole = message_from_bytes(f"Content-Type: {self.head['Content-Type']}\r\n\r\n".encode() + self.body)
        found: dict[str, bytes] = {}
        for each in whole.get_payload():
            assert isinstance(each, Message)
            found[str(each.get_filename())] = bytes(each.get_payload(decode=True) or b"")
        return found

    async def answer(self, status: int, body: bytes = b"", *head: str) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *head, "", ""]
        self.writer.write("\r\n".join(lines).encode() + body)
        await self.writer.drain()


@dataclass
class Server:
    """A server on this machine that does what its scripts say, one a connection, the last one again and again."""

    scripts: list[Script]
    url: str = ""
    paths: list[str] = field(default_factory=list[str])
    visits: list[Visit] = field(default_factory=list[Visit])

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):  # who has waited enough hangs up
            request, _, head = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
            self.paths.append(request.decode().split()[1])
            visit = Visit(message_from_bytes(head), reader, writer)
            self.visits.append(visit)
            await self.scripts[min(len(self.visits), len(self.scripts)) - 1](visit)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def server(*scripts: Script) -> AsyncGenerator[Server]:
    made, meetings, before = Server(list(scripts)), set[asyncio.Task[None]](), asyncio.all_tasks()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        meetings.add(asyncio.create_task(made.meet(reader, writer)))

    listening = await asyncio.start_server(meet, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/publish"
    try:
        yield made
    finally:
        listening.close()
        while left := asyncio.all_tasks() - before:  # who gave up at once may be let in only now
            await asyncio.wait(left)
        await asyncio.gather(*meetings)


def webhook(url: str, *, key: str | None = None, timeout: float = 100, deadline: float = 100) -> WebhookPublisher:
    return WebhookPublisher(
        url,
        sign=lambda claims: sign_jws(KEYS, SIGNATURE_TYPE, claims),
        clock=lambda: NOON,
        key=key,
        timeout=timeout,
        deadline=deadline,
    )


def answering(status: int, body: bytes = b"", *head: str) -> Script:
    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.answer(status, body, *head)

    return script


async def refusal(made: Package, *scripts: Script, **given: Any) -> Problem:
    async with server(*scripts) as there:
        with pytest.raises(Problem) as refused:
            await webhook(there.url, **given).deliver(made)
    return refused.value


@pytest.mark.asyncio
async def test_an_address_gets_manifest_and_files_with_one_key_signed_by_the_house(tmp_path: Path) -> None:
    made = package(tmp_path)
    async with server(answering(201, b'{"video": "tube-77"}')) as there:
        receipt = await webhook(there.url, key="s3cret").deliver(made)
    assert receipt == '127.0.0.1 answered 201: {"video": "tube-77"}'
    [visit] = there.visits
    parts = visit.parts()
    assert json.loads(parts["manifest.json"]) == made.manifest
    assert (parts["media.mp4"], parts["captions.de.vtt"]) == (FILM, CAPTIONS)
    assert visit.head["Idempotency-Key"] == "pub_ONE.1"
    assert visit.head["Authorization"] == "Bearer s3cret"
    ring = KeyRing({"mcp:schedule": [KEYS.public_jwk]})
    claims = open_jws(visit.head["Holdback-Signature"], SIGNATURE_TYPE, ring, ["mcp:schedule"])
    manifest = MediaStore(tmp_path / "again").put(parts["manifest.json"])
    assert (claims["key"], claims["aud"], claims["manifest"]) == ("pub_ONE.1", there.url, manifest)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (409, b'{"key": "pub_ONE.1", "done": true}', None),
        (409, b'{"key": "pub_ONE.1", "done": false}', "UNAVAILABLE"),
        (409, b'{"key": "pub_TWO.1", "done": true}', "CONFLICT"),
        (409, b"no", "CONFLICT"),
        (400, b"", "CONFLICT"),
        (404, b"", "CONFLICT"),
        (408, b"", "UNAVAILABLE"),
        (429, b"", "UNAVAILABLE"),
        (500, b"", "UNAVAILABLE"),
        (503, b"", "UNAVAILABLE"),
    ],
)
async def test_an_answer_means_what_its_status_says(tmp_path: Path, status: int, body: bytes, code: str | None) -> None:
    async with server(answering(status, body)) as there:
        try:
            await webhook(there.url).deliver(package(tmp_path))
            answered = None
        except Problem as problem:
            answered = problem.code
    assert answered == code


@pytest.mark.asyncio
async def test_what_is_not_there_need_not_be_taken_down(tmp_path: Path) -> None:
    async with server(answering(410)) as there:
        assert await webhook(there.url).deliver(package(tmp_path, 2, "")) == "127.0.0.1 answered 410"
        assert sorted(there.visits[0].parts()) == ["manifest.json"]


@pytest.mark.asyncio
async def test_a_busy_server_says_when_to_come_again(tmp_path: Path) -> None:
    problem = await refusal(package(tmp_path), answering(503, b"", "Retry-After: 120"))
    assert (problem.code, problem.details) == ("UNAVAILABLE", {"retry_after": 120.0})
    problem = await refusal(
        package(tmp_path), answering(503, b"", f"Retry-After: {format_datetime(NOON + timedelta(hours=1))}")
    )
    assert problem.details == {"retry_after": 3600.0}
    problem = await refusal(package(tmp_path), answering(503, b"", "Retry-After: tomorrow"))
    assert problem.details == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("given", ["9" * 400, "9" * 20, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_server_that_names_no_sensible_time_is_asked_again_within_a_day(tmp_path: Path, given: str) -> None:
    problem = await refusal(package(tmp_path), answering(429, b"", f"Retry-After: {given}"))
    assert problem.details == {"retry_after": 86_400.0}


@pytest.mark.asyncio
async def test_a_redirect_is_not_followed_and_the_cure_is_said(tmp_path: Path) -> None:
    async with server(answering(307, b"", "Location: /elsewhere")) as there:
        with pytest.raises(Problem, match="only the address in the settings") as refused:
            await webhook(there.url).deliver(package(tmp_path))
    assert (refused.value.code, there.paths) == ("CONFLICT", ["/publish"])


async def hangs_up_half_way(visit: Visit) -> None:
    await visit.reader.readexactly(1000)


async def hangs_up_after_reading(visit: Visit) -> None:
    await visit.read()


async def hangs_up_in_its_answer(visit: Visit) -> None:
    await visit.read()
    visit.writer.write(b"HTTP/1.1 200 Fine\r\nContent-Length: 50\r\n\r\nhalf")
    await visit.writer.drain()


async def talks_nonsense(visit: Visit) -> None:
    await visit.read()
    visit.writer.write(b"I am no web server\r\n\r\n")
    await visit.writer.drain()


@pytest.mark.asyncio
@pytest.mark.parametrize("script", [hangs_up_half_way, hangs_up_after_reading, hangs_up_in_its_answer, talks_nonsense])
async def test_a_server_that_hangs_up_or_talks_nonsense_is_tried_again(tmp_path: Path, script: Script) -> None:
    problem = await refusal(package(tmp_path), script, key="s3cret")
    assert problem.code == "UNAVAILABLE"
    assert "s3cret" not in problem.line()


@pytest.mark.asyncio
async def test_nobody_there_is_tried_again(tmp_path: Path) -> None:
    async with server(answering(200)) as there:
        pass
    with pytest.raises(Problem, match="cannot be reached") as refused:
        await webhook(there.url).deliver(package(tmp_path))
    assert refused.value.code == "UNAVAILABLE"


@pytest.mark.asyncio
async def test_a_server_that_answers_twice_is_heard_once(tmp_path: Path) -> None:
    async def twice(visit: Visit) -> None:
        await visit.read()
        await visit.answer(200, b"first")
        await visit.answer(500, b"second")

    async with server(twice, answering(200, b"third")) as there:
        publisher = webhook(there.url)
        assert await publisher.deliver(package(tmp_path)) == "127.0.0.1 answered 200: first"
        assert await publisher.deliver(package(tmp_path, 2, "")) == "127.0.0.1 answered 200: third"


@pytest.mark.asyncio
async def test_a_server_that_fails_and_then_answers_gets_the_same_key_again(tmp_path: Path) -> None:
    made = package(tmp_path)
    async with server(answering(500), answering(200)) as there:
        publisher = webhook(there.url)
        with pytest.raises(Problem):
            await publisher.deliver(made)
        assert await publisher.deliver(made) == "127.0.0.1 answered 200"
    assert [visit.head["Idempotency-Key"] for visit in there.visits] == ["pub_ONE.1", "pub_ONE.1"]
    assert there.visits[0].parts() == there.visits[1].parts()


@pytest.mark.asyncio
async def test_a_silent_server_and_one_that_never_comes_to_an_end_are_left(tmp_path: Path) -> None:
    async def silent(visit: Visit) -> None:
        await visit.read()
        await visit.reader.read()

    async def drips(visit: Visit) -> None:
        await visit.read()
        visit.writer.write(b"HTTP/1.1 200 Fine\r\nContent-Length: 1000\r\n\r\n")
        while not visit.reader.at_eof():
            visit.writer.write(b".")
            await visit.writer.drain()
            await asyncio.sleep(0.01)

    problem = await refusal(package(tmp_path), silent, timeout=0.05)
    assert (problem.code, problem.message) == ("UNAVAILABLE", "127.0.0.1 was silent for 0.05 seconds.")
    problem = await refusal(package(tmp_path), drips, deadline=0.1)
    assert (problem.code, problem.message) == ("UNAVAILABLE", "127.0.0.1 has not taken it within 0.1 seconds.")


@pytest.mark.asyncio
async def test_an_endless_answer_is_read_only_as_far_as_a_receipt_needs(tmp_path: Path) -> None:
    async def endless(visit: Visit) -> None:
        await visit.read()
        await visit.answer(200, b"\x1b[31m" + b"x" * 5_000_000)

    async with server(endless) as there:
        receipt = await webhook(there.url).deliver(package(tmp_path))
    assert receipt.startswith("127.0.0.1 answered 200: ?[31mxxx")
    assert len(receipt) < 250
