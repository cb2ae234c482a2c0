"""The tools that take material in: a file, a cut, a folder with its sheet, a folder that is watched."""

from holdback_servers.assets.batches.running import BATCH, Batch
from holdback_servers.assets.intake import INGEST, Ingest
from holdback_servers.assets.taking_in.files import offer_files
from holdback_servers.assets.taking_in.folders import offer_folders
from holdback_servers.assets.taking_in.sheets import offer_sheets
from holdback_servers.assets.taking_in.watched import offer_watched
from holdback_servers.assets.watching import WATCHED, Watched, Watcher
from holdback_servers.serving import Door


def offer_taking_in(door: Door, *, watching: bool) -> None:
    """Offer the tools that take material in, with the jobs behind them.

    Args:
        watching: whether files of watched folders are taken in while the door is open.
    """
    services = door.services
    take_in = Ingest(services)
    services.jobs.register(INGEST, take_in)
    services.jobs.register(BATCH, Batch(services, take_in))
    services.jobs.register(WATCHED, Watched(services, take_in))
    watcher = Watcher(services)
    offer_files(door)
    offer_folders(door)
    offer_sheets(door)
    offer_watched(door, watcher)
    if watching and services.settings.watch:
        door.run_beside(watcher.running)
