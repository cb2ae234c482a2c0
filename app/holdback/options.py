"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[Path | None, typer.Option("--home", help="Where Holdback keeps its state.", show_default="platform")]
