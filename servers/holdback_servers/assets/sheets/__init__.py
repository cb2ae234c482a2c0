"""Sidecar sheets: what a workbook or CSV file beside the media says of each file. Pure.

`rows` are its columns and what was understood, `reading` reads one, `template` makes one to fill in.
"""
