"""Questions to the library as a whole: what is there, and what matches some words."""

from holdback_servers.assets.catalogue.columns import Columns
from holdback_servers.assets.catalogue.counting import Counted, count_by, count_fields
from holdback_servers.assets.catalogue.ranking import Meant
from holdback_servers.assets.catalogue.showing import Page, search_page

__all__ = ["Columns", "Counted", "Meant", "Page", "count_by", "count_fields", "search_page"]
