"""`holdback agents ...`: each imports what it needs when it runs."""

from typing import Annotated

import typer

from holdback.options import Home

app = typer.Typer(help="Let agents in, and send them away.", no_args_is_help=True)


@app.command("list")
def agents_list(
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell who is let in, and who has changed since. Those get no tokens until somebody has looked."""
    from holdback.letting_in import list_agents

    list_agents(home, as_json=as_json)


@app.command("show")
def agents_show(
    name: Annotated[str, typer.Argument(help="An agent that is let in.")],
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell as what an agent was let in, by whom, and what it may do."""
    from holdback.letting_in import show_agent

    show_agent(name, home, as_json=as_json)


@app.command("admit")
def agents_admit(  # noqa: PLR0917 - an option each
    what: Annotated[str, typer.Argument(help="One that is known here, by its name; a new one by the URL of its card.")],
    home: Home = None,
    name: Annotated[str | None, typer.Option("--as", help="What an agent from outside is called here.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Its public JWK, a file of it, or its thumbprint.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for it.")] = None,
    level: Annotated[int | None, typer.Option("--level", help="100, 200 or 300.", show_default="100")] = None,
    roles: Annotated[list[str] | None, typer.Option("--role", help="Whose people may start it; repeat.")] = None,
    may: Annotated[
        list[str] | None, typer.Option("--may", help="Scopes it may be given: mcp:assets=assets:read; repeat.")
    ] = None,
    plans: Annotated[
        list[str] | None, typer.Option("--plan", help="Tools a skill needs: SKILL=assets.get_asset,...; repeat.")
    ] = None,
) -> None:
    """Let an agent in as it is now. Again after a change, or one from outside whose card its own key has signed."""
    from holdback.letting_in import Said, admit_agent

    admit_agent(Said(what, name, key, owner, level, roles or (), may or (), plans or ()), home)


@app.command("dismiss")
def agents_dismiss(name: Annotated[str, typer.Argument(help="An agent that is let in.")], home: Home = None) -> None:
    """Let an agent in no more; what it holds counts no more at once."""
    from holdback.letting_in import dismiss_agent

    dismiss_agent(name, home)
