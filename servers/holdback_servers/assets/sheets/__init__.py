"""Sidecar sheets: what a workbook or CSV file beside the media says of each file. Pure."""

from holdback_servers.assets.sheets.reading import read as read
from holdback_servers.assets.sheets.reading import read_sheet as read_sheet
from holdback_servers.assets.sheets.rows import COLUMNS as COLUMNS
from holdback_servers.assets.sheets.rows import NAMES as NAMES
from holdback_servers.assets.sheets.rows import SheetRead as SheetRead
from holdback_servers.assets.sheets.rows import SheetRow as SheetRow
from holdback_servers.assets.sheets.rows import sheet_path as sheet_path
from holdback_servers.assets.sheets.template import template as template
