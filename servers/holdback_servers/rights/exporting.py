"""Rights on record as a file: which ones, and in which format. A plain read, and a table of writers."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

from holdback_base.problem import Problem
from sqlalchemy import Connection

from holdback_servers.rights import store
from holdback_servers.rights.interchange.batch import Exported
from holdback_servers.rights.model import Contract, Right
from holdback_servers.rights.store import Listing
from holdback_servers.rights.writing import contract_by_id

ExportFormat = Literal[
    "sheet_xlsx", "sheet_csv", "avails_xlsx", "avails_xml", "odrl_jsonld", "odrl_turtle", "ebucore_turtle"
]
_PAGE: Final = 500

Chosen = Sequence[tuple[Right, Contract]]


def chosen(c: Connection, listing: Listing, most: int) -> list[tuple[Right, Contract]]:
    """The rights of a listing with their contracts, in order of ids. Raises Problem TOO_LARGE where there are more than
    `most`."""
    found: list[tuple[Right, Contract]] = []
    parties: dict[str, Contract] = {}
    after: str | None = ""
    while after is not None:
        items, after = store.list_rights(c, listing, after=after, limit=_PAGE)
        for each in items:
            identity = each.right.contract
            if identity not in parties:
                parties[identity] = contract_by_id(c, identity)
            found.append((each.right, parties[identity]))
        if len(found) > most:
            raise Problem(
                "TOO_LARGE",
                f"More than {most} rights would be exported.",
                "Narrow it by ref, contract or territory; `holdback rights export` on the machine writes them all.",
            )
    return found


def write(format_: ExportFormat, rights: Chosen, licensor: str = "") -> Exported:
    """The rights as a file of this format, with what it cannot say.

    Args:
        licensor: for Avails, who licenses what goes out.
    """
    return _writer(format_, licensor)(rights)


def _writer(format_: ExportFormat, licensor: str) -> Callable[[Chosen], Exported]:
    if format_ in ("sheet_xlsx", "sheet_csv"):
        from holdback_servers.rights.interchange import sheet_writing

        return lambda rights: sheet_writing.write(rights, "csv" if format_ == "sheet_csv" else "xlsx")
    if format_ in ("avails_xlsx", "avails_xml"):
        from holdback_servers.rights.interchange import avails_writing

        way = avails_writing.write_xml if format_ == "avails_xml" else avails_writing.write_workbook
        return lambda rights: way(rights, licensor)
    if format_ in ("odrl_jsonld", "odrl_turtle"):
        from holdback_servers.rights.interchange import odrl_writing

        return lambda rights: odrl_writing.write(rights, "turtle" if format_ == "odrl_turtle" else "jsonld")
    from holdback_servers.rights.interchange import ebucore

    return ebucore.write
