"""`holdback audit`: checks and reads the audit log of a home or of an output folder."""

import os
import sys
from pathlib import Path

from holdback_base.problem import Problem
from holdback_servers.settings import default_home
from holdback_trust.audit_check import rows
from holdback_trust.audit_check import verify as verify_chains
from holdback_trust.keys import KeyPair, KeyRing

_ROUTINE = frozenset({"token.issue", "gateway.pass", "registry.read"})


def verify_audit(home: Path | None, out: Path | None) -> None:
    """Check every chain; exits with 1 when a row was edited, removed, reordered or cut off.

    An output folder holds the log twice, as the house wrote it and as a copy to hand on: both are checked.
    """
    reports = {folder: verify_chains(folder, _home_keys(folder.parent)) for folder in _logs(home, out)}
    for folder, report in reports.items():
        heading = f"{folder}\n" if len(reports) > 1 else ""
        sys.stdout.write(f"{heading}{report.text()}\n")
    if not all(report.ok for report in reports.values()):
        sys.exit(1)


def _home_keys(place: Path) -> KeyRing | None:
    """The home's own keys, where this is a home: they are believed rather than those that lie beside a log."""
    kept = sorted((place / "keys").glob("*.pem"))
    if not kept:
        return None
    return KeyRing({path.stem: [KeyPair.load_or_create(path).public_jwk] for path in kept})


def show_audit(task: str | None, home: Path | None, out: Path | None, *, whole: bool) -> None:
    """Write the rows in order of time: when, who, for whom, what, and what was decided.

    Tokens that were issued and requests that were passed on are left out unless the whole log is wanted.
    """
    for _, row in rows(_logs(home, out)[0]):
        if (task is None or row.task == task) and (whole or row.action not in _ROUTINE):
            whom = f" for {row.on_behalf_of}" if row.on_behalf_of and row.on_behalf_of != row.actor else ""
            what = f"{row.action} {row.resource}".rstrip()
            sys.stdout.write(f"{row.at:%Y-%m-%d %H:%M:%S}  {row.actor}{whom}: {what}: {row.decision} ({row.policy})\n")


def _logs(home: Path | None, out: Path | None) -> list[Path]:
    """The folders with chains, the one to hand on first. Raises Problem FILE_MISSING where there is no log."""
    places = [out, out / "home"] if out is not None else [home or default_home(os.environ)]
    folders = [place.expanduser().absolute() / "audit" for place in places]
    found = [folder for folder in folders if any(folder.glob("*.jsonl"))]
    if not found:
        raise Problem(
            "FILE_MISSING",
            f"There is no audit log in {folders[0]}.",
            "Name a home with --home, or an output with --out.",
        )
    return found
