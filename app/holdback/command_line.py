"""The `holdback` command. Each subcommand imports what it needs when it runs, so that all of them start fast."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from holdback.approval_commands import app as approvals_app
from holdback.policy_commands import app as policy_app
from holdback.starting import undisturbed_start

app = typer.Typer(
    name="holdback",
    help="Media work by agents that hold back until rights, schedule and a human say go.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
audit_app = typer.Typer(help="Check and read the audit log.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")
app.add_typer(approvals_app, name="approvals")
app.add_typer(policy_app, name="policy")
rights_app = typer.Typer(help="Take rights in from files and write them out again.", no_args_is_help=True)
app.add_typer(rights_app, name="rights")
person_app = typer.Typer(help="Codes and second factors with which people sign in.", no_args_is_help=True)
app.add_typer(person_app, name="person")

agents_app = typer.Typer(help="Let agents in, and send them away.", no_args_is_help=True)
app.add_typer(agents_app, name="agents")
guardian_app = typer.Typer(help="See and change what the guardian took away.", no_args_is_help=True)
app.add_typer(guardian_app, name="guardian")

Home = Annotated[Path | None, typer.Option("--home", help="Where Holdback keeps its state.", show_default="platform")]
Port = Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.")]


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for what comes out; made fresh.")] = Path("holdback-demo"),
    yes: Annotated[bool, typer.Option("--yes", help="Answer the approval as the example's second person.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole outcome as one JSON object.")] = False,
) -> None:
    """Watch three agents take a brief to a cleared, approved, scheduled and rendered highlight."""
    _somebody_there(yes)
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
    """Take your own film and its rights sheet from a brief to a cleared and scheduled highlight, or to why not."""
    _somebody_there(yes)
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
    """Start the whole house, servers, agents and gateway, on one loopback port."""
    with undisturbed_start():
        from holdback_servers.settings import load_settings

        from holdback.serve import run_up

    elsewhere = [each.partition("=") for each in at or ()]
    run_up(load_settings(home=home, port=port), {name: url for name, _, url in elsewhere})


@app.command()
def serve(
    name: Annotated[str, typer.Argument(help="A server or an agent.")],
    home: Home = None,
    port: Port = None,
    gateway: Annotated[str | None, typer.Option("--gateway", help="URL of the gateway; agents need it.")] = None,
) -> None:
    """Run one server or one agent in a process of its own; `holdback up --at NAME=URL` puts it behind the gateway."""
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
    """Plan many items at once over all channels, say what did not fit and what would make it fit, and draw it."""
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
    """Write a page to look at: what stands in the schedule of this home, channel by channel and day by day."""
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
    from holdback_servers.settings import load_settings

    from holdback.stdio import run_stdio

    run_stdio(name, load_settings(home=home, allow_write=allow_write, library_roots=library))


@app.command()
def run(  # noqa: PLR0917 - an option each
    brief: Annotated[Path, typer.Argument(help="A brief as TOML, such as examples/butterfly/brief.toml.")],
    home: Home = None,
    gateway: Annotated[str | None, typer.Option("--gateway", help="URL of the gateway.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for what comes out; made fresh.")] = Path("holdback-run"),
    yes: Annotated[bool, typer.Option("--yes", help="Answer the approval as the brief's approver.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole outcome as one JSON object.")] = False,
) -> None:
    """Send a brief to a house that is up, and follow it to its end."""
    _somebody_there(yes)
    from holdback_servers.settings import load_settings

    from holdback.demo import run_brief

    settings = load_settings(home=home)
    url = gateway or f"http://{settings.host}:{settings.port}"
    run_brief(brief, settings, url, out=out, yes=yes, as_json=as_json)


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
    """Take all media files of a folder into the library, with what a sheet beside them says of each."""
    from holdback.taking_in import Folder, run_ingest

    run_ingest(Folder(folder, sheet, kind, preview), home)


@audit_app.command()
def verify(
    home: Home = None,
    out: Annotated[Path | None, typer.Option("--out", help="The output folder of a demo.")] = None,
    anchors: Annotated[
        Path | None, typer.Option("--anchors", help="Where copies of heads were kept.", show_default="settings")
    ] = None,
) -> None:
    """Check every audit log of a house: find a row that was edited, removed, reordered or cut off."""
    from holdback.records import verify_audit

    verify_audit(home, out, anchors)


@audit_app.command()
def show(
    task: Annotated[str | None, typer.Argument(help="A task, by its id or the beginning of it.")] = None,
    home: Home = None,
    out: Annotated[Path | None, typer.Option("--out", help="The output folder of a demo.")] = None,
    whole: Annotated[bool, typer.Option("--all", help="Every row, one a line, instead of the story.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON; with --all one object a row.")] = False,
) -> None:
    """Read the audit log as a story: who did what, for whom, through whom, by which rule, and what was refused."""
    from holdback.records import show_audit

    show_audit(task, home, out, whole=whole, as_json=as_json)


@rights_app.command("template")
def rights_template(
    file: Annotated[Path, typer.Argument(help="The file to write, ending in .xlsx or .csv.")],
) -> None:
    """Write an empty rights sheet to fill, with two example lines."""
    from holdback.exchange import write_template

    write_template(file)


@rights_app.command("import")
def rights_import(
    file: Annotated[Path, typer.Argument(help="A rights sheet (XLSX, CSV), Avails (XLSX, XML) or ODRL policies.")],
    home: Home = None,
    apply: Annotated[bool, typer.Option("--apply", help="Record it; without this only the changes are told.")] = False,
    format_: Annotated[str | None, typer.Option("--format", help="Its format, where it cannot be found out.")] = None,
    time_zone: Annotated[str, typer.Option("--time-zone", help="IANA zone of days that name none.")] = "UTC",
) -> None:
    """Tell what a file of rights would change, with every mistake and its cure; with --apply, record it."""
    from holdback.exchange import import_file

    import_file(file, home, format_, time_zone, apply=apply)


@rights_app.command("export")
def rights_export(  # noqa: PLR0917 - an option each
    file: Annotated[
        Path, typer.Argument(help="The file to write; its ending says the format where --format does not.")
    ],
    home: Home = None,
    format_: Annotated[str | None, typer.Option("--format", help="sheet_xlsx, avails_xml, odrl_turtle ...")] = None,
    ref: Annotated[str | None, typer.Option("--ref", help="Only of this, such as film:big-buck-bunny.")] = None,
    contract: Annotated[str | None, typer.Option("--contract", help="Only of this contract, by its ctr_ id.")] = None,
    territory: Annotated[str | None, typer.Option("--territory", help="Only what speaks for this territory.")] = None,
    licensor: Annotated[str, typer.Option("--licensor", help="For Avails: who licenses what goes out.")] = "",
) -> None:
    """Write rights on record to a file, and tell what its format cannot say."""
    from holdback.exchange import Wanted, export_file

    export_file(file, home, format_, Wanted(ref, contract, territory, licensor))


PersonName = Annotated[str, typer.Argument(help="Who, such as person:sam.")]


@person_app.command("list")
def person_list(home: Home = None) -> None:
    """Tell who may sign in, and who proves a second factor."""
    from holdback.proving import tell_people

    tell_people(home)


@person_app.command("code")
def person_code(person: PersonName, home: Home = None) -> None:
    """Print a code with which this person signs in at a browser: once, within five minutes."""
    from holdback.proving import print_code

    print_code(person, home)


@person_app.command("factor")
def person_factor(
    person: PersonName,
    home: Home = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the present one away.")] = False,
) -> None:
    """Give this person a second factor: a key for an authenticator, in force once its digits are typed."""
    from holdback.proving import set_up_factor

    set_up_factor(person, home, remove=remove)


@person_app.command("sign-out")
def person_sign_out(person: PersonName, home: Home = None) -> None:
    """End what browsers and programs were allowed in this person's name."""
    from holdback.proving import sign_out

    sign_out(person, home)


