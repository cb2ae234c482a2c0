"""What a browser is answered: a sheet to read and fill, or the way on."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from holdback_base.problem import Problem
from holdback_trust.edges import status_of

from holdback_agents.gateway.authority.clients import Client
from holdback_agents.gateway.authority.members import Member
from holdback_agents.gateway.authority.people import possible_scopes
from holdback_agents.gateway.authority.rendering import Sheet, render
from holdback_agents.gateway.authority.requests import Asked
from holdback_agents.gateway.authority.words import OPENID, lines
from holdback_agents.gateway.registry import Registry


@dataclass(frozen=True)
class Reply:
    """A sheet, or a place to go; `cookies` by name, an empty one is taken away."""

    status: int
    sheet: Sheet | None = None
    location: str = ""
    cookies: tuple[tuple[str, str], ...] = ()

    def with_cookie(self, name: str, value: str) -> "Reply":
        """The same, and this cookie."""
        return replace(self, cookies=(*self.cookies, (name, value)))


def trouble(problem: Problem, status: int | None = None) -> Reply:
    """Tell a person what is wrong, where there is no way back to the program."""
    return Reply(status or status_of(problem), render("trouble", message=problem.message, hint=problem.hint))


def gone() -> Reply:
    """The page was left open too long, or belongs to another browser."""
    problem = Problem(
        "INVALID_ARGUMENT",
        "This page is too old, or was opened in another browser.",
        "Begin again from your program.",
    )
    return trouble(problem)


def sign_in(asked: Asked, client: Client, seal: str, *, issuer: str = "", name: str = "", wrong: str = "") -> Reply:
    """Ask who it is: a name and a code, or the way to the issuer."""
    sheet = render(
        "sign_in",
        goes_on_to=asked.redirect_uri,
        leads_abroad=bool(issuer),
        client=client,
        seal=seal,
        issuer=issuer,
        name=name,
        wrong=wrong,
    )
    return Reply(403 if wrong else 200, sheet)


def factor(asked: Asked, client: Client, seal: str, *, wrong: str = "") -> Reply:
    """Ask for the second factor."""
    sheet = render("factor", goes_on_to=asked.redirect_uri, client=client, seal=seal, wrong=wrong)
    return Reply(403 if wrong else 200, sheet)


def consent(asked: Asked, client: Client, seal: str, member: Member, registry: Registry, *, wrong: str = "") -> Reply:
    """Show what the program asks for, as far as the person may give it."""
    held = possible_scopes(member.roles, asked.audience, registry)
    server = registry.servers.get(asked.audience.removeprefix("mcp:"))
    agent = registry.agents.get(asked.audience.removeprefix("agent:"))
    sheet = render(
        "consent",
        goes_on_to=asked.redirect_uri,
        client=client,
        seal=seal,
        member=member,
        where=server.title if server else agent.card.name if agent else "the house",
        lines=lines((each for each in asked.scopes if each in held), registry),
        besides=lines((each for each in asked.scopes if each in OPENID), registry),
        goes_to=_place(asked.redirect_uri),
        wrong=wrong,
    )
    return Reply(400 if wrong else 200, sheet)


def back(asked_uri: str, issuer: str, state: str, **answer: str) -> Reply:
    """Send the browser back to the program, with who answers (RFC 9207)."""
    query = answer | ({"state": state} if state else {}) | {"iss": issuer}
    joint = "&" if urlsplit(asked_uri).query else "?"
    return Reply(303, location=f"{asked_uri}{joint}{urlencode(query)}")


def _place(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme == "http":
        return "this computer"
    return parts.hostname or parts.scheme if parts.scheme == "https" else f"an app on this computer ({parts.scheme})"
