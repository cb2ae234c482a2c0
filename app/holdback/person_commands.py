"""`holdback person ...`: each imports what it needs when it runs."""

from typing import Annotated

import typer

from holdback.options import Home

app = typer.Typer(help="Codes and second factors with which people sign in.", no_args_is_help=True)


PersonName = Annotated[str, typer.Argument(help="Who, such as person:sam.")]


@app.command("list")
def person_list(home: Home = None) -> None:
    """Tell who may sign in, and who proves a second factor."""
    from holdback.proving import tell_people

    tell_people(home)


@app.command("code")
def person_code(person: PersonName, home: Home = None) -> None:
    """Print a code to sign in with at a browser. It works once, within five minutes."""
    from holdback.proving import print_code

    print_code(person, home)


@app.command("factor")
def person_factor(
    person: PersonName,
    home: Home = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the present one away.")] = False,
) -> None:
    """Give somebody a second factor, or take it away. It is in force once an authenticator's digits are typed."""
    from holdback.proving import set_up_factor

    set_up_factor(person, home, remove=remove)


@app.command("sign-out")
def person_sign_out(person: PersonName, home: Home = None) -> None:
    """End what was allowed in somebody's name. Browsers and programs have to ask again."""
    from holdback.proving import sign_out

    sign_out(person, home)
