"""What the library makes of a file's content credentials: whom it believes, and what it keeps as metadata values."""

from pathlib import Path

from holdback_base.problem import Problem

from holdback_servers.assets.model import Value
from holdback_servers.content_credentials import Credentials
from holdback_servers.settings import Settings

ANCHORS = "trust_anchors"
"""A folder in the home: certificates (PEM) of those whose signatures are believed. None come with Holdback."""
_MOST = 4 << 20


def anchors(settings: Settings) -> str:
    """The certificates that are believed, as PEM text: the house's own authority, and those in `trust_anchors`.

    Raises:
        Problem: INVALID_ARGUMENT naming a file there that holds no certificates.
    """
    own = settings.home / "keys" / "credentials" / "authority.crt"
    others = sorted((settings.home / ANCHORS).glob("*.pem")) + sorted((settings.home / ANCHORS).glob("*.crt"))
    return "".join(_certificates(path) for path in (own, *others))


def _certificates(path: Path) -> str:
    """Raises Problem INVALID_ARGUMENT for a file of something else, since it would be believed by nobody's intent."""
    from cryptography import x509

    if not path.is_file():
        return ""
    try:
        if path.stat().st_size > _MOST:
            raise ValueError("too large")
        x509.load_pem_x509_certificates(path.read_bytes())
        return path.read_text(encoding="ascii").rstrip() + "\n"
    except ValueError as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{path.name} among the trust anchors holds no certificates as PEM.",
            "Take it away, or write certificates between BEGIN and END lines, at most 4 MiB of them.",
        ) from error


def warnings(credentials: Credentials) -> tuple[str, ...]:
    """What somebody who uses the file should know."""
    if credentials.state != "Invalid":
        return ()
    return (f"The content credentials do not hold: {'; '.join(credentials.problems) or 'no reason is told'}.",)


def stated(credentials: Credentials) -> dict[str, Value | None]:
    """The credentials as metadata values of a version; nothing for a file without any."""
    if credentials.state == "none":
        return {}
    told = credentials
    return {
        "credentials": told.state,
        "credentials_signer": told.signer,
        "credentials_generator": told.claim_generator,
        "credentials_actions": tuple(dict.fromkeys(each.action for each in told.actions)),
        "credentials_ingredients": tuple(f"{each.relationship}: {each.title}" for each in told.ingredients),
        "credentials_source_types": told.source_types,
        "credentials_synthetic": told.synthetic or None,
        "credentials_training": tuple(f"{name}: {use}" for name, use in sorted(told.training.items())),
        "credentials_address": told.address,
        "credentials_problems": told.problems,
    }
