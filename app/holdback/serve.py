"""`holdback up` and `holdback serve`: services on loopback ports, until they are told to stop."""

import asyncio
import contextlib
import json
import logging
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from holdback_base.problem import Problem
from holdback_servers.media_store import MediaStore
from holdback_servers.settings import Settings
from holdback_trust.guardian import Guardian
from holdback_trust.identity import GATEWAY
from holdback_trust.tokens import TokenVerifier
from starlette.types import ASGIApp

from holdback.announcing import announcement
from holdback.foundation import Foundation, lay_foundation
from holdback.holding import held
from holdback.house import AGENTS, agent_app, open_house, room_app
from holdback.lasting import Lasting
from holdback.logs import log_to
from holdback.pack import EXAMPLES, people_of
from holdback.people import LOADER
from holdback.reaching import whole_address
from holdback.rooms import ROOMS, open_room, room_store
from holdback.serving import address, listen, served

FOLLOW_SECONDS = 1.0


def run_up(settings: Settings, at: Sequence[str]) -> None:
    """Serve the whole house until interrupted; prints its addresses once it answers.

    Without people in `holdback.toml` the example's people may ask for tokens, with keys in this home.

    Args:
        at: `NAME=URL` of each server or agent that runs in a process of its own.

    Raises:
        Problem: NOT_FOUND for a name that is none of them; INVALID_ARGUMENT for an address that is not whole.
    """
    elsewhere = dict(map(placed, at))
    _log_to_stderr()
    with held(settings.home) as answers_at:
        asyncio.run(_up(settings, elsewhere, answers_at))


def placed(said: str) -> tuple[str, str]:
    """A server or agent and its address, out of `NAME=URL`; a server answers at `/mcp/NAME` where no path is said.

    Raises:
        Problem: as `run_up`.
    """
    name, _, url = said.partition("=")
    if name not in {*ROOMS, *AGENTS}:
        raise _no_such(name)
    whole = whole_address(url, f"--at {name}=")
    return name, f"{whole}/mcp/{name}" if name in ROOMS and not urlsplit(whole).path else whole


async def _up(settings: Settings, elsewhere: Mapping[str, str], answers_at: Callable[[str], None]) -> None:
    people = people_of(settings)
    roots = settings.library_roots or (EXAMPLES.resolve(),)
    listener = listen(settings.host, settings.port)
    url = address(settings, listener)
    foundation = lay_foundation(settings.model_copy(update={"library_roots": roots}), "gateway")
    async with (
        open_house(foundation, url, (LOADER, *people), elsewhere) as house,
        served(house.gateway, listener, settings),
    ):
        answers_at(url)
        for line in announcement(house, people):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
        await _interrupted()


def run_one(name: str, settings: Settings, gateway: str | None) -> None:
    """Serve one server or agent until interrupted. It shares the home, and so the keys, with the gateway's house.

    Raises:
        Problem: NOT_FOUND for an unknown name; INVALID_ARGUMENT for an agent without a gateway's whole address.
    """
    _log_to_stderr()
    if name in ROOMS:
        asyncio.run(_serve_room(name, settings))
    elif name in AGENTS:
        if gateway is None:
            raise Problem(
                "INVALID_ARGUMENT", f"The agent {name} finds others through a gateway.", "Name it with --gateway URL."
            )
        asyncio.run(_serve_agent(name, settings, whole_address(gateway, "--gateway")))
    else:
        raise _no_such(name)


def _no_such(name: str) -> Problem:
    return Problem(
        "NOT_FOUND",
        f"There is no server or agent {name}.",
        f"Choose one of {', '.join((*ROOMS, *AGENTS))}; the gateway comes with `holdback up`.",
    )


async def _serve_room(name: str, settings: Settings) -> None:
    foundation = lay_foundation(settings, f"mcp:{name}")
    door = open_room(name, foundation)
    app = room_app(door, foundation)
    listener = listen(settings.host, settings.port)
    url = f"{address(settings, listener)}/mcp/{name}"
    with contextlib.closing(door.services.database), contextlib.closing(foundation.audit):
        async with (
            _following(foundation),
            door.serving(),
            door.mcp.session_manager.run(),
            served(own_port(app, door.audience, foundation), listener, settings),
        ):
            _announce({"server": name, "url": url})
            await _interrupted()
        foundation.audit.sign_head("close")


@contextlib.asynccontextmanager
async def _following(foundation: Foundation) -> AsyncGenerator[None]:
    """What the guardian saw being made here by an agent that is suspended elsewhere is held back meanwhile."""

    async def follow() -> None:
        while isinstance(guard := foundation.enforcement.guard, Guardian):
            try:
                guard.follow()
            except Problem as problem:
                logging.getLogger(__name__).warning("nothing could be held back: %s", problem.line())
            await asyncio.sleep(FOLLOW_SECONDS)

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()


async def _serve_agent(name: str, settings: Settings, gateway: str) -> None:
    from holdback_agents.runtime.tables import METADATA

    foundation = lay_foundation(settings, f"agent:{name}")
    store = room_store(f"agent-{name}", foundation, METADATA)
    agent = AGENTS[name]()
    app = agent_app(agent, store, foundation, gateway, media=MediaStore(settings.home / "media"))
    listener = listen(settings.host, settings.port)
    url = address(settings, listener)
    with contextlib.closing(store), contextlib.closing(foundation.audit):
        async with (
            app.router.lifespan_context(app),
            served(own_port(app, agent.audience, foundation), listener, settings),
        ):
            _announce({"agent": name, "url": url, "gateway": gateway})
            await _interrupted()
        foundation.audit.sign_head("close")


def own_port(app: ASGIApp, audience: str, foundation: Foundation) -> Lasting:
    """A server or agent as it answers where no gateway stands before it."""
    return Lasting(
        app,
        audience,
        verifier=TokenVerifier(foundation.ring, GATEWAY, audience, foundation.clock),
        standing=foundation.enforcement.standing,
        audit=foundation.audit,
    )


def _announce(facts: Mapping[str, str]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _log_to_stderr() -> None:
    log_to()
    logging.getLogger("a2a").setLevel(logging.CRITICAL)  # it traces each malformed request; the caller is told, too


async def _interrupted() -> None:
    """Return when the process is asked to stop."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, asked.set)
    await asked.wait()
