"""Where a house answers, as a person says it or as its settings do."""

from urllib.parse import urlsplit

from holdback_base.problem import Problem
from holdback_servers.settings import Settings


def house_url(settings: Settings, given: str | None) -> str:
    """The address of a house's gateway: what was given, else what `holdback up` takes by the settings.

    Raises:
        Problem: INVALID_ARGUMENT for what is no whole address.
    """
    if given is not None:
        return whole_address(given, "--gateway")
    if settings.tls_certificate is None:
        return f"http://{settings.host}:{settings.port}"
    return f"https://{settings.names[0] if settings.names else settings.host}:{settings.port}"


def whole_address(given: str, option: str) -> str:
    """An address with its scheme and host, without a slash at its end.

    Raises:
        Problem: INVALID_ARGUMENT for anything else.
    """
    try:
        parts = urlsplit(given)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{option} {given!r} is no whole address.",
            "Write it with http:// or https://, such as http://127.0.0.1:8700.",
        )
    return given.rstrip("/")
