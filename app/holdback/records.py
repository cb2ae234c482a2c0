"""`holdback audit`: checks and reads the audit log of a home or of an output folder."""

import os
import sys
from pathlib import Path

from holdback_base.problem import Problem
from holdback_servers.settings import default_home
from holdback_trust.audit_check import rows
from holdback_trust.audit_check import verify as verify_chains


def verify_audit(home: Path | None, out: Path | None) -> None:
    """Check every chain; exits with 1 when a row was edited, removed, reordered or cut off."""
    report = verify_chains(_audit(home, out))
    sys.stdout.write(report.text() + "\n")
    if not report.ok:
        sys.exit(1)


def show_audit(task: str | None, home: Path | None, out: Path | None) -> None:
    """Write the rows in order of time: when, who, for whom, what, and what was decided."""
    for _, row in rows(_audit(home, out)):
        if task is None or row.task == task:
            whom = f" for {row.on_behalf_of}" if row.on_behalf_of and row.on_behalf_of != row.actor else ""
            what = f"{row.action} {row.resource}".rstrip()
            sys.stdout.write(f"{row.at:%Y-%m-%d %H:%M:%S}  {row.actor}{whom}: {what}: {row.decision} ({row.policy})\n")


def _audit(home: Path | None, out: Path | None) -> Path:
    """The folder with the chains. Raises Problem FILE_MISSING where there is no log."""
    place = out / "home" if out is not None and (out / "home").is_dir() else out or home or default_home(os.environ)
    folder = place.expanduser().absolute() / "audit"
    if not any(folder.glob("*.jsonl")):
        raise Problem(
            "FILE_MISSING", f"There is no audit log in {folder}.", "Name a home with --home, or an output with --out."
        )
    return folder
