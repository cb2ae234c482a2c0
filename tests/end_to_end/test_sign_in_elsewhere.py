"""People whom another issuer vouches for: a second house, and a server that somebody else wrote."""

import warnings
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from holdback.foundation import lay_foundation
from holdback.house import House, open_house
from holdback.people import LOADER, home_credentials
from holdback.serving import listen, served
from holdback_servers.settings import EgressSetting, OidcSetting, Settings

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),  # within the foreign server
]
HERE = EgressSetting(private=("127.0.0.0/8", "::1/128"))
ROLES = {"editor": frozenset({"editor"}), "Video desk": frozenset({"editor", "librarian"})}


@asynccontextmanager
async def trusting(home: Path, issuer: str, **said: Any) -> AsyncGenerator[House]:
    """A house that takes an issuer's word on people; it has none of its own."""
    oidc = OidcSetting(issuer=issuer, client_id="holdback", roles=ROLES, **said)
    foundation = lay_foundation(Settings(home=home, oidc=oidc, egress=HERE), "gateway")
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with open_house(foundation, url, (LOADER,)) as opened, served(opened.gateway, listener):
        yield opened


@pytest.fixture(scope="session")
def foreign() -> Generator[str]:
    """The address of an OpenID provider written by somebody else (Authlib's server half, RS256)."""
    with warnings.catch_warnings(record=True):  # its libraries are behind one another
        from oidc_provider_mock import User, run_server_in_thread

        mara = User(
            sub="4711",
            claims={
                "preferred_username": "mara",
                "name": "Mara",
                "groups": ["Video desk", "All"],
                "amr": ["pwd", "otp", "made-up"],
            },
        )
        vic = User(sub="4712", claims={"preferred_username": "vic", "groups": ["All"]})
        odd = User(sub="4713", claims={"preferred_username": "Loader", "groups": ["Video desk"]})
        own = User(sub="4714", claims={"preferred_username": "loader", "groups": ["Video desk"]})
        with run_server_in_thread(user_claims=(mara, vic, odd, own)) as server:
            yield f"http://localhost:{server.server_port}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def trusted(foreign: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    """A house that takes the foreign issuer's word."""
    async with trusting(tmp_path_factory.mktemp("trusting"), foreign, client_secret="a secret") as opened:
        yield opened


async def _vouched(browser: Any, subject: str) -> httpx.Response:
    """Through the foreign issuer's own page and back, as the browser is sent."""
    await browser.fill("elsewhere")
    way = browser.sent_to
    assert (way.params["code_challenge_method"], way.params["response_type"]) == ("S256", "code")
    answer = await browser.http.post(str(way), data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return await browser.follow(answer.headers["location"])


async def test_another_house_vouches_for_a_person_whose_roles_are_mapped(
    house: Any, browse: Any, tmp_path: Path
) -> None:
    code, _ = home_credentials(house.home, house.foundation.clock).new_code("person:sam")
    async with trusting(tmp_path, house.url) as second, httpx.AsyncClient(verify=False, timeout=100) as http:
        browser = browse(http, second.url)
        await browser.open()
        assert house.url.removeprefix("http://") in browser.text
        await browser.fill("elsewhere")
        at_the_issuer = browse(http, house.url)
        await at_the_issuer.follow(str(browser.sent_to))
        await at_the_issuer.sign_in("sam", code)
        await at_the_issuer.allow()
        await browser.follow(str(at_the_issuer.sent_to))
        assert "person:sam" in browser.text
        answer = await browser.redeem(browser.code_form(await browser.allow()))
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["roles"], claims["amr"]) == ("person:sam", ["editor"], ["pwd"])
    assert claims["scope"] == "assets:read assets:write"


async def test_somebody_elses_issuer_vouches_for_a_person(trusted: House, browse: Any) -> None:
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        browser = browse(http, trusted.url)
        await browser.open(scope="assets:read assets:hold openid profile", nonce="n-1")
        await _vouched(browser, "4711")
        assert "Mara" in browser.text
        answer = (await browser.redeem(browser.code_form(await browser.allow()))).json()
        claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
        assert (claims["scope"], claims["amr"]) == ("assets:hold assets:read", ["otp", "pwd"])
        told = jwt.decode(answer["id_token"], options={"verify_signature": False})
        assert (told["sub"], told["name"], told["nonce"]) == ("person:mara", "Mara", "n-1")
        form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"], "client_id": "holdback"}
        assert (await browser.redeem(form)).status_code == 200


