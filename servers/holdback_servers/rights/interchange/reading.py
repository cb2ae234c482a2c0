"""From the bytes of a file to a batch: which format it is, told by its content, and the reader that knows it. Pure."""

from typing import Final

from holdback_base.problem import Problem

from holdback_servers.rights.interchange.batch import Batch, Format

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
    kind = format_ or detect(data, name)
    if kind == "sheet":
        from holdback_servers.rights.interchange import sheet

        return sheet.read(data, name, time_zone)
    if kind == "avails_xlsx":
        from holdback_servers.rights.interchange import avails_workbook

        return avails_workbook.read(data, name, time_zone)
    if kind == "avails_xml":
        from holdback_servers.rights.interchange import avails_xml

        return avails_xml.read(data, name, time_zone)
    if kind in ("odrl_jsonld", "odrl_turtle"):
        from holdback_servers.rights.interchange import odrl

        return odrl.read(data, name)
    raise Problem("INVALID_ARGUMENT", f"{name}: EBUCorePlus is written, not read.", f"Give {_KINDS}.")


def detect(data: bytes, name: str) -> Format:
    """The format that the content has. Raises Problem INVALID_ARGUMENT where it is none of the known ones."""
    head = _start(data)
    ending = name.rpartition(".")[2].casefold()
    if head.startswith("<"):
        if "avail" in head.casefold():
            return "avails_xml"
        raise Problem("INVALID_ARGUMENT", f"{name} is XML, and no Avails.", f"Give {_KINDS}.")
    if head.startswith(("{", "[")):
        return "odrl_jsonld"
    if head.startswith(("@prefix", "@base", "PREFIX", "BASE")) or ending in ("ttl", "turtle"):
        return "odrl_turtle"
    return _workbook_format(data, name)


def _start(data: bytes) -> str:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    head = data[:8192].decode("utf-16" if wide else "utf-8-sig", errors="replace").lstrip()
    while head.startswith("#") and "\n" in head:  # comments of Turtle
        head = head.partition("\n")[2].lstrip()
    return head


def _workbook_format(data: bytes, name: str) -> Format:
    from holdback_servers.rights.interchange.avails_workbook import is_avails
    from holdback_servers.rights.interchange.cells import read_workbook
    from holdback_servers.rights.interchange.sheet import is_rights_sheet

    sheets = read_workbook(data, name)
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
