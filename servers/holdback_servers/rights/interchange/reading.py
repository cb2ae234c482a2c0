"""From the bytes of a file to a batch: which format it is, told by its content, and the reader that knows it. Pure."""

from typing import TYPE_CHECKING, Final

from holdback_base.problem import Problem

from holdback_servers.rights.interchange.batch import Batch, Format

if TYPE_CHECKING:
    from holdback_servers.workbooks.cells import Sheet

_KINDS: Final = "a rights sheet (XLSX, CSV), Avails (XLSX, XML), or ODRL (JSON-LD, Turtle)"


def read_batch(data: bytes, name: str, format_: Format | None = None, time_zone: str = "UTC") -> Batch:
    """What a file says, whichever format it has.

    Args:
        data: the whole file.
        name: what people call it; its ending decides nothing where the content is clear.
        format_: its format, where somebody knows; else it is found out.
        time_zone: IANA zone of days in files that name none.

    Raises:
        Problem: INVALID_ARGUMENT for a file of no known format or of another than was said; what its reader raises.
    """
    kind = format_ or _text_format(data, name)
    if kind in (None, "sheet", "avails_xlsx"):
        from holdback_servers.rights.interchange import avails_workbook, sheet
        from holdback_servers.workbooks.cells import read_workbook

        sheets = read_workbook(data, name)  # once: a large one takes seconds
        kind = kind or _workbook_format(sheets, name)
        reader = sheet.read_sheets if kind == "sheet" else avails_workbook.read_sheets
        return reader(sheets, name, time_zone)
    if kind == "avails_xml":
        from holdback_servers.rights.interchange import avails_xml

        return avails_xml.read(data, name, time_zone)
    if kind in ("odrl_jsonld", "odrl_turtle"):
        from holdback_servers.rights.interchange import odrl

        return odrl.read(data, name)
    raise Problem("INVALID_ARGUMENT", f"{name}: EBUCorePlus is written, not read.", f"Give {_KINDS}.")


def detect(data: bytes, name: str) -> Format:
    """The format that the content has. Raises Problem INVALID_ARGUMENT where it is none of the known ones."""
    from holdback_servers.workbooks.cells import read_workbook

    return _text_format(data, name) or _workbook_format(read_workbook(data, name), name)


def _text_format(data: bytes, name: str) -> Format | None:
    """The format of XML, JSON and Turtle; None for what may be a workbook or CSV."""
    head = _start(data)
    if head.startswith("<"):
        if "avail" in head.casefold():
            return "avails_xml"
        raise Problem("INVALID_ARGUMENT", f"{name} is XML, and no Avails.", f"Give {_KINDS}.")
    if head.startswith(("{", "[")):
        return "odrl_jsonld"
    turtle = head.startswith(("@prefix", "@base", "PREFIX", "BASE"))
    return "odrl_turtle" if turtle or name.casefold().endswith((".ttl", ".turtle")) else None


def _start(data: bytes) -> str:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    head = data[:8192].decode("utf-16" if wide else "utf-8-sig", errors="replace").lstrip()
    while head.startswith("#") and "\n" in head:  # comments of Turtle
        head = head.partition("\n")[2].lstrip()
    return head


def _workbook_format(sheets: "list[Sheet]", name: str) -> Format:
    from holdback_servers.rights.interchange.avails_workbook import is_avails
    from holdback_servers.rights.interchange.sheet import is_rights_sheet

    if is_avails(sheets):
        return "avails_xlsx"
    if is_rights_sheet(sheets):
        return "sheet"
    names = ", ".join(each.name for each in sheets)
    raise Problem(
        "INVALID_ARGUMENT",
        f"No sheet of {name} ({names}) has the headers of the rights sheet or of an Avails template.",
        f"Give {_KINDS}; `holdback rights template FILE.xlsx` makes a sheet to start from.",
    )
