"""What the library makes of a file's content credentials: what it warns of, and what it keeps as metadata values."""

from holdback_servers.assets.model import Value
from holdback_servers.content_credentials import Credentials


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
