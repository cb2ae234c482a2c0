"""`holdback policy`: check, show and explain what allows and forbids. Bodies are imported when they are needed."""

from typing import Annotated

import typer

from holdback.options import Home

app = typer.Typer(help="Check, show and explain what is allowed.", no_args_is_help=True)


@app.command()
def check(home: Home = None) -> None:
    """Check the house's own policies, as a start would. Tells file, line and cure of the first mistake."""
    from holdback.policies import tell_check

    tell_check(home)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A policy, such as scope-held; all of them without one.")] = "",
    home: Home = None,
    schema: Annotated[bool, typer.Option("--schema", help="Show what policies can speak of instead.")] = False,
) -> None:
    """Show the policies that count, what every house has first."""
    from holdback.policies import tell_policies

    tell_policies(home, name, schema=schema)


@app.command()
def explain(  # noqa: PLR0917 - an option each
    who: Annotated[str, typer.Argument(help="Who asks: person:sam, or agent:compliance.")],
    what: Annotated[str, typer.Argument(help="A tool, such as rights.issue_clearance, or a skill.")],
    on_behalf: Annotated[str, typer.Option("--for", help="The person an agent acts for.")] = "",
    skill: Annotated[str, typer.Option("--skill", help="The skill that the agent's task is for.")] = "",
    story: Annotated[str, typer.Option("--story", help="The closed story of what it is done to.")] = "",
    network: Annotated[str, typer.Option("--from", help="The address it is asked from.")] = "",
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say who may do what, and which policy says so. Decides as tokens would be made now."""
    from holdback.policies import Question, tell_decision

    tell_decision(home, Question(who, what, on_behalf, skill, story, network), as_json=as_json)
