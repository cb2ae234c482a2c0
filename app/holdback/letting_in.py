"""`holdback agents`: who is let in, as what; letting in, also from outside; and sending away."""

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("OTEL_INSTRUMENTATION_A2A_SDK_ENABLED", "false")

from holdback_agents.gateway.admissions import Admissions
from holdback_agents.gateway.inviting import Invitation, examined
from holdback_agents.gateway.registry import AgentEntry, Upstream
from holdback_agents.gateway.store import METADATA
from holdback_agents.runtime.brain import Rules
from holdback_base.database import Database
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text
from holdback_servers.settings import Settings, load_settings
from holdback_trust.admission import Admission, AgentIdentity, differences
from holdback_trust.egress import Egress
from holdback_trust.grants import ROLE_SCOPES

from holdback.admitting import admission_of, let_in, open_admissions, said_levels
from holdback.foundation import Foundation, check_house, lay_foundation, party_keys
from holdback.house import AGENTS
from holdback.policies import capabilities
from holdback.rooms import room_store

_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Said:
    """What a person says on the command line of an agent to let in: each as it was typed."""

    what: str
    name: str | None = None
    key: str | None = None
    owner: str | None = None
    level: int | None = None
    roles: Sequence[str] = ()
    grants: Sequence[str] = ()
    plans: Sequence[str] = ()


@dataclass(frozen=True)
class _Books:
    foundation: Foundation
    admissions: Admissions
    own: Sequence[AgentEntry]


@contextlib.contextmanager
def _books(home: Path | None) -> Generator[_Books]:
    foundation = lay_foundation(load_settings(home=home), "agents")
    store = room_store("gateway", foundation, METADATA)
    with contextlib.closing(foundation.audit), contextlib.closing(store):
        yield _Books(foundation, open_admissions(store, foundation), _house_agents(foundation.settings.home))
        foundation.audit.sign_head("close")


@contextlib.contextmanager
def _reading(home: Path | None) -> Generator[tuple[Settings, Admissions]]:
    """The admissions as they stand in a home, to look at: nothing is made in it or written."""
    settings = load_settings(home=home)
    check_house(settings.home)
    path = settings.home / "db" / "gateway.sqlite"
    if not path.is_file():
        raise Problem(
            "FILE_MISSING",
            f"No house was ever up on {settings.home}, so no agent is let in there.",
            "`holdback up` lets in the house's own.",
        )
    with contextlib.closing(Database(path, METADATA)) as store:
        yield settings, Admissions(store, system_clock, said_levels(settings))


def _house_agents(home: Path) -> list[AgentEntry]:
    """The house's own agents as they are now."""
    return [_own(name, home) for name in AGENTS]


def _own(name: str, home: Path) -> AgentEntry:
    agent = AGENTS[name]()
    keys = party_keys(home, agent.audience)
    identity = agent.identity(keys.kid, Rules().configuration)
    return AgentEntry(name, agent.card, Upstream(""), keys.public_jwk, identity)


def list_agents(home: Path | None, *, as_json: bool) -> None:
    """Print everybody who is let in, and the house's own that are not as they are now."""
    with _reading(home) as (settings, admissions):
        kept, changed = {each.name: each for each in admissions.all()}, admissions.changed(_house_agents(settings.home))
        names = sorted({*kept, *changed})
        rows = [_row(name, kept.get(name), changed.get(name, []), admissions) for name in names]
    if as_json:
        _say(json.dumps(rows, indent=2))
        return
    for row in rows:
        state = "let in" if row["admitted"] else f"NOT LET IN: {'; '.join(row['changes'])}"
        kind = "from outside" if row["url"] else "of the house"
        _say(f"{row['name']:<24} {kind:<13} level {row['level'] or '-':<4} {state}")


