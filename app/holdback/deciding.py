"""A person at this machine decides what agents ask of a house that is up: `holdback approvals`."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from holdback_agents.runtime.lines import TIMEOUT
from holdback_agents.runtime.tls import trusted_tls
from holdback_base.ids import id_maker, system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import PersonSetting, Settings, load_settings
from holdback_trust.grants import role_scopes
from holdback_trust.policy import APPROVE

from holdback.foundation import check_house, party_keys
from holdback.pack import people_of
from holdback.people import Person
from holdback.reaching import house_url


@dataclass(frozen=True)
class At:
    """Of which home, at which gateway, and who decides; what is None is found out."""

    home: Path | None
    gateway: str | None
    who: str | None


def tell_list(at: At, state: str | None, *, as_json: bool) -> None:
    """Print the questions, the newest first. Raises Problem."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"cursor": cursor} | ({"state": state} if state else {})
        page = asyncio.run(_ask(at, "GET", "/approvals", "approval:decide", params=query))
        items += page["items"]
        cursor = page["next_cursor"]
    if as_json:
        sys.stdout.write(json.dumps({"items": items}, indent=1) + "\n")
        return
    lines = [f"{each['id']}  {_line(each)}" for each in items]
    sys.stdout.write("\n".join(lines or ["Nothing was asked."]) + "\n")


def tell_one(at: At, name: str, *, as_json: bool) -> None:
    """Print one question. Raises Problem NOT_FOUND."""
    found = asyncio.run(_ask(at, "GET", f"/approvals/{name}", "approval:decide"))
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return
    sys.stdout.write("\n".join([f"{name}  {_line(found)}", *_details(found)]) + "\n")


def decide_one(at: At, name: str, decision: str, comment: str, otp: str) -> None:
    """Decide, and say what was decided. Raises Problem, such as SEPARATION_OF_DUTIES or SECOND_FACTOR_NEEDED."""
    body = {"decision": decision, "comment": comment}
    told = asyncio.run(_ask(at, "POST", f"/approvals/{name}", "approval:decide", otp, json=body))
    sys.stdout.write(f"{name} is {told['decision']} by {told['by']}.\n")


def revoke_one(at: At, name: str, reason: str) -> None:
    """Take an approval back. Raises Problem CONFLICT for what is not approved."""
    path = f"/approvals/{name}/revoke"
    told = asyncio.run(_ask(at, "POST", path, "approval:decide", json={"reason": reason}))
    sys.stdout.write(f"{name} was taken back by {told['revoked_by']}: {told['revoked_why']}\n")


def _line(approval: Mapping[str, Any]) -> str:
    by = f" by {approval['decided_by']}" if approval.get("decided_by") else ""
    who = f"{approval['agent']} for {approval['asker']}"
    return f"{approval['state']}{by}  tier {approval['tier']}  {approval['question']['title']!r}  {who}"


def _details(approval: Mapping[str, Any]) -> list[str]:
    question: Mapping[str, Any] = approval["question"]
    story = approval.get("story")
    lines = [
        f"  cut         {question['media']}",
        f"  clearance   {question['clearance']}",
        *([f"  story       {story}"] if story else []),
        *(f"  slot        {each['channel']} {each['local_start'] or each['start']}" for each in question["slots"]),
        *(f"  changes     {each}" for each in question["publications"]),
        *_each("met", question["conditions_met"]),
        *_each("left out", question["not_included"]),
        *_each("note", question["notes"]),
        f"  asked       {approval['asked']}, open until {approval['expires']}",
    ]
    if approval.get("decided"):
        said = f": {approval['comment']}" if approval.get("comment") else ""
        lines.append(f"  {approval['decision']:<11} {approval['decided']} by {approval['decided_by']}{said}")
    if approval.get("revoked"):
        lines.append(f"  revoked     {approval['revoked']} by {approval['revoked_by']}: {approval['revoked_why']}")
    return lines


def _each(name: str, lines: Sequence[str]) -> list[str]:
    return [f"  {name:<11} {each}" for each in lines]


async def _ask(at: At, method: str, path: str, scope: str, otp: str = "", **request: Any) -> dict[str, Any]:
    settings = load_settings(home=at.home)
    check_house(settings.home)
    facts = _who(settings, at.who)
    url = house_url(settings, at.gateway)
    keys, clock = party_keys(settings.home, facts.id), system_clock
    async with httpx.AsyncClient(timeout=TIMEOUT, verify=trusted_tls()) as http:
        person = Person(facts, keys, gateway=url, http=http, clock=clock, new_id=id_maker(clock))
        return await person.ask(method, path, scope, otp, **request)


def _who(settings: Settings, name: str | None) -> PersonSetting:
    people = people_of(settings)
    may = [each for each in people if APPROVE in role_scopes(each.roles)]
    if name is not None:
        found = next((each for each in people if each.id in {name, f"person:{name}"}), None)
        if found is None:
            raise Problem(
                "NOT_FOUND", f"{name} is nobody of this home.", f"Name one of {', '.join(each.id for each in people)}."
            )
        return found
    if len(may) != 1:
        names = ", ".join(each.id for each in may) or "nobody"
        raise Problem("INVALID_ARGUMENT", f"Who decides is not clear: {names} may.", "Say who with --as.")
    return may[0]
