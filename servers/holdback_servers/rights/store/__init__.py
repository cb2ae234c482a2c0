"""What the rights room reads: books of references, lists of rights; and its store's names. Plain transactions."""

from holdback_servers.rights.clearances import clearance_status
from holdback_servers.rights.store.books import Shelf, books
from holdback_servers.rights.store.finding import available_page, contract_refs, ending
from holdback_servers.rights.store.listing import Listing, list_rights, the_right
from holdback_servers.rights.tables import METADATA, TABLES

__all__ = [
    "METADATA",
    "TABLES",
    "Listing",
    "Shelf",
    "available_page",
    "books",
    "clearance_status",
    "contract_refs",
    "ending",
    "list_rights",
    "the_right",
]
