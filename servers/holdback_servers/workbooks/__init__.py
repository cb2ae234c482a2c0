"""Workbooks and CSV files that people give to a room, as plain cells; nothing here knows what columns mean. Pure."""
