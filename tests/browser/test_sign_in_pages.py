"""The sign-in pages in real Chromium: what its policies about forms, cookies and redirects really let through."""

import asyncio
import contextlib
import itertools
import json
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from holdback.foundation import lay_foundation
from holdback.house import House, open_house
from holdback.people import LOADER, home_credentials
from holdback.serving import listen, served
from holdback_servers.settings import EgressSetting, OidcSetting, PersonSetting, Settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]
SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor"}))


@dataclass
class Page:
    """One tab, over the DevTools protocol."""

    socket: aiohttp.ClientWebSocketResponse
    numbers: Any = field(default_factory=itertools.count)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        while True:
            told = json.loads((await self.socket.receive()).data)
            if told.get("id") == number:
                return told.get("result", {})

    async def value(self, script: str) -> Any:
        told = await self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        return told.get("result", {}).get("value")

    async def go(self, url: str) -> None:
        await self.ask("Page.navigate", url=url)
        await self.until("document.readyState == 'complete' && location.href != 'about:blank'")

    async def until(self, script: str) -> None:
        for _ in range(400):  # a browser tells of no change in what a script sees
            if await self.value(script) is True:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{script}, but: {await self.value('document.body.innerText')}")

    async def fill(self, name: str, text: str) -> None:
        await self.value(f"document.querySelector('[name={name}]').value = {json.dumps(text)}")

    async def press(self, step: str) -> None:
        await self.value(f"document.querySelector('button[value=\"{step}\"]').click()")


@asynccontextmanager
async def chromium(folder: Path) -> AsyncGenerator[Page]:
    assert CHROMIUM is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    process = await asyncio.create_subprocess_exec(CHROMIUM, *options, "about:blank", stderr=subprocess.PIPE)
    try:
        port = await _port(process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"]) as socket:
                yield Page(socket)
    finally:
        process.terminate()
        await process.communicate()


async def _port(process: asyncio.subprocess.Process) -> str:
    """Chromium says on which port it listens."""
    assert process.stderr is not None
    async with asyncio.timeout(100):
        while line := (await process.stderr.readline()).decode():
            if "DevTools listening on" in line:
                return line.split("127.0.0.1:")[1].split("/")[0]
    raise AssertionError("Chromium ended")


@asynccontextmanager
async def a_house(home: Path, **said: Any) -> AsyncGenerator[House]:
    foundation = lay_foundation(Settings(home=home, **said), "gateway")
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with open_house(foundation, url, (LOADER, SAM)) as opened, served(opened.gateway, listener):
        yield opened


@asynccontextmanager
async def a_program() -> AsyncGenerator[tuple[int, asyncio.Future[str]]]:
    """Listens on this machine for the answer, as a desktop program does."""
    brought: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            path = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
            if path.startswith("/callback") and not brought.done():
                brought.set_result(path)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nDone")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], brought


async def _signed_in(page: Page, house: House) -> None:
    await page.fill("name", "sam")
    await page.fill(
        "code", home_credentials(house.foundation.settings.home, house.foundation.clock).new_code(SAM.id)[0]
    )
    await page.press("sign-in")
    await page.until("document.body.innerText.includes('work in your name')")


def _way(browse: Any, house: House, port: int) -> str:
    asked = browse(None, house.url).request(redirect_uri=f"http://127.0.0.1:{port}/callback")
    return f"{house.url}/oauth/authorize?" + "&".join(f"{name}={value}" for name, value in asked.items())


async def test_a_person_signs_in_and_the_program_is_brought_its_code(tmp_path: Path, browse: Any) -> None:
    async with a_house(tmp_path / "home") as house, a_program() as (port, brought), chromium(tmp_path / "c") as page:
        await page.go(_way(browse, house, port))
        assert await page.value("getComputedStyle(document.querySelector('main')).borderTopLeftRadius") == "18px"
        await _signed_in(page, house)
        await page.press("allow")
        assert "code=" in await asyncio.wait_for(brought, 100)


async def test_another_house_vouches_through_two_chains_of_redirects(tmp_path: Path, browse: Any) -> None:
    async with a_house(tmp_path / "first") as first, a_program() as (port, brought), chromium(tmp_path / "c") as page:
        oidc = OidcSetting(issuer=first.url, client_id="holdback", roles={"editor": frozenset({"editor"})})
        here = EgressSetting(private=("127.0.0.0/8",))
        async with a_house(tmp_path / "second", oidc=oidc, egress=here) as second:
            await page.go(_way(browse, second, port))
            await page.press("elsewhere")
            await page.until("document.querySelector('[name=code]') != null")
            await _signed_in(page, first)
            await page.press("allow")
            await page.until(f"location.href.startsWith('{second.url}/oauth/callback')")
            await page.until("document.body.innerText.includes('work in your name')")
            await page.press("allow")
            assert "code=" in await asyncio.wait_for(brought, 100)
