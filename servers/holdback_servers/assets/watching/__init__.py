"""Watched folders: what lies still in them is taken in, once, and what failed waits until it changes."""

from holdback_servers.assets.watching.files import WATCHED as WATCHED
from holdback_servers.assets.watching.files import Watched as Watched
from holdback_servers.assets.watching.watcher import Watcher as Watcher