AgentName = Annotated[str, typer.Argument(help="An agent, such as compliance.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the record.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
IncidentName = Annotated[str, typer.Argument(help="An incident, evt_..., as list shows it.")]


@guardian_app.command("list")
def guardian_list(home: Home = None, as_json: AsJson = False) -> None:
    """Show who is suspended, what is held back, and the latest incidents."""
    from holdback.guarding import list_all

    list_all(home, as_json=as_json)


@guardian_app.command("show")
def guardian_show(incident: IncidentName, home: Home = None, as_json: AsJson = False) -> None:
    """Show the evidence of an incident."""
    from holdback.guarding import show

    show(incident, home, as_json=as_json)


@guardian_app.command("suspend")
def guardian_suspend(agent: AgentName, why: Why = "", home: Home = None) -> None:
    """Suspend an agent: its tokens count no more, its tasks are cancelled, what it made is held back."""
    from holdback.guarding import suspend

    suspend(agent, why, home)


@guardian_app.command("restore")
def guardian_restore(agent: AgentName, home: Home = None) -> None:
    """Take a suspended agent back."""
    from holdback.guarding import restore

    restore(agent, home)


@guardian_app.command("kill")
def guardian_kill(why: Why = "", home: Home = None) -> None:
    """Stop all agents at once."""
    from holdback.guarding import kill

    kill(why, home)


@guardian_app.command("resume")
def guardian_resume(home: Home = None) -> None:
    """Let agents act again after kill."""
    from holdback.guarding import resume

    resume(home)


@guardian_app.command("release")
def guardian_release(
    names: Annotated[list[str], typer.Argument(help="What is held back, or the incident that it came of.")],
    home: Home = None,
) -> None:
    """Let what a stopped task made be used again."""
    from holdback.guarding import release

    release(names, home)


@guardian_app.command("permit")
def guardian_permit(incident: IncidentName, home: Home = None) -> None:
    """Let a task go on that the guardian holds until a person permits it."""
    from holdback.guarding import permit

    permit(incident, home)


@agents_app.command("list")
def agents_list(
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell who is let in, and which of the house's own agents are not as they are now."""
    from holdback.agent_commands import list_agents

    list_agents(home, as_json=as_json)


@agents_app.command("show")
def agents_show(
    name: Annotated[str, typer.Argument(help="An agent that is let in.")],
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell as what an agent was let in, by whom, and what it may do."""
    from holdback.agent_commands import show_agent

    show_agent(name, home, as_json=as_json)


@agents_app.command("admit")
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
    """Let an agent in as it is now: again after a change, or one from outside whose card its own key has signed."""
    from holdback.agent_commands import Said, admit_agent

    admit_agent(Said(what, name, key, owner, level, roles or (), may or (), plans or ()), home)


@agents_app.command("dismiss")
def agents_dismiss(name: Annotated[str, typer.Argument(help="An agent that is let in.")], home: Home = None) -> None:
    """Let an agent in no more; what it holds counts no more at once."""
    from holdback.agent_commands import dismiss_agent

    dismiss_agent(name, home)


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
