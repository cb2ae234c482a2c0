"""Conflicts between contracts, before they are active: what is sold without being held, or sold twice. Pure.

The names are Rightsline's: No Rights In, Partial Rights In, No Exclusive Rights In, Rights Out Overlap. `finding` finds
them, `telling` says them.
"""
