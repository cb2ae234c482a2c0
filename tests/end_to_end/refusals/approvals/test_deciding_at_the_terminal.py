"""What a person does with approvals at the terminal, in a house that is up: `holdback approvals`."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from holdback.deciding import At, decide_one, revoke_one, tell_list, tell_one
from holdback.people import home_credentials
from holdback_base.problem import Problem
from holdback_trust.statements import APPROVAL, read

pytestmark = pytest.mark.asyncio(loop_scope="module")
ALEX = "person:alex"


def at(house: Any, who: str | None = ALEX) -> At:
    return At(house.home, house.url, who)


async def said(capsys: Any, work: Any, *given: Any, **more: Any) -> str:
    """What a command prints; it has an event loop of its own, so it has a thread."""
    capsys.readouterr()
    await asyncio.to_thread(work, *given, **more)
    return capsys.readouterr().out


async def test_a_person_reads_what_is_asked_approves_it_and_takes_it_back(house: Any, capsys: Any) -> None:
    story = await house.waiting()
    listed = await said(capsys, tell_list, at(house), "open", as_json=False)
    shown = await said(capsys, tell_one, at(house), story.identity, as_json=False)
    approved = await said(capsys, decide_one, at(house), story.identity, "approved", "Lovely.", "")
    revoked = await said(capsys, revoke_one, at(house), story.identity, "A wrong logo.")
    after = await said(capsys, tell_one, at(house), story.identity, as_json=False)
    line = f"{story.identity}  open  tier 1  'A highlight'  editing-assistant for person:sam"
    assert line in listed.splitlines()
    assert all(each in shown for each in (story.cut.media, story.issued["clearance"], "slot        asked"))
    assert approved == f"{story.identity} is approved by {ALEX}.\n"
    assert revoked == f"{story.identity} was taken back by {ALEX}: A wrong logo.\n"
    assert "Lovely." in after
    assert "revoked by person:alex" in after
    assert "A wrong logo." in after


async def test_a_valuable_cut_is_approved_with_the_digits_of_an_authenticator_and_each_counts_once(
    house: Any, valuable: Any, capsys: Any
) -> None:
    identity = await house.asked(house.question(valuable))
    secret = pyotp.random_base32()
    home_credentials(house.home, house.foundation.clock).set_factor(ALEX, secret)
    now = house.foundation.clock()
    shown_soon = {pyotp.TOTP(secret).at(now + timedelta(seconds=30 * step)) for step in range(-1, 30)}
    other = next(digits for digits in ("000000", "999999") if digits not in shown_soon)
    with pytest.raises(Problem) as without:
        await said(capsys, decide_one, at(house), identity, "approved", "", "")
    with pytest.raises(Problem) as wrong:
        await said(capsys, decide_one, at(house), identity, "approved", "", other)
    digits = pyotp.TOTP(secret).at(house.foundation.clock())
    done = await said(capsys, decide_one, at(house), identity, "approved", "", digits)
    with pytest.raises(Problem) as again:
        await said(capsys, decide_one, at(house), identity, "approved", "", digits)
    shown = json.loads(await said(capsys, tell_one, at(house), identity, as_json=True))
    home_credentials(house.home, house.foundation.clock).remove_factor(ALEX)
    claims = read(shown["statement"], APPROVAL, house.foundation.ring, house.foundation.clock(), {"gateway"})
    assert (without.value.code, bool(without.value.hint)) == ("SECOND_FACTOR_NEEDED", True)
    assert (wrong.value.code, again.value.code) == ("PERMISSION_DENIED", "PERMISSION_DENIED")
    assert "holdback person factor" in wrong.value.hint
    assert done == f"{identity} is approved by {ALEX}.\n"
    assert (claims["tier"], claims["by"]) == (3, ALEX)


async def test_who_decides_must_be_clear(house: Any, capsys: Any) -> None:
    for who, code in ((None, "INVALID_ARGUMENT"), ("person:nobody", "NOT_FOUND")):
        with pytest.raises(Problem) as refused:
            await said(capsys, tell_list, at(house, who), None, as_json=True)
        assert refused.value.code == code
        assert ALEX in f"{refused.value.message} {refused.value.hint}"


async def test_a_state_that_no_approval_is_ever_in_is_told(house: Any) -> None:
    with pytest.raises(Problem, match="There is no state opne") as told:
        await asyncio.to_thread(tell_list, at(house), "opne", as_json=True)
    assert "lapsed" in told.value.hint


async def test_what_is_asked_is_listed_as_json_too(house: Any, capsys: Any) -> None:
    story = await house.waiting()
    items = json.loads(await said(capsys, tell_list, at(house), None, as_json=True))["items"]
    assert items[0]["id"] == story.identity
    assert items[0]["question"]["media"] == story.cut.media


async def test_an_approval_that_is_taken_back_takes_what_is_on_show_down(house: Any) -> None:
    story = await house.approved()
    done = await house.commit(story.held, story.issued["statement"], story.statement)
    start = datetime.fromisoformat(story.held["publication"]["start"])
    house.ahead[0] = start - house.foundation.clock() + timedelta(seconds=1)
    try:
        live = await house.looked_at(done["id"], "scheduled")
        await house.revoke(house.alex, story.identity, "A wrong logo.")
        down = await house.looked_at(done["id"], "live")
    finally:
        house.ahead[0] = timedelta()
    assert [each["state"] for each in (live, down)] == ["live", "taken_down"]
    assert f"its approval {story.identity} was taken back" in json.dumps(down)
