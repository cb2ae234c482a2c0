"""People let programs in through the gateway's pages: signing in, second factors, renewing, and ending it."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from holdback_agents.gateway.authority.credentials import new_secret
from holdback_base.problem import Problem
from holdback_trust.edges import challenge
from pyotp import TOTP

pytestmark = pytest.mark.asyncio
SAM = "person:sam"
Enter = Callable[..., Any]


def claims_of(answer: dict[str, Any]) -> dict[str, Any]:
    return jwt.decode(answer["access_token"], options={"verify_signature": False})


def digits(secret: str, clock: Callable[[], datetime]) -> str:
    return TOTP(secret).at(int(clock().timestamp()))


async def test_a_code_alone_says_how_it_was_proved_and_which_stories_the_person_knows(enter: Enter) -> None:
    stories = {"court-ruling": frozenset({SAM, "agent:compliance"}), "merger": frozenset({"person:kim"})}
    async with enter(stories=stories) as step:
        claims = claims_of(await step.let_in())
    assert (claims["sub"], claims["amr"], claims["stories"]) == (SAM, ["pwd"], ["court-ruling"])
    assert claims["exp"] - claims["iat"] == 300
    assert [(each["actor"], each["policy"]) for each in step.rows("person.sign-in")] == [(SAM, "sign-in-code")]
    assert [(each["actor"], each["decision"]) for each in step.rows("access.allow")] == [(SAM, "allowed")]


async def test_who_has_a_second_factor_proves_it_too(enter: Enter) -> None:
    secret = new_secret()
    async with enter() as step:
        step.credentials.set_factor(SAM, secret)
        assert "six digits" in (await step.sign_in()).text
        assert (await step.browser.fill("factor", digits="000000")).status_code == 403
        right = digits(secret, step.house.clock)
        assert (await step.browser.fill("factor", digits=right)).status_code == 200
        code = await step.browser.allow()
        claims = claims_of((await step.browser.redeem(step.browser.code_form(code))).json())
        assert claims["amr"] == ["mfa", "otp", "pwd"]
        step.house.clock.forward(minutes=16)
        await step.sign_in()
        assert (await step.browser.fill("factor", digits=right)).status_code == 403


async def test_a_program_may_ask_for_the_second_factor_and_for_a_fresh_sign_in(enter: Enter) -> None:
    secret = new_secret()
    async with enter() as step:
        without = await step.sign_in(acr_values="mfa")
        assert (without.status_code, "holdback person factor person:sam" in without.text) == (403, True)
        step.credentials.set_factor(SAM, secret)
        assert "six digits" in (await step.browser.open(acr_values="mfa")).text, "the code was proved already"
        await step.browser.fill("factor", digits=digits(secret, step.house.clock))
        assert "work in your name" in (await step.browser.open(acr_values="mfa")).text
        refusal = challenge(Problem("SECOND_FACTOR_NEEDED", "A second factor is needed."))
        told = re.search(r'acr_values="([^"]+)"', refusal)
        assert told is not None
        answer = await step.let_in_again(acr_values=told[1], scope="assets:read openid")
        assert jwt.decode(answer["id_token"], options={"verify_signature": False})["acr"] == told[1]
        for asked in ({"prompt": "login"}, {"max_age": "0"}):
            assert "Sign-in code" in (await step.browser.open(**asked)).text


async def test_for_a_quarter_of_an_hour_the_next_program_only_asks_what_it_may(enter: Enter) -> None:
    async with enter() as step:
        await step.let_in()
        page = (await step.browser.open(client_id="claude-code", redirect_uri=_CLAUDE)).text
        assert "<title>Let Claude Code work in your name? · Holdback</title>" in page
        await step.browser.fill("leave")
        assert "Sign-in code" in step.browser.text
        await step.sign_in()
        step.house.clock.forward(minutes=15)
        assert "Sign-in code" in (await step.browser.open()).text


_CLAUDE = "http://localhost:4100/callback"


async def test_a_person_may_refuse_and_the_program_is_told_so(enter: Enter) -> None:
    async with enter() as step:
        await step.sign_in()
        await step.browser.fill("refuse")
        told = step.browser.sent_to.params
        assert (told["error"], told["state"]) == ("access_denied", "of-the-program")
        assert [each["decision"] for each in step.rows("access.allow")] == ["denied"]
        await step.browser.open()
        nothing = await step.browser.fill("allow")
    assert (nothing.status_code, "Tick at least one thing" in nothing.text) == (400, True)


async def test_a_role_that_was_taken_away_is_gone_at_the_next_renewal(enter: Enter, tmp_path: Path) -> None:
    home = tmp_path / "kept"
    async with enter(house={"home": home}) as step:
        answer = await step.let_in()
        clock = step.house.clock
    async with enter(house={"home": home, "clock": clock, "roles": {SAM: {"viewer"}}}) as again:
        renewed = (await again.renew(answer)).json()
    assert (answer["scope"], renewed["scope"]) == ("assets:read assets:write", "assets:read")
    assert claims_of(renewed)["roles"] == ["viewer"]


async def test_who_is_of_the_house_no_more_renews_nothing(enter: Enter, tmp_path: Path) -> None:
    async with enter(house={"home": tmp_path / "kept"}) as step:
        answer, clock = await step.let_in(), step.house.clock
        others = [each for each in step.house.services.people if each.id != SAM]
    async with enter(house={"home": tmp_path / "kept", "clock": clock}, people=others) as again:
        refused = await again.renew(answer)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_access_is_renewed_for_a_working_day_and_no_longer(enter: Enter) -> None:
    async with enter() as step:
        answer = await step.let_in()
        for _ in range(3):
            step.house.clock.forward(hours=3, minutes=50)
            answer = (await step.renew(answer)).json()
        step.house.clock.forward(minutes=30)
        refused = await step.renew(answer)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_one_refresh_token_brought_by_five_at_once_gives_no_two_of_them_lasting_access(enter: Enter) -> None:
    async with enter() as step:
        answer = await step.let_in()
        answers = await asyncio.gather(*(step.renew(answer) for _ in range(5)))
        given = [each.json() for each in answers if each.status_code == 200]
        assert len(given) <= 1
        headers = [{"authorization": f"Bearer {each['access_token']}"} for each in given]
        doors = [(await step.browser.http.get("/mcp/assets", headers=each)).status_code for each in headers]
        assert doors == [401] * len(given)
        assert {(await step.renew(each)).status_code for each in (answer, *given)} == {400}


async def test_who_signs_out_ends_sessions_and_renewals(enter: Enter) -> None:
    async with enter() as step:
        answer = await step.let_in()
        step.house.clock.forward(seconds=5)
        step.credentials.sign_out(SAM)
        assert (await step.renew(answer)).json()["error"] == "invalid_grant"
        assert "Sign-in code" in (await step.browser.open()).text
        step.house.clock.forward(seconds=5)
        assert (await step.let_in())["access_token"]


async def test_codes_and_pages_do_not_live_long(enter: Enter) -> None:
    async with enter() as step:
        await step.sign_in()
        code = await step.browser.allow()
        step.house.clock.forward(seconds=60)
        assert "expired" in (await step.browser.redeem(step.browser.code_form(code))).json()["error_description"]
        await step.browser.open()
        step.house.clock.forward(minutes=10)
        assert "too old" in (await step.browser.fill("allow", scope=["assets:read"])).text


async def test_access_can_be_given_back(enter: Enter) -> None:
    async with enter() as step:
        answer = await step.let_in()
        granting = step.house.gateway.authority.granting
        assert await granting.revoke(answer["refresh_token"])
        assert not await granting.revoke(answer["refresh_token"])
        assert not await granting.revoke("nothing.of-the-kind")
        assert (await step.renew(answer)).json()["error"] == "invalid_grant"
        assert [each["policy"] for each in step.rows("access.end")] == ["refresh-revoked"]


async def test_a_program_learns_who_signed_in_where_it_asked_to(enter: Enter) -> None:
    async with enter() as step:
        answer = await step.let_in(resource=None, scope="openid profile registry:read", nonce="n-1")
        url = f"{step.browser.url}/oauth/userinfo"
        told = await step.browser.follow_with(url, answer["access_token"])
        assert told.json() == {"sub": SAM, "name": "sam", "preferred_username": "sam", "groups": ["editor"]}
        identity = jwt.decode(answer["id_token"], options={"verify_signature": False})
        assert (identity["iss"], identity["aud"], identity["nonce"]) == (step.browser.url, "holdback", "n-1")
        plain = await step.let_in(resource=None, scope="registry:read")
        assert "id_token" not in plain
        assert (await step.browser.follow_with(url, plain["access_token"])).status_code == 403


async def test_the_gateway_tells_programs_what_it_can_do(enter: Enter, build_house: Any) -> None:
    async with enter() as step:
        about = (await step.browser.http.get("/.well-known/oauth-authorization-server")).json()
        assert about == (await step.browser.http.get("/.well-known/openid-configuration")).json()
    assert about["code_challenge_methods_supported"] == ["S256"]
    assert about["client_id_metadata_document_supported"] is True
    assert about["authorization_response_iss_parameter_supported"] is True
    assert {"authorization_code", "refresh_token"} < set(about["grant_types_supported"])
    async with build_house().open() as http:
        assert "authorization_endpoint" not in (await http.get("/.well-known/oauth-authorization-server")).json()
        for path in ("/.well-known/openid-configuration", "/oauth/authorize", "/oauth/callback", "/oauth/userinfo"):
            assert (await http.get(path)).status_code == 404


async def test_who_signs_with_a_key_may_add_the_second_factor(enter: Enter) -> None:
    secret = new_secret()
    async with enter(stories={"merger": frozenset({SAM})}) as step:
        plain = await step.browser.redeem(step.house.person_form(SAM, "mcp:assets"))
        assert (claims_of(plain.json())["amr"], claims_of(plain.json())["stories"]) == (["swk"], ["merger"])
        form = step.house.person_form(SAM, "mcp:assets", otp=digits(secret, step.house.clock))
        assert (await step.browser.redeem(form)).json()["error"] == "invalid_grant", "there is none to prove"
        step.credentials.set_factor(SAM, secret)
        form = step.house.person_form(SAM, "mcp:assets", otp=digits(secret, step.house.clock))
        assert claims_of((await step.browser.redeem(form)).json())["amr"] == ["mfa", "otp", "swk"]
        again = step.house.person_form(SAM, "mcp:assets", otp=digits(secret, step.house.clock))
        assert (await step.browser.redeem(again)).json()["error"] == "invalid_grant"


async def test_the_front_door_hands_on_how_it_was_proved_and_what_is_known(enter: Enter) -> None:
    async with enter(stories={"merger": frozenset({SAM})}) as step:
        headers = await step.house.bearer(step.browser.http, SAM, "gateway")
        message = {"messageId": "m-1", "role": "ROLE_USER", "parts": [{"text": "Make a highlight"}]}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
        answer = await step.browser.http.post("/", json=body, headers=headers | {"a2a-version": "1.0"})
        assert answer.status_code == 200, answer.text
        heard = step.house.echoes["editing-assistant"].heard[0]["token"]
    assert (heard["amr"], heard["stories"]) == (["swk"], ["merger"])


async def test_what_was_refused_at_a_page_is_on_record(enter: Enter) -> None:
    async with enter() as step:
        await step.browser.open(redirect_uri="https://evil.example/callback")
        await step.browser.open()
        await step.browser.sign_in("sam", "AAAA-AAAA")
        rows = [(each["actor"], each["decision"], each["policy"]) for each in step.rows("person.sign-in")]
    assert rows == [("unknown", "denied", "INVALID_ARGUMENT"), (SAM, "denied", "sign-in-code")]
