"""The tools for what others say and read: content credentials, catalogues, transcripts."""

from holdback_servers.assets.exchanging.catalogues import offer_catalogues
from holdback_servers.assets.exchanging.credentials import offer_credentials
from holdback_servers.assets.exchanging.transcripts import offer_transcripts
from holdback_servers.serving import Door


def offer_exchanging(door: Door) -> None:
    """Offer the tools that read and write what other houses understand."""
    offer_credentials(door)
    offer_catalogues(door)
    offer_transcripts(door)
