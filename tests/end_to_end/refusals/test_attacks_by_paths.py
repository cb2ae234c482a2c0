"""Attacks that would have the house read, or tell of, what lies outside its library: no byte of it leaves."""

import asyncio
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from holdback_base.problem import Problem

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "holdback-secret-that-nobody-may-read"
OUTSIDE = [
    "/etc/passwd",
    "../keys/gateway.pem",
    "../../../../../../../../etc/passwd",
    "./x/../../keys/gateway.pem",
    "/proc/self/environ",
    "/dev/zero",
    "{home}/keys/gateway.pem",
    "{home}/db/gateway.sqlite",
    "{library}/../{library_name}-secrets/x.mov",
]
NO_FILES = [
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "concat:/etc/passwd|/etc/hosts",
    "subfile,,start,0,end,100,,:/etc/passwd",
    "data:video/mp4;base64,AAAA",
    "pipe:0",
    "..%2f..%2fetc%2fpasswd",
    "\\\\169.254.169.254\\share\\x.mov",
]


async def _refused(house: Any, tool: str, **arguments: Any) -> Problem:
    with pytest.raises(Problem) as refused:
        await house.loader.tool(tool, **arguments)
    return refused.value


@contextmanager
def _in_the_library(house: Any, name: str) -> Generator[Path]:
    """A place in the library for what somebody lays there, cleared away after the attack."""
    place = house.pack.folder / name
    yield place
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(SECRET, encoding="utf-8")
    return path


async def test_a_file_outside_of_the_library_is_taken_in(house: Any, unmoved: Any) -> None:
    library: Path = house.pack.folder
    async with unmoved():
        for path in OUTSIDE:
            given = path.format(home=house.home, library=library, library_name=library.name)
            assert (await _refused(house, "assets.ingest_media", path=given)).code == "PATH_OUTSIDE_LIBRARY", given


async def test_a_folder_outside_of_the_library_is_taken_in(house: Any, unmoved: Any) -> None:
    async with unmoved():
        for path in ("/etc", "..", str(house.home), "/", "../../../../../root"):
            refused = await _refused(house, "assets.ingest_folder", folder=path, preview=True)
            assert refused.code == "PATH_OUTSIDE_LIBRARY", path


async def test_what_is_there_and_what_is_not_are_told_in_the_same_words(house: Any, secret: Path) -> None:
    there = await _refused(house, "assets.ingest_media", path=str(secret))
    not_there = await _refused(house, "assets.ingest_media", path=str(secret.with_name("nothing.txt")))
    assert there.message.replace("secret.txt", "") == not_there.message.replace("nothing.txt", "")
    assert (there.code, there.hint) == (not_there.code, not_there.hint)


async def test_an_address_or_a_protocol_in_place_of_a_path(house: Any, unmoved: Any) -> None:
    async with unmoved():
        for path in NO_FILES:
            assert (await _refused(house, "assets.ingest_media", path=path)).code == "FILE_MISSING", path


async def test_a_path_that_two_readers_read_differently(house: Any, unmoved: Any) -> None:
    async with unmoved():
        for path in ("film.mov\0.txt", "", "   "):
            assert (await _refused(house, "assets.ingest_media", path=path)).code == "INVALID_ARGUMENT", path


@pytest.mark.parametrize("kind", ["a file", "a folder"])
async def test_a_link_in_the_library_leads_out_of_it(house: Any, unmoved: Any, secret: Path, kind: str) -> None:
    with _in_the_library(house, "link") as link:
        link.symlink_to(secret if kind == "a file" else secret.parent)
        path = "link" if kind == "a file" else "link/secret.txt"
        async with unmoved():
            refused = await _refused(house, "assets.ingest_media", path=path)
    assert refused.code == "PATH_OUTSIDE_LIBRARY"


