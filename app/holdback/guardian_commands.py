"""`holdback guardian ...`: each imports what it needs when it runs."""

from typing import Annotated

import typer

from holdback.options import Home

app = typer.Typer(help="See and change what the guardian took away.", no_args_is_help=True)


AgentName = Annotated[str, typer.Argument(help="An agent, such as compliance.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the record.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
IncidentName = Annotated[str, typer.Argument(help="An incident, evt_..., as list shows it.")]


@app.command("list")
def guardian_list(home: Home = None, as_json: AsJson = False) -> None:
    """Show who is suspended and what is held back. The latest incidents follow."""
    from holdback.guarding import list_all

    list_all(home, as_json=as_json)


@app.command("show")
def guardian_show(incident: IncidentName, home: Home = None, as_json: AsJson = False) -> None:
    """Show the evidence of an incident."""
    from holdback.guarding import show

    show(incident, home, as_json=as_json)


@app.command("suspend")
def guardian_suspend(agent: AgentName, why: Why = "", home: Home = None) -> None:
    """Suspend an agent. Its tokens count no more, its tasks are cancelled, what it made is held back."""
    from holdback.guarding import suspend

    suspend(agent, why, home)


@app.command("restore")
def guardian_restore(
    which: Annotated[
        str, typer.Argument(help="A suspended agent, or one incident where it is suspended more than once.")
    ],
    home: Home = None,
) -> None:
    """Take a suspended agent back. One suspension is lifted, any other stands."""
    from holdback.guarding import restore

    restore(which, home)


@app.command("kill")
def guardian_kill(why: Why = "", home: Home = None) -> None:
    """Stop all agents at once."""
    from holdback.guarding import kill

    kill(why, home)


@app.command("resume")
def guardian_resume(home: Home = None) -> None:
    """Let agents act again after kill."""
    from holdback.guarding import resume

    resume(home)


@app.command("release")
def guardian_release(
    names: Annotated[list[str], typer.Argument(help="What is held back, or the incident that it came of.")],
    home: Home = None,
    incident: Annotated[str, typer.Option(help="Which incident is meant, where several hold back what is named.")] = "",
) -> None:
    """Let what a stopped task made be used again. What another incident holds back, it still does."""
    from holdback.guarding import release

    release(names, home, incident)


@app.command("permit")
def guardian_permit(incident: IncidentName, home: Home = None) -> None:
    """Let a task go on that waits for a person. The guardian holds it until then."""
    from holdback.guarding import permit

    permit(incident, home)