def show_agent(name: str, home: Path | None, *, as_json: bool) -> None:
    """Print as what an agent was let in. Raises Problem NOT_FOUND."""
    with _reading(home) as (_, admissions):
        admission = _known(admissions, name)
        level = admissions.level(admission.agent)
    shape = admission.model_dump(mode="json", exclude={"card"}) | {"identity_sha256": admission.identity.sha256}
    shape["level"] = level
    if as_json:
        _say(json.dumps(shape, indent=2))
        return
    _say(f"{admission.agent}  {admission.identity.sha256}")
    lines = [
        ("let in", f"{instant_text(admission.at)} by {admission.by}"),
        ("owner", admission.owner or "-"),
        ("level", str(level)),
        ("key", admission.identity.key),
        ("software", admission.identity.software),
        *(("configuration", each.text) for each in admission.identity.configurations),
        *((("answers at", admission.url), ("card", admission.source)) if admission.is_vendor else ()),
        *(("started by", role) for role in sorted(admission.roles)),
        *(("may", f"{place}: {' '.join(sorted(scopes))}") for place, scopes in sorted(admission.grants.items())),
        *(("plan", f"{skill}: {' '.join(sorted(tools)) or '-'}") for skill, tools in sorted(admission.plans.items())),
    ]
    for label, value in lines:
        _say(f"  {label:<14} {value}")


def admit_agent(said: Said, home: Path | None) -> None:
    """Let an agent in: one of the house by its name, one from outside by the address of its card.

    Raises:
        Problem: NOT_FOUND for a name that is neither, FILE_MISSING for one in a home where no house is;
            INVALID_ARGUMENT for what is missing; see `examined`.
    """
    if "://" not in said.what:
        check_house(load_settings(home=home).home)
    with _books(home) as books:
        own = next((entry for entry in books.own if entry.name == said.what), None)
        before = {each.name: each for each in books.admissions.all()}
        if own is not None:
            settings = books.foundation.settings
            admission = admission_of(own, settings, books.foundation)
        else:
            admission = asyncio.run(_invited(said, before, books))
        let_in(books.admissions, admission, books.foundation)
        books.foundation.enforcement.standing.admit(admission.agent, by=admission.by)
    _tell(admission, before.get(admission.name))


def dismiss_agent(name: str, home: Path | None) -> None:
    """Let an agent in no more; what it holds counts no more from now on. Raises Problem NOT_FOUND."""
    check_house(load_settings(home=home).home)
    with _books(home) as books:
        admission, person = _known(books.admissions, name), books.foundation.settings.person
        books.foundation.enforcement.standing.dismiss(admission.agent, by=person)
        books.admissions.dismiss(admission.agent)
        books.foundation.audit.append(
            actor=person,
            on_behalf_of=person,
            action="agent.dismiss",
            resource=admission.agent,
            decision="allowed",
            policy="person-at-this-machine",
        )
    _say(f"{admission.agent} is let in no more; its tokens are worthless.")


async def _invited(said: Said, before: Mapping[str, Admission], books: _Books) -> Admission:
    kept = before.get(said.what)
    if kept is None and "://" not in said.what:
        raise Problem(
            "NOT_FOUND",
            f"There is no agent {said.what} here.",
            "Name one that `holdback agents list` shows, or the https address of a card.",
        )
    invitation = _invitation(said, kept, books.foundation.settings.person)
    if invitation.name in AGENTS:
        raise Problem(
            "CONFLICT", f"{invitation.name} is one of the house's own agents.", "Give it another name with --as."
        )
    taken = {skill.id: entry.audience for entry in books.own for skill in entry.card.skills}
    taken |= {skill: each.agent for each in before.values() for skill in each.plans}
    _check_names(invitation, {*taken, *invitation.plans})
    egress = Egress(books.foundation.settings.egress)
    return await examined(invitation, egress, taken, books.foundation.clock())


