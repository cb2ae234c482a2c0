"""The pages that a person sees: one small sheet each, without scripts, pictures or anything from elsewhere."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = "holdback_agents.gateway.authority"


@dataclass(frozen=True)
class Sheet:
    """A page to send: its body, and the policy under which a browser shows it."""

    body: bytes
    policy: str


def render(template: str, *, goes_on_to: str = "", leads_abroad: bool = False, **facts: Any) -> Sheet:
    """A page of `templates`. All facts are untrusted text and are escaped.

    Args:
        template: its name without the ending.
        goes_on_to: where a form of the page ends up in the end; browsers hold redirects against the policy as well.
        leads_abroad: whether a form leads to an issuer, whose own pages may send the browser on to others.
        facts: what the template names.
    """
    environment, style = _environment()
    body = environment.get_template(f"{template}.html").render(facts)
    forms = "'self' https: http:" if leads_abroad else f"'self' {_source(goes_on_to)}".strip()
    policy = f"default-src 'none'; style-src '{style}'; form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    return Sheet(body.encode(), policy)


def _source(uri: str) -> str:
    """What a policy calls a place: its origin, or its scheme where a policy knows no such origin."""
    if not uri:
        return ""
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and ":" not in (parts.hostname or ":"):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"


@cache
def _environment() -> "tuple[Environment, str]":
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    style = files(_PACKAGE).joinpath("templates/sheet.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named = cast("dict[str, Any]", environment.globals)
    named["style"] = Markup(style)  # noqa: S704 - our own file
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment, f"sha256-{digest}"
