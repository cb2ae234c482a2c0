"""What is told of whatever stops an agent or holds a thing back, and which of several a person means. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from holdback_base.problem import Problem

from holdback_trust.standing.state import Entry, Kind, State

_STOPPED: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        "suspend": ("{} is suspended", "A person with the role security restores it: holdback guardian restore."),
        "dismiss": ("{} is dismissed", "Whoever answers for the house lets it in again: holdback agents admit."),
        "kill": (
            "All agents of this house are stopped",
            "A person with the role security ends that: holdback guardian resume.",
        ),
    }
)
"""What somebody is told whom such an entry stops, and the cure."""


def told(entry: Entry) -> Problem:
    """What somebody is told whom this suspension, dismissal or kill stops: AGENT_SUSPENDED with the cure."""
    what, cure = _STOPPED[entry.kind]
    said = f": {entry.why.rstrip('.')}" if entry.why else ""
    return Problem("AGENT_SUSPENDED", f"{what.format(entry.name)} since {entry.at:%Y-%m-%d %H:%M} UTC{said}.", cure)


def suspension_meant(agent: str, state: State, which: str) -> Entry:
    """The suspension that a person means. Raises Problem CONFLICT."""
    every = state.suspended.get(agent, ())
    able = [each for each in every if each.kind == "suspend"]
    meant = [each for each in able if which in ("", each.mark)]
    if len(meant) == 1:
        return meant[0]
    if able:
        listed = "; ".join(f"by {each.by} ({each.mark}{': ' if each.why else ''}{each.why})" for each in able)
        wrong = f", and none of it is {which}" if which else ""
        hint = "Name the one that you mean: holdback guardian restore evt_..., or with incident at the gateway."
        raise Problem("CONFLICT", f"{agent} is suspended {listed}{wrong}.", hint)
    reason = every[0] if every else state.killed
    if reason is None:
        raise Problem("CONFLICT", f"{agent} is not suspended.", "See holdback guardian list.")
    why = told(reason)
    raise Problem("CONFLICT", why.message, why.hint)


def quarantine_meant(name: str, state: State, which: str) -> Entry:
    """The quarantine of a thing that a person means. Raises Problem NOT_FOUND, CONFLICT."""
    every = state.quarantined.get(name, ())
    meant = [each for each in every if which in ("", each.mark)]
    if not meant:
        of = f" by {which}" if which else ""
        raise Problem("NOT_FOUND", f"{name} is not held back{of}.", "See holdback guardian list.")
    if len(meant) > 1:
        listed = " and ".join(f"{each.mark}{': ' if each.why else ''}{each.why}" for each in every)
        hint = "Name the incident that you have looked at: holdback guardian release --incident evt_..."
        raise Problem("CONFLICT", f"{name} is held back by {listed}.", hint)
    return meant[0]