def _invitation(said: Said, kept: Admission | None, person: str) -> Invitation:
    name, key = said.name or (kept.name if kept else None), said.key or (kept.jwk if kept else None)
    if name is None or key is None:
        raise Problem(
            "INVALID_ARGUMENT",
            "An agent from outside needs a name (--as) and its key (--key).",
            "Ask its owner for the key, or for its thumbprint, by another way than the address of its card.",
        )
    return Invitation(
        name=name,
        url=kept.source if kept else said.what,
        key=_read_key(key) if isinstance(key, str) else key,
        by=person,
        owner=said.owner if said.owner is not None else kept.owner if kept else "",
        level=said.level or (kept.level if kept else 100),
        roles=frozenset(said.roles) or (kept.roles if kept else frozenset({"editor"})),
        grants=_pairs(said.grants, "--may") or (kept.grants if kept else {}),
        plans=_pairs(said.plans, "--plan") or (kept.plans if kept else {}),
    )


def _read_key(given: str) -> Mapping[str, str] | str:
    """A JWK, the path of one, or a thumbprint."""
    text = given.strip()
    if _THUMBPRINT.fullmatch(text):
        return text
    try:
        if not text.startswith("{"):
            text = Path(text).read_text(encoding="utf-8")
        shape = json.loads(text)
        return {str(name): str(value) for name, value in cast(dict[str, Any], shape).items()}
    except (OSError, ValueError, AttributeError):
        raise Problem(
            "INVALID_ARGUMENT",
            "What --key names is no JWK, no file of one and no thumbprint.",
            "A JWK is JSON with kty, crv, x and y; a thumbprint has 43 characters (RFC 7638). A PEM file is neither.",
        ) from None


def _check_names(invitation: Invitation, skills: Collection[str]) -> None:
    """Roles, tools and skills are such as there are: what nobody has would open nothing, and nobody would know why."""
    strange = sorted(invitation.roles - ROLE_SCOPES.keys())
    if strange:
        raise Problem(
            "INVALID_ARGUMENT", f"There is no role {strange[0]}.", f"The roles are {', '.join(sorted(ROLE_SCOPES))}."
        )
    there = {*capabilities(), *skills}
    for skill, needed in sorted(invitation.plans.items()):
        for each in sorted(needed - there):
            raise Problem(
                "INVALID_ARGUMENT",
                f"The plan of {skill} names {each}, which no server and no agent here offers.",
                "Take a tool of docs/tools.md, such as schedule.list_channels, or a skill of an agent that is let in.",
            )


def _pairs(given: Iterable[str], option: str) -> dict[str, frozenset[str]]:
    pairs: dict[str, frozenset[str]] = {}
    for each in given:
        name, equals, values = each.partition("=")
        if not equals or not name.strip():
            raise Problem(
                "INVALID_ARGUMENT",
                f"{option} {each!r} is not NAME=VALUE,VALUE.",
                "Such as --may mcp:assets=assets:read, or --plan measure-loudness=assets.get_asset.",
            )
        pairs[name.strip()] = frozenset(value.strip() for value in values.split(",") if value.strip())
    return pairs


def _tell(admission: Admission, before: Admission | None) -> None:
    _say(f"{admission.agent} is let in as {admission.identity.sha256}.")
    for each in differences(before.identity, admission.identity) if before is not None else ():
        _say(f"  changed: {each}")
    if admission.is_vendor:
        _say("A house that is up knows it, or what has changed of it, a second later.")


def _known(admissions: Admissions, name: str) -> Admission:
    found = next((each for each in admissions.all() if name in (each.name, each.agent)), None)
    if found is None:
        raise Problem("NOT_FOUND", f"No agent {name} is let in.", "`holdback agents list` shows who is.")
    return found


def _row(name: str, admission: Admission | None, changes: list[str], admissions: Admissions) -> dict[str, Any]:
    identity: AgentIdentity | None = admission.identity if admission else None
    return {
        "name": name,
        "admitted": admission is not None and not changes,
        "changes": changes,
        "level": admissions.level(admission.agent) if admission else None,
        "owner": admission.owner if admission else "",
        "url": admission.url if admission else "",
        "identity": identity.sha256 if identity else None,
    }


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
