"""`holdback audit ...`: each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from holdback.options import Home

app = typer.Typer(help="Check and read the audit log.", no_args_is_help=True)


@app.command()
def verify(
    home: Home = None,
    out: Annotated[Path | None, typer.Option("--out", help="The output folder of a demo.")] = None,
    anchors: Annotated[
        Path | None, typer.Option("--anchors", help="Where copies of heads were kept.", show_default="settings")
    ] = None,
) -> None:
    """Check every audit log of a house. Finds a row that was edited, removed, reordered or cut off."""
    from holdback.records import verify_audit

    verify_audit(home, out, anchors)


@app.command()
def show(
    task: Annotated[str | None, typer.Argument(help="A task, by its id or the beginning of it.")] = None,
    home: Home = None,
    out: Annotated[Path | None, typer.Option("--out", help="The output folder of a demo.")] = None,
    whole: Annotated[bool, typer.Option("--all", help="Every row, one a line, instead of the story.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON; with --all one object a row.")] = False,
) -> None:
    """Read the audit log as a story. Who did what, for whom, through whom, by which rule, and what was refused."""
    from holdback.records import show_audit

    show_audit(task, home, out, whole=whole, as_json=as_json)