@pytest.mark.parametrize(
    ("subject", "status", "words"),
    [
        ("4712", 403, "person:vic has no role in this house"),
        ("4713", 403, "is no name that a person can have here"),
        ("4714", 403, "Nobody signs in as person:loader"),
        ("unheard", 403, "is no name that a person can have here"),
    ],
)
async def test_whom_the_issuer_knows_may_still_have_nothing_to_do_here(
    trusted: House, browse: Any, subject: str, status: int, words: str
) -> None:
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        browser = browse(http, trusted.url)
        await browser.open()
        answer = await _vouched(browser, subject)
    assert answer.status_code == status
    assert words in answer.text


async def _on_the_way(browser: Any) -> httpx.URL:
    """A browser that was sent to the issuer; the answer that the issuer gives it, before it is brought back."""
    await browser.open()
    await browser.fill("elsewhere")
    answer = await browser.http.post(str(browser.sent_to), data={"sub": "4711"})
    return httpx.URL(answer.headers["location"])


async def test_an_attackers_answer_of_the_issuer_slipped_into_another_browser(trusted: House, browse: Any) -> None:
    async with httpx.AsyncClient(verify=False, timeout=100) as http, httpx.AsyncClient(timeout=100) as victims:
        stolen = await _on_the_way(browse(http, trusted.url))
        victim = browse(victims, trusted.url)
        await _on_the_way(victim)
        answer = await victim.follow(str(stolen))
    assert (answer.status_code, "another browser" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"state": "made-up"}, 400, "another browser"),
        ({"state": ""}, 400, "another browser"),
        ({"iss": "https://evil.example"}, 403, "another issuer answered"),
        ({"code": ""}, 403, "did not sign anybody in"),
        ({"error": "access_denied"}, 403, "did not sign anybody in"),
        ({"code": "made-up"}, 403, "does not take back the code"),
    ],
)
async def test_an_answer_of_the_issuer_that_was_changed_on_its_way(
    trusted: House, browse: Any, changes: dict[str, str], status: int, words: str
) -> None:
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        browser = browse(http, trusted.url)
        answer = await _on_the_way(browser)
        told = await browser.follow(str(answer.copy_merge_params(changes)))
    assert (told.status_code, words in told.text) == (status, True)
    assert not [each for each in told.headers.get_list("set-cookie") if each.startswith("holdback-session=")]


async def test_an_answer_of_the_issuer_brought_twice(trusted: House, browse: Any) -> None:
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        browser = browse(http, trusted.url)
        answer = await _on_the_way(browser)
        assert (await browser.follow(str(answer))).status_code == 200
        assert (await browser.follow(str(answer))).status_code == 400


async def test_a_sign_in_code_of_the_house_where_an_issuer_says_who_people_are(trusted: House, browse: Any) -> None:
    home = trusted.foundation.settings.home
    code, _ = home_credentials(home, trusted.foundation.clock).new_code("person:loader")
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        browser = browse(http, trusted.url)
        await browser.open()
        assert (await browser.sign_in("loader", code)).status_code == 400


async def test_a_house_whose_issuer_may_not_be_reached_signs_nobody_in(browse: Any, tmp_path: Path) -> None:
    oidc = OidcSetting(issuer="http://127.0.0.1:9", client_id="holdback", roles=ROLES)
    foundation = lay_foundation(Settings(home=tmp_path, oidc=oidc), "gateway")
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        open_house(foundation, url, (LOADER,)) as opened,
        served(opened.gateway, listener),
        httpx.AsyncClient(verify=False, timeout=100) as http,
    ):
        browser = browse(http, url)
        await browser.open()
        answer = await browser.fill("elsewhere")
    assert (answer.status_code, "Nothing is sent to 127.0.0.1" in answer.text) == (403, True)