@pytest.mark.parametrize("kind", ["a pipe", "a folder"])
async def test_what_is_no_file_is_read_as_one(house: Any, unmoved: Any, kind: str) -> None:
    with _in_the_library(house, "trap.mov") as trap:
        os.mkfifo(trap) if kind == "a pipe" else trap.mkdir()
        async with unmoved():
            assert (await _refused(house, "assets.ingest_media", path="trap.mov")).code == "NOT_MEDIA"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"),
        ("list.mov", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", "ffconcat version 1.0\nfile '{secret}'\n"),
        ("list.mp4", "ffconcat version 1.0\nfile 'film.mov'\nfile '{secret}'\n"),
        ("list.mpd", "<MPD><Period><BaseURL>file://{secret}</BaseURL></Period></MPD>"),
        ("words.srt", "1\n00:00:00,000 --> 00:00:01,000\n{secret}\n"),
        ("a picture.svg", '<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{secret}"/></svg>'),
    ],
)
async def test_a_file_of_the_library_names_another_outside(
    house: Any, unmoved: Any, secret: Path, name: str, text: str
) -> None:
    with _in_the_library(house, name) as file:
        file.write_text(text.format(secret=secret), encoding="utf-8")
        async with unmoved("assets.jobs"):
            answer = await _ended(house, name)
    assert SECRET not in answer
    assert "NOT_MEDIA" in answer, answer


async def _ended(house: Any, name: str) -> str:
    """What the library says of a file, at once or as the end of its job."""
    try:
        started = await house.loader.tool("assets.ingest_media", path=name)
        told = await house.loader.job("assets", started)
    except Problem as problem:
        return str(problem.as_dict())
    return str(told)


RESOURCES = {
    "assets": [
        "media://../../keys/gateway.pem",
        "media://..%2f..%2fkeys%2fgateway.pem",
        "media://" + "0" * 64,
        "media://%00",
        "keyframe://../../../etc/passwd",
        "keyframe://seg_%2e%2e%2f%2e%2e",
        "asset://*",
        "asset://%25",
        "asset://' or 1=1 --",
        "file:///etc/passwd",
        "http://169.254.169.254/",
    ],
    "rights": ["clearance://../../keys/gateway", "right://%' or '1'='1", "media://../../keys/gateway.pem"],
    "editing": ["media://../../keys/gateway.pem", "file:///etc/passwd"],
    "schedule": ["media://../../keys/gateway.pem", "file:///etc/passwd"],
}
LEAKS = ("PRIVATE KEY", "root:", "/keys/", "Traceback", "sqlite3", "INTERNAL")


@pytest.mark.parametrize("server", RESOURCES)
async def test_a_resource_is_read_that_is_none(house: Any, unmoved: Any, server: str) -> None:
    token = await house.sam.person.token(f"mcp:{server}")
    headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
    async with unmoved(), httpx.AsyncClient(timeout=100) as http:
        for uri in RESOURCES[server]:
            body = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}}
            answer = await http.post(f"{house.url}/mcp/{server}", json=body, headers=headers)
            assert "result" not in answer.json(), answer.text
            told = answer.text.replace(uri, "")
            assert not [leak for leak in (*LEAKS, str(house.home)) if leak in told], answer.text


async def test_a_path_at_the_front_door_climbs_out(house: Any, unmoved: Any) -> None:
    async with unmoved():
        for path in (
            "/mcp/assets/../../keys/gateway.pem",
            "/mcp/assets/%2e%2e/%2e%2e/keys/gateway.pem",
            "/mcp/rights/status/..%2f..%2f..%2fetc%2fpasswd",
            "/mcp/schedule/..%2f..%2fdb%2fschedule.sqlite",
            "/oauth/../keys/gateway.pem",
            "/agents/compliance/.well-known/../../../keys/gateway.pem",
            "/status/approval/..%2f..%2f..%2fetc%2fpasswd",
            "/static/../../keys/gateway.pem",
            "//etc/passwd",
        ):
            answer = (await _raw(house, path)).decode()
            assert answer.split(" ", 2)[1] in ("400", "401", "404", "405"), answer
            assert not [leak for leak in (*LEAKS, str(house.home)) if leak in answer.replace(path, "")], answer


async def _raw(house: Any, path: str) -> bytes:
    """The answer to a path as it stands: clients would tidy it first."""
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer
