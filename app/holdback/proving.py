"""`holdback person`: sign-in codes and second factors, made by whoever may read the home."""

import contextlib
import importlib
import io
import sys
from datetime import datetime
from pathlib import Path

from holdback_agents.gateway.authority.credentials import Credentials, factor_address, new_secret, shows
from holdback_base.ids import Clock, system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import PersonSetting, Settings, load_settings

from holdback.foundation import check_house, lay_foundation
from holdback.pack import people_of
from holdback.people import home_credentials


def tell_people(home: Path | None) -> None:
    """Print who may sign in, with what, and who has a second factor. Raises Problem FILE_MISSING."""
    settings, credentials = _opened(home)
    for each in people_of(settings):
        factor = "second factor" if credentials.has_factor(each.id) else "no second factor"
        sys.stdout.write(f"{each.id}  {each.name}  {', '.join(sorted(each.roles))}  {factor}\n")
    if settings.oidc is not None:
        sys.stdout.write(f"At a browser {settings.oidc.issuer} says who somebody is.\n")


def print_code(person: str, home: Path | None, clock: Clock = system_clock) -> None:
    """Print a code for one sign-in. Raises Problem NOT_FOUND, INVALID_ARGUMENT."""
    settings, credentials = _opened(home, clock)
    who = _person(person, settings)
    if settings.oidc is not None:
        raise Problem(
            "INVALID_ARGUMENT",
            f"In this house {settings.oidc.issuer} signs people in.",
            "Sign in there; codes are for houses without [oidc] in holdback.toml.",
        )
    _record(settings, clock, "person.code", who)
    code, expires = credentials.new_code(who.id)
    sys.stdout.write(f"{code}\n")
    sys.stderr.write(
        f"For {who.id} ({who.name}) in the house of {settings.home}: works once, until {_at(expires)}. "
        "An earlier code no longer works.\n"
    )


def set_up_factor(person: str, home: Path | None, *, remove: bool, clock: Clock = system_clock) -> None:
    """Show a new second factor and put it in force once its digits are typed, or take the present one away.

    Raises Problem NOT_FOUND, INVALID_ARGUMENT.
    """
    settings, credentials = _opened(home, clock)
    who = _person(person, settings)
    if remove:
        _record(settings, clock, "person.factor-removed", who)
        told = "has no second factor any more" if credentials.remove_factor(who.id) else "had no second factor"
        sys.stdout.write(f"{who.id} {told}.\n")
        return
    secret = new_secret()
    address = factor_address(secret, who.id, f"Holdback {settings.home.name}")
    sys.stdout.write(_picture(address) + f"{address}\n\nWithout a camera, type this key: {_grouped(secret)}\n")
    sys.stdout.write(f"Then type the six digits that it shows for {who.id}: ")
    sys.stdout.flush()
    if not shows(secret, sys.stdin.readline().strip(), clock()):
        raise Problem(
            "INVALID_ARGUMENT",
            "These are not the digits of that key, so nothing was changed.",
            "Run it again; check that the clocks of both machines are right.",
        )
    _record(settings, clock, "person.factor", who)
    credentials.set_factor(who.id, secret)
    sys.stdout.write(f"\nFrom now on {who.id} proves it with these digits.\n")


def sign_out(person: str, home: Path | None, clock: Clock = system_clock) -> None:
    """End what browsers and programs were allowed in the person's name. Raises Problem NOT_FOUND."""
    settings, credentials = _opened(home, clock)
    who = _person(person, settings)
    _record(settings, clock, "person.sign-out", who)
    credentials.sign_out(who.id)
    sys.stdout.write(f"{who.id} is signed out everywhere; tokens that are out end within five minutes.\n")


def _record(settings: Settings, clock: Clock, action: str, who: PersonSetting) -> None:
    """A row in the audit log before it is done: whoever may read this home did it."""
    foundation = lay_foundation(settings, "people", clock)
    with contextlib.closing(foundation.audit) as audit:
        audit.append(actor=settings.person, action=action, resource=who.id, decision="recorded", policy="home")
        audit.sign_head("close")


def _opened(home: Path | None, clock: Clock = system_clock) -> tuple[Settings, Credentials]:
    """Of a house that is, or that is to be: a code of another home would let nobody in, and nobody would know why."""
    settings = load_settings(home=home)
    if not (settings.home / "holdback.toml").is_file():
        check_house(settings.home)
    return settings, home_credentials(settings.home, clock)


def _person(named: str, settings: Settings) -> PersonSetting:
    people = people_of(settings)
    wanted = named if named.startswith("person:") else f"person:{named}"
    found = next((each for each in people if each.id == wanted), None)
    if found is None:
        known = ", ".join(each.id for each in people)
        raise Problem("NOT_FOUND", f"Nobody here is called {wanted}.", f"Choose one of {known}.")
    return found


def _picture(address: str) -> str:
    """The address as a picture of characters for a camera, where the library for it is installed."""
    try:
        segno = importlib.import_module("segno")
    except ImportError:
        return ""
    drawn = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(out=drawn, compact=True, border=2)
    return drawn.getvalue() + "\n"


def _grouped(secret: str) -> str:
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def _at(moment: datetime) -> str:
    """By the clock of this machine, with its zone: a code may be read out to somebody elsewhere."""
    return moment.astimezone().strftime("%H:%M:%S %Z")
