"""`holdback rights ...`: each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from holdback.options import Home

app = typer.Typer(help="Take rights in from files and write them out again.", no_args_is_help=True)


@app.command("template")
def rights_template(
    file: Annotated[Path, typer.Argument(help="The file to write, ending in .xlsx or .csv.")],
) -> None:
    """Write an empty rights sheet to fill, with two example lines."""
    from holdback.exchange import write_template

    write_template(file)


@app.command("import")
def rights_import(
    file: Annotated[Path, typer.Argument(help="A rights sheet (XLSX, CSV), Avails (XLSX, XML) or ODRL policies.")],
    home: Home = None,
    apply: Annotated[bool, typer.Option("--apply", help="Record it; without this only the changes are told.")] = False,
    format_: Annotated[str | None, typer.Option("--format", help="Its format, where it cannot be found out.")] = None,
    time_zone: Annotated[str, typer.Option("--time-zone", help="IANA zone of days that name none.")] = "UTC",
) -> None:
    """Tell what a file of rights would change. Every mistake has its cure; with --apply it is recorded."""
    from holdback.exchange import import_file

    import_file(file, home, format_, time_zone, apply=apply)


@app.command("export")
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
    """Write rights on record to a file. Tells what its format cannot say."""
    from holdback.exchange import Wanted, export_file

    export_file(file, home, format_, Wanted(ref, contract, territory, licensor))
