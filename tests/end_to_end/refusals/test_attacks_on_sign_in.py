"""Attacks on the way by which people let programs in: each is refused, says how, and changes nothing."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from holdback.people import home_credentials

pytestmark = pytest.mark.asyncio(loop_scope="session")
ANOTHER = "claude-code"


@pytest_asyncio.fixture(loop_scope="session")
async def browser(house: Any, browse: Any) -> AsyncGenerator[Any]:
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        yield browse(http, house.url)


def code_of(house: Any, person: str = "person:sam") -> str:
    return home_credentials(house.home, house.foundation.clock).new_code(person)[0]


async def signed_in(house: Any, browser: Any, **asked: str | None) -> Any:
    """The page on which Sam is asked what the program may do."""
    await browser.open(**asked)
    answer = await browser.sign_in("sam", code_of(house))
    assert answer.status_code == 200, answer.text
    return browser


async def tool_status(house: Any, token: str) -> int:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        return (await http.post(f"{house.url}/mcp/assets", json=call, headers=headers)).status_code


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback",
        "http://127.0.0.1:40123@evil.example/callback",
        "http://localhost.evil.example/callback",
        "http://evil.example\\@127.0.0.1/callback",
        "http://127.0.0.1:40123/callback/../elsewhere",
        "http://127.0.0.1:40123/callback?next=https://evil.example",
        "http://127.0.0.1:40123/callback#",
        "http://[::ffff:127.0.0.1]/callback",
        "http://2130706433/callback",
        "javascript://127.0.0.1/callback",
        "com.example.evil:/callback",
        "",
    ],
)
async def test_an_answer_sent_to_a_strangers_address(browser: Any, unmoved: Any, uri: str) -> None:
    async with unmoved():
        answer = await browser.open(redirect_uri=uri)
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert "Nothing was sent there" in answer.text


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"request_uri": "https://evil.example/request"}, "request_not_supported"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"resource": "https://evil.example/mcp"}, "invalid_target"),
        ({"scope": "rights:write"}, "invalid_scope"),
        ({"prompt": "none"}, "interaction_required"),
    ],
)
async def test_a_request_without_what_protects_it(
    browser: Any, house: Any, unmoved: Any, changed: dict[str, str | None], error: str
) -> None:
    async with unmoved():
        await browser.open(**changed)
    told = browser.sent_to.params
    assert (told["error"], told["state"], told["iss"]) == (error, "of-the-program", house.url)
    assert "code" not in told


async def test_a_parameter_given_twice_so_that_two_readers_read_two_things(browser: Any, unmoved: Any) -> None:
    pairs = [*browser.request().items(), ("redirect_uri", "https://evil.example/callback")]
    async with unmoved():
        answer = await browser.follow(f"{browser.url}/oauth/authorize?{httpx.QueryParams(pairs)}")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    "address",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/client.json",
        "https://localhost/client.json",
        "https://[::1]/client.json",
        "https://10.0.0.7/client.json",
        "https://client.example/client.json",
        "https://metadata.google.internal/computeMetadata",
    ],
)
async def test_a_program_whose_document_lies_inside_or_where_nothing_may_go(
    browser: Any, unmoved: Any, address: str
) -> None:
    async with unmoved():
        answer = await browser.open(client_id=address)
    assert (answer.status_code, "location" in answer.headers) == (403, False)
    assert "Nothing is sent to" in answer.text


@pytest.mark.parametrize(
    "identity", ["nobody", "http://client.example/c", "https://client.example", "https://a@b.example/c", "file:///etc"]
)
async def test_a_program_that_nobody_knows(browser: Any, unmoved: Any, identity: str) -> None:
    async with unmoved():
        answer = await browser.open(client_id=identity)
    assert (answer.status_code, "location" in answer.headers) == (404, False)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"code_verifier": "b" * 43}, "code_verifier does not fit"),
        ({"code_verifier": ""}, "code_verifier does not fit"),
        ({"client_id": ANOTHER}, "another program"),
        ({"redirect_uri": "http://127.0.0.1:40124/callback"}, "another redirect_uri"),
        ({"resource": "mcp:rights"}, "another resource"),
    ],
)
async def test_a_stolen_code_without_what_belongs_to_it(
    house: Any, browser: Any, unmoved: Any, changed: dict[str, str], words: str
) -> None:
    code = await (await signed_in(house, browser)).allow()
    async with unmoved():
        answer = await browser.redeem(browser.code_form(code, **changed))
        honest = await browser.redeem(browser.code_form(code))
    assert answer.status_code == 400
    assert words in answer.json()["error_description"]
    assert (honest.status_code, honest.json()["error"]) == (400, "invalid_grant"), "a code that was shown is burnt"


async def test_a_code_redeemed_a_second_time_ends_what_the_first_one_gave(house: Any, browser: Any) -> None:
    code = await (await signed_in(house, browser)).allow()
    first = (await browser.redeem(browser.code_form(code))).json()
    assert await tool_status(house, first["access_token"]) == 200
    again = await browser.redeem(browser.code_form(code))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert await tool_status(house, first["access_token"]) == 401
    renewal = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "client_id": "holdback"}
    assert (await browser.redeem(renewal)).json()["error"] == "invalid_grant"


async def test_a_refresh_token_used_again_ends_all_that_came_of_it(house: Any, browser: Any) -> None:
    code = await (await signed_in(house, browser)).allow()
    first = (await browser.redeem(browser.code_form(code))).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "client_id": "holdback"}
    second = (await browser.redeem(form)).json()
    stolen = await browser.redeem(form)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert (await browser.redeem(form | {"refresh_token": second["refresh_token"]})).status_code == 400
    assert await tool_status(house, second["access_token"]) == 401


async def test_a_renewal_that_asks_for_more_than_was_allowed(house: Any, browser: Any, unmoved: Any) -> None:
    await signed_in(house, browser, scope="assets:read")
    answer = (await browser.redeem(browser.code_form(await browser.allow()))).json()
    form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"], "client_id": "holdback"}
    async with unmoved():
        wider = await browser.redeem(form | {"scope": "assets:read assets:write"})
        elsewhere = await browser.redeem(form | {"resource": "mcp:rights"})
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    assert (elsewhere.status_code, elsewhere.json()["error"]) == (400, "invalid_target")


async def test_a_form_that_ticks_what_was_never_asked_for_or_is_not_held(house: Any, browser: Any) -> None:
    await signed_in(house, browser, scope="assets:read assets:hold")
    assert browser.ticked == ["assets:read"], "an editor holds no legal holds"
    await browser.fill("allow", scope=["assets:read", "assets:hold", "assets:write", "rights:write"])
    answer = await browser.redeem(browser.code_form(browser.sent_to.params["code"]))
    assert answer.json()["scope"] == "assets:read"


async def test_to_decide_approvals_is_never_offered_ticked(house: Any, browser: Any) -> None:
    await signed_in(house, browser, resource=house.url, scope="approval:decide registry:read")
    assert browser.ticked == ["registry:read"]
    assert "approval:decide" in browser.text


async def test_a_page_of_another_site_that_answers_in_a_persons_browser(house: Any, browser: Any, unmoved: Any) -> None:
    await signed_in(house, browser)
    form = {"request": browser.seal, "step": "allow", "scope": browser.ticked}
    async with unmoved():
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://127.0.0.1:9"}, {"origin": "null"}):
            answer = await browser.http.post(f"{browser.url}/oauth/authorize", data=form, headers=headers)
            assert answer.status_code in (400, 403), headers
            assert "location" not in answer.headers


async def test_a_page_that_was_shown_in_another_browser(house: Any, browse: Any, browser: Any, unmoved: Any) -> None:
    await signed_in(house, browser)
    async with unmoved(), httpx.AsyncClient(verify=False, timeout=100) as http:
        thief = browse(http, house.url)
        await thief.open()
        thief.page = browser.page
        answer = await thief.fill("allow", scope=["assets:read"])
    assert (answer.status_code, "another browser" in answer.text) == (400, True)


async def test_to_allow_before_having_signed_in(browser: Any, unmoved: Any) -> None:
    async with unmoved():
        await browser.open()
        answer = await browser.fill("allow", scope=["assets:read"])
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_to_skip_to_the_second_factor_without_the_first(browser: Any, unmoved: Any) -> None:
    async with unmoved():
        await browser.open()
        answer = await browser.fill("factor", digits="000000")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_a_sealed_request_that_was_changed(house: Any, browser: Any, unmoved: Any) -> None:
    await signed_in(house, browser)
    claims = jwt.decode(browser.seal, options={"verify_signature": False})
    claims["asked"]["redirect_uri"] = "https://evil.example/callback"
    header, _, signature = browser.seal.split(".")
    body = jwt.encode(claims, "k" * 32, algorithm="HS256").split(".")[1]
    for forged in (f"{header}.{body}.{signature}", jwt.encode(claims, "", algorithm="none"), "x" * 70_000):
        async with unmoved():
            sent = {"request": forged, "step": "allow", "scope": "assets:read"}
            answer = await browser.http.post(f"{browser.url}/oauth/authorize", data=sent)
        assert answer.status_code in (400, 413)
        assert "location" not in answer.headers


async def test_guessing_a_sign_in_code(house: Any, browser: Any, unmoved: Any) -> None:
    right = code_of(house)
    async with unmoved():
        await browser.open()
        for guess in range(5):
            answer = await browser.sign_in("sam", f"AAAA-AAA{guess}")
            assert (answer.status_code, "That is not right" in answer.text) == (403, True)
        answer = await browser.sign_in("sam", right)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False), "after five guesses it is worthless"


async def test_a_sign_in_code_that_was_seen_over_a_shoulder(house: Any, browse: Any, browser: Any) -> None:
    code = code_of(house)
    await browser.open()
    assert (await browser.sign_in("sam", code)).status_code == 200
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        thief = browse(http, house.url)
        await thief.open()
        assert (await thief.sign_in("sam", code)).status_code == 403


async def test_finding_out_who_is_in_the_house(house: Any, browser: Any, unmoved: Any) -> None:
    async with unmoved():
        await browser.open()
        known = (await browser.sign_in("sam", "AAAA-AAAA")).text
        unknown = (await browser.sign_in("zoe", "AAAA-AAAA")).text
        path = (await browser.sign_in("../../keys/gateway", "AAAA-AAAA")).text
    assert "That is not right" in known
    for other, name in ((unknown, "zoe"), (path, "../../keys/gateway")):
        assert _plain(other, name) == _plain(known, "sam")


def _plain(page: str, name: str) -> str:
    """A page without its seal and the name that was typed."""
    return page[: page.index('name="request"')] + page[page.index("<label") :].replace(f'value="{name}"', "")


async def test_signing_in_as_the_houses_own_loader(house: Any, browser: Any, unmoved: Any) -> None:
    code = code_of(house, "person:loader")
    async with unmoved():
        await browser.open()
        answer = await browser.sign_in("person:loader", code)
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
async def test_something_else_than_an_access_token_at_a_door(house: Any, browser: Any, unmoved: Any, kind: str) -> None:
    await signed_in(house, browser, scope="assets:read openid")
    answer = (await browser.redeem(browser.code_form(await browser.allow()))).json()
    async with unmoved():
        assert await tool_status(house, answer[kind]) == 401


async def test_a_sealed_request_as_a_token(house: Any, browser: Any, unmoved: Any) -> None:
    await browser.open()
    async with unmoved():
        assert await tool_status(house, browser.seal) == 401


async def test_the_token_of_one_server_used_to_learn_who_the_person_is(house: Any, browser: Any, unmoved: Any) -> None:
    await signed_in(house, browser, scope="assets:read openid profile")
    token = (await browser.redeem(browser.code_form(await browser.allow()))).json()["access_token"]
    async with unmoved():
        answer = await browser.follow_with(f"{house.url}/oauth/userinfo", token)
    assert answer.status_code == 401


@pytest.mark.parametrize("place", ["state", "scope", "nonce"])
async def test_markup_in_a_request_that_should_become_part_of_the_page(browser: Any, unmoved: Any, place: str) -> None:
    evil = '"><script>alert(1)</script>'
    async with unmoved():
        answer = await browser.open(**{place: f"assets:read {evil}"})
    assert answer.status_code == 200
    assert "<script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert (answer.headers["x-frame-options"], answer.headers["cache-control"]) == ("DENY", "no-store")


async def test_cookies_are_kept_from_scripts_and_other_sites(house: Any, browser: Any) -> None:
    await browser.open()
    cookies = browser.page.headers.get_list("set-cookie")
    await browser.sign_in("sam", code_of(house))
    cookies += browser.page.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all("; HttpOnly; SameSite=Lax" in each and "Path=/oauth;" in each for each in cookies)


async def test_coming_back_from_an_issuer_that_this_house_does_not_have(browser: Any, house: Any, unmoved: Any) -> None:
    await browser.open()
    async with unmoved():
        answer = await browser.follow(f"{house.url}/oauth/callback?code=x&state=y")
    assert answer.status_code == 400
