"""`holdback approvals`: what waits for a decision, and what was decided. Bodies are imported when they are needed."""

from typing import Annotated

import typer

from holdback.options import Home

app = typer.Typer(help="See what agents ask, decide about it, take it back.", no_args_is_help=True)

Gateway = Annotated[
    str | None, typer.Option("--gateway", help="URL of the gateway.", show_default="where the house of the home is up")
]
Who = Annotated[
    str | None, typer.Option("--as", help="Who decides, such as person:alex.", show_default="the only one who may")
]
Name = Annotated[str, typer.Argument(help="An approval, apr_..., as list shows it.")]
Digits = Annotated[str, typer.Option("--otp", help="The six digits of your authenticator, for what is valuable.")]


@app.command("list")
def list_(
    home: Home = None,
    gateway: Gateway = None,
    who: Who = None,
    state: Annotated[str | None, typer.Option("--state", help="open, lapsed, approved, rejected or revoked.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the questions that agents have asked, the newest first."""
    from holdback.deciding import At, tell_list

    tell_list(At(home, gateway, who), state, as_json=as_json)


@app.command()
def show(
    name: Name,
    home: Home = None,
    gateway: Gateway = None,
    who: Who = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show one question as a whole. Tells the cut, its clearance, the slots, and what is not included."""
    from holdback.deciding import At, tell_one

    tell_one(At(home, gateway, who), name, as_json=as_json)


@app.command()
def approve(  # noqa: PLR0917 - an option each
    name: Name,
    home: Home = None,
    gateway: Gateway = None,
    who: Who = None,
    comment: Annotated[str, typer.Option("--comment", help="Words for who asked.")] = "",
    otp: Digits = "",
) -> None:
    """Approve exactly what is shown. That is these bytes, under this clearance, in these slots."""
    from holdback.deciding import At, decide_one

    decide_one(At(home, gateway, who), name, "approved", comment, otp)


@app.command()
def reject(
    name: Name,
    home: Home = None,
    gateway: Gateway = None,
    who: Who = None,
    comment: Annotated[str, typer.Option("--comment", help="What should change.")] = "",
) -> None:
    """Say no; the agent gives back the slots that it holds."""
    from holdback.deciding import At, decide_one

    decide_one(At(home, gateway, who), name, "rejected", comment, "")


@app.command()
def revoke(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    home: Home = None,
    gateway: Gateway = None,
    who: Who = None,
) -> None:
    """Take an approval back. What waits does not go up, and what is on show comes down within a minute."""
    from holdback.deciding import At, revoke_one

    revoke_one(At(home, gateway, who), name, reason)
