"""The TLS settings of a process, made once: reading the trusted certificates takes longer than a request."""

import functools
import ssl


@functools.cache
def trusted_tls() -> ssl.SSLContext:
    """The system's trusted certificates, shared by every HTTP client of the process."""
    return ssl.create_default_context()
