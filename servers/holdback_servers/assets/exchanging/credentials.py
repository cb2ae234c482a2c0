"""The tool that reads content credentials."""

from typing import Annotated

from holdback_base.vocabulary import Sha256
from pydantic import Field

from holdback_servers import media_worker
from holdback_servers.assets.ingest import limits_of
from holdback_servers.content_credentials import Credentials, anchors
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_credentials(door: Door) -> None:
    """Offer `get_credentials`."""

    @door.tool(title="Get content credentials", scope="assets:read")
    async def get_credentials(
        call: Call,
        media: Annotated[Sha256, Field(description="The name of bytes in the media store, as get_asset gives it")],
    ) -> Credentials:
        """Who signed a file, what it was made from and how, and whether that holds (C2PA).

        Trusted holds and its signer is known to this house; Valid holds, but anybody could have signed it; Invalid does
        not hold, and problems say why. Nothing is fetched from the network. What is told are claims of the signer.
        """
        services = call.services
        path = services.media.path(media)
        told = await media_worker.run(
            "holdback_servers.content_credentials:read_file",
            {"path": str(path), "anchors": anchors(services.settings)},
            limits=limits_of(services.settings),
            roots=(path,),
        )
        return Credentials.model_validate(told)
