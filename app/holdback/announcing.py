"""What `holdback up` says once it answers: where everything is, who is here, and what somebody should look at."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from holdback_servers.settings import PersonSetting, Settings
from holdback_trust.grants import ROLE_SCOPES

from holdback.house import AGENTS, House
from holdback.pack import EXAMPLES
from holdback.people import LOADER
from holdback.rooms import ROOMS


def announcement(house: House, people: Sequence[PersonSetting]) -> Iterator[str]:
    """All lines, the last of them a command to begin with."""
    settings = house.foundation.settings
    agents = [f"agent:{name}" for name in (*AGENTS, *house.guests)]
    yield from addresses(house.url, settings, people, house.guests)
    yield from not_let_in(house.outside, settings.home)
    yield from no_role(people, settings.home)
    yield from nobody(settings, [each.id for each in people], agents)
    brief = EXAMPLES / "butterfly" / "brief.toml"
    yield f"Try: holdback run {brief} --gateway {house.url} --home {settings.home}"


def addresses(url: str, settings: Settings, people: Sequence[PersonSetting], guests: Sequence[str]) -> Iterator[str]:
    """Where the house, its servers and agents are, and who may sign in; `guests` are the agents from outside."""
    yield f"Holdback is up at {url}"
    yield f"  home      {settings.home}"
    yield from (f"  server    {url}/mcp/{name}" for name in ROOMS)
    yield from (f"  agent     {url}/agents/{name}" for name in AGENTS)
    yield from (f"  agent     {url}/agents/{name} (from outside)" for name in guests)
    yield f"  catalog   {url}/.well-known/ai-catalog.json"
    yield f"  health    {url}/health"
    yield from (f"  person    {each.id} ({each.name}): {', '.join(sorted(each.roles))}" for each in people)
    code = f"with a code of: holdback person code NAME --home {settings.home}"
    yield f"  sign in   at a browser {f'through {settings.oidc.issuer}' if settings.oidc else code}"


def not_let_in(agents: Mapping[str, Sequence[str]], home: Path) -> Iterator[str]:
    """The house's own agents that are not let in as they are now, with what has changed."""
    for name, changes in agents.items():
        cure = f"After a look at it: holdback agents admit {name} --home {home}"
        yield f"  NOT LET IN  {name}: {'; '.join(changes)}. {cure}"


def no_role(people: Sequence[PersonSetting], home: Path) -> Iterator[str]:
    """Roles that people have and this house has not: they allow nothing, and nobody would know why."""
    for each in people:
        for role in sorted(each.roles - ROLE_SCOPES.keys()):
            cure = f"The roles are {', '.join(sorted(ROLE_SCOPES))}; correct it in {home / 'holdback.toml'}"
            yield f"  NO ROLE     {role} of {each.id}. {cure}"


def nobody(settings: Settings, people: Sequence[str], agents: Sequence[str]) -> Iterator[str]:
    """Names in the settings that nobody has: a level is nobody's, and who was to know of a story is told there is none.

    Where an issuer says who somebody is, there may be people whom the settings do not know.
    """
    for each in sorted(settings.agents):
        if f"agent:{each}" not in agents:
            cure = f"Correct agents.{each} in {settings.home / 'holdback.toml'}"
            yield f"  NOBODY      agent:{each}, whose level the settings say, is not here. {cure}"
    known = {*people, *agents, settings.person, LOADER.id}
    for name, story in sorted(settings.stories.items()):
        given = story.agents if settings.oidc else story.agents | story.people
        for each in sorted(given - known):
            cure = f"Correct stories.{name} in {settings.home / 'holdback.toml'}"
            yield f"  NOBODY      {each}, who may know of the story {name}, is not here. {cure}"
