"""The `holdback` command. Each subcommand imports what it needs when it runs, so that all of them start fast."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from holdback.agent_commands import app as agents_app
from holdback.approval_commands import app as approvals_app
from holdback.audit_commands import app as audit_app
from holdback.guardian_commands import app as guardian_app
from holdback.options import Home
from holdback.person_commands import app as person_app
from holdback.policy_commands import app as policy_app
from holdback.rights_commands import app as rights_app
from holdback.starting import undisturbed_start

app = typer.Typer(
    name="holdback",
    help="Media work by agents that hold back until rights, schedule and a human say go.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # the help needs no pictures, which take three times as long to load as to write
)
app.add_typer(audit_app, name="audit")
app.add_typer(approvals_app, name="approvals")
app.add_typer(policy_app, name="policy")
app.add_typer(rights_app, name="rights")
app.add_typer(person_app, name="person")

app.add_typer(agents_app, name="agents")
app.add_typer(guardian_app, name="guardian")

Port = Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.")]


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for what comes out; made fresh.")] = Path("holdback-demo"),
    yes: Annotated[bool, typer.Option("--yes", help="Answer the approval as the example's second person.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole outcome as one JSON object.")] = False,
) -> None:
    """Watch agents take a brief to a highlight that may be shown. It is cleared, approved, scheduled and rendered."""
    _somebody_there(yes)
    with undisturbed_start():
        from holdback.demo import run_demo

    run_demo(out, yes=yes, as_json=as_json)


@app.command("try")
def try_own(  # noqa: PLR0917 - an option each
    film: Annotated[Path, typer.Argument(help="A film of your own.")],
    rights: Annotated[Path, typer.Option("--rights", help="Its rights sheet, XLSX or CSV.")],
    brief: Annotated[str, typer.Option("--brief", help="What you want, in words.")],
    channels: Annotated[
        Path | None, typer.Option("--channels", help="Your channels as TOML.", show_default="YouTube, Instagram")
    ] = None,
    ref: Annotated[
        str | None, typer.Option("--ref", help="The film's reference, where the sheet does not say.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for what comes out; made fresh.")] = Path("holdback-try"),
    yes: Annotated[bool, typer.Option("--yes", help="Answer the approval as the second person.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole outcome as one JSON object.")] = False,
) -> None:
    """Do the same with a film of your own and its rights sheet. Comes to a scheduled highlight, or to why not."""
    _somebody_there(yes)
    with undisturbed_start():
        from holdback.trying import run_try

    run_try(film, rights, brief, channels, out, ref, yes=yes, as_json=as_json)


def _somebody_there(yes: bool) -> None:
    """Before anything is loaded: who approves? Raises Problem INVALID_ARGUMENT when nobody can."""
    from holdback_base.problem import Problem

    if not yes and not sys.stdin.isatty():
        raise Problem(
            "INVALID_ARGUMENT",
            "A person has to approve before anything is published, and there is no terminal to ask on.",
            "Run it on a terminal, or with --yes to answer as the brief's second person.",
        )


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"holdback {version('holdback')}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Media work by agents that hold back until rights, schedule and a human say go."""


@app.command()
def up(
    home: Home = None,
    port: Port = None,
    at: Annotated[
        list[str] | None, typer.Option("--at", help="NAME=URL of a server or agent in a process of its own.")
    ] = None,
) -> None:
    """Start the whole house: servers, agents and gateway. They answer on one loopback port."""
    with undisturbed_start():
        from holdback_servers.settings import load_settings

        from holdback.serve import run_up

    run_up(load_settings(home=home, port=port), at or ())


@app.command()
def serve(
    name: Annotated[str, typer.Argument(help="A server or an agent.")],
    home: Home = None,
    port: Port = None,
    gateway: Annotated[str | None, typer.Option("--gateway", help="URL of the gateway; agents need it.")] = None,
) -> None:
    """Run one server or one agent in a process of its own. `holdback up --at NAME=URL` puts it behind the gateway."""
    with undisturbed_start():
        from holdback_servers.settings import load_settings

        from holdback.serve import run_one

    run_one(name, load_settings(home=home, port=port), gateway)


@app.command()
def plan(
    folder: Annotated[Path, typer.Argument(help="With channels.toml and items.toml, such as examples/week.")],
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("week.html"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole plan as one JSON object.")] = False,
) -> None:
    """Plan many items at once over all channels, and draw it. Says what did not fit, and what would make it fit."""
    from holdback.plan_week import run_plan

    run_plan(folder, out, as_json=as_json)


@app.command()
def week(
    home: Home = None,
    start: Annotated[str | None, typer.Option("--start", help="A day such as 2026-11-23; today when left out.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=31, help="How many broadcast days.")] = 7,
    channel: Annotated[list[str] | None, typer.Option("--channel", help="Only this channel; may be repeated.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("week.html"),
) -> None:
    """Draw what stands in the schedule of a home. Writes a page to look at, channel by channel and day by day."""
    from holdback_servers.settings import load_settings

    from holdback.week_page import run_week

    run_week(load_settings(home=home), start, days, channel or [], out)


@app.command()
def mcp(
    name: Annotated[str, typer.Argument(help="assets, editing, rights or schedule.")],
    home: Home = None,
    allow_write: Annotated[bool | None, typer.Option("--allow-write", help="Let this client change things.")] = None,
    library: Annotated[list[Path] | None, typer.Option("--library", help="A folder that ingest may read.")] = None,
) -> None:
    """Run one MCP server on stdio: what a desktop client starts."""
    with undisturbed_start():
        from holdback_servers.settings import load_settings

        from holdback.reaching import library_folders
        from holdback.stdio import run_stdio

    folders = library_folders(library, "--library")
    run_stdio(name, load_settings(home=home, allow_write=allow_write, library_roots=folders))


@app.command()
def run(  # noqa: PLR0917 - an option each
    brief: Annotated[Path, typer.Argument(help="A brief as TOML, such as examples/butterfly/brief.toml.")],
    home: Home = None,
    gateway: Annotated[
        str | None,
        typer.Option("--gateway", help="URL of the gateway.", show_default="where the house of the home is up"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for what comes out; made fresh.")] = Path("holdback-run"),
    yes: Annotated[bool, typer.Option("--yes", help="Answer the approval as the brief's approver.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole outcome as one JSON object.")] = False,
) -> None:
    """Send a brief to a house that is up, and follow it to its end."""
    _somebody_there(yes)
    from holdback_servers.settings import load_settings

    from holdback.demo import run_brief
    from holdback.reaching import house_url

    settings = load_settings(home=home)
    run_brief(brief, settings, house_url(settings, gateway), out=out, yes=yes, as_json=as_json)


@app.command()
def ingest(
    folder: Annotated[Path, typer.Argument(help="A folder of media files.")],
    home: Home = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", help="XLSX or CSV that tells of the files.", show_default="assets.xlsx or .csv in it"),
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help="Of files that the sheet tells no kind of.")] = "master",
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what would be done and what is wrong.")] = False,
) -> None:
    """Take a folder of media files into the library. A sheet beside them says what each is."""
    from holdback.taking_in import Folder, run_ingest

    run_ingest(Folder(folder, sheet, kind, preview), home)


def main() -> None:
    """Run the command; a problem is told in words and ends with exit code 1, a wrong call with 2."""
    from holdback_base.problem import Problem

    try:
        app()
    except Problem as problem:
        sys.stderr.write(f"{problem.message}\n" + (f"{problem.hint}\n" if problem.hint else ""))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
