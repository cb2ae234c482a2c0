"""The page to look at when the work is done: one HTML file beside the films, which needs no network and no script."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, cast
from urllib.parse import quote

from holdback_agents.contracts import Cell
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from holdback import wording
from holdback.outcome import Outcome, VersionOutcome
from holdback.timeline_picture import picture

PAGE = "index.html"
_WORDS = (
    "code",
    "headline",
    "instants_in_words",
    "listed",
    "moment",
    "place",
    "platform",
    "verdict",
    "window",
)
"""What the template may call of `wording`, as filters."""
_FILES = {
    "edl": "Edit decision list (CMX 3600)",
    "otio": "Timeline (OpenTimelineIO)",
    "ics": "Schedule (iCalendar)",
    "json": "The whole outcome (JSON)",
    "jsonl": "Audit log (JSON lines)",
    "sqlite": "Audit log (SQLite)",
    "mp4": "Film (MP4)",
}


@dataclass(frozen=True, slots=True)
class Download:
    """A file beside the page. `link` is absent where the name would lead out of the folder."""

    label: str
    file: str
    link: str | None
    size: str


def write_page(outcome: Outcome, folder: Path) -> Path:
    """Write `index.html` into the output folder, which must exist, and answer its path.

    All of the outcome is taken for untrusted text: it is escaped, files are linked only inside the folder, and the
    page's own policy allows neither scripts nor anything from elsewhere.
    """
    path = folder / PAGE
    path.write_text(render_page(outcome, folder), encoding="utf-8")
    return path


def render_page(outcome: Outcome, folder: Path) -> str:
    """The page as text. The folder is only asked how large the files are."""
    environment, style, policy = _environment()
    return environment.get_template("outcome.html").render(
        outcome=outcome,
        style=style,
        policy=policy,
        places=wording.asked_places(outcome),
        platforms=wording.asked_platforms(outcome),
        picture=picture(outcome),
        credits=_credits(outcome),
        downloads=list(_downloads(outcome, folder)),
    )


@cache
def _environment() -> tuple[Environment, Markup, str]:
    """The templates, the style, and the policy that allows just this style, by its hash."""
    environment, style, policy = safe_templates("outcome.css")
    filters = cast("dict[str, Any]", environment.filters)
    filters.update(link=link, shape=_shape, cell=_cell, second=_second, capital=_capital)
    return environment, style, policy


def _second(frame: int, version: VersionOutcome) -> str:
    """Where a frame of a cut is, in seconds."""
    return f"{frame * float(version.seconds) / version.frames:.1f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def safe_templates(*styles: str) -> tuple[Environment, Markup, str]:
    """The templates of pages that need no script and no network; their style; and the policy that allows just that."""
    loader = PackageLoader("holdback")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = cast("dict[str, Any]", environment.filters)
    filters.update({name: getattr(wording, name) for name in _WORDS})
    cast("dict[str, Any]", environment.globals)["signs"] = wording.SIGNS
    style = "".join(loader.get_source(environment, each)[0] for each in styles)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    here = "'self' file:"
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src {here}; media-src {here}; base-uri 'none'; "
    return environment, Markup(style), policy + "form-action 'none'"  # noqa: S704 - our own files


def _cleaned(value: Any) -> Any:
    return value if isinstance(value, Markup) or not isinstance(value, str) else wording.clean(value)


def link(file: str) -> str | None:
    """The file as a relative reference, or None when it is not a plain path inside the folder."""
    path = PurePosixPath(file)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in file or wording.clean(file) != file:
        return None
    return quote(str(path))


def _shape(version: VersionOutcome) -> str:
    """How the picture stands: `wide`, `square` or `tall`."""
    if version.width == version.height:
        return "square"
    return "wide" if version.width > version.height else "tall"


def _cell(version: VersionOutcome, place: str, platform: str) -> Cell | None:
    """The cell of the rights matrix for one place and platform, or None when it was not asked for."""
    found = (cell for cell in version.cells if place in cell.territories and platform in cell.platforms)
    return next(found, None)


def _credits(outcome: Outcome) -> list[str]:
    """The credits that rights ask for, each once."""
    conditions = (each for version in outcome.versions for each in version.conditions if each.type == "credit")
    return list(dict.fromkeys(each.text for each in conditions if each.text))


def _downloads(outcome: Outcome, folder: Path) -> Iterator[Download]:
    for name, file in outcome.files.items():
        if file == PAGE:
            continue
        target = link(file)
        ending = PurePosixPath(file).suffix.lstrip(".").lower()
        size = _size(folder / file) if target else ""
        yield Download(_FILES.get(ending, name.replace("_", " ").capitalize()), file, target, size)


def _size(path: Path) -> str:
    """`2.1 MB`, in decimal units; nothing for what is no file."""
    if not path.is_file():
        return ""
    size = float(path.stat().st_size)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
