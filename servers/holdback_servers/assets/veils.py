"""What of the library belongs to an asset, so that it is closed with it: SQL conditions on a row `r` of each table."""
# ruff: noqa: S608 - every fragment of SQL is this file's own

from collections.abc import Mapping
from types import MappingProxyType

from holdback_base.database import closed_by
from holdback_base.database.stories import UNKNOWN


def _of_version(column: str) -> str:
    """The condition that the version of this id is of a closed asset."""
    return (
        "EXISTS (SELECT 1 FROM {at}versions v JOIN {at}closed x ON x.id = v.asset_id"
        f" WHERE v.id = {column} AND {UNKNOWN})"
    )


def _of_segment(column: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM {at}segments s JOIN {at}versions v ON v.id = s.version_id"
        f" JOIN {{at}}closed x ON x.id = v.asset_id WHERE s.id = {column} AND {UNKNOWN})"
    )


def _of_number(number: str) -> str:
    """The condition that the asset of this number in the index is closed."""
    return f"EXISTS (SELECT 1 FROM {{at}}summaries x WHERE x.number = {number} AND {UNKNOWN})"


def _only_closed(members: str, asset: str) -> str:
    """The condition that there are members, and that all of them are closed assets: what holds nothing else that one
    may know of would tell of it by its title."""
    return f"(EXISTS (SELECT 1 FROM {members}) AND NOT EXISTS (SELECT 1 FROM {members} AND NOT {closed_by(asset)}))"


def _work(column: str) -> str:
    return _only_closed(f"{{at}}assets a WHERE a.work_id = {column}", "a.id")


def _collection(column: str) -> str:
    return _only_closed(f"{{at}}collection_members m WHERE m.collection_id = {column}", "m.asset_id")


_ASSET_TOLD = "(r.facts->>'asset')"
_RESULT, _RESULT_VERSION, _REQUEST_VERSION = (
    "(r.result->>'asset_id')",
    "(r.result->>'version_id')",
    "(r.request->>'version_id')",
)
_TARGET = (
    f"(CASE substr(r.target, 1, 4) WHEN 'ast_' THEN {closed_by('r.target')} WHEN 'ver_' THEN {_of_version('r.target')}"
    f" WHEN 'seg_' THEN {_of_segment('r.target')} WHEN 'wrk_' THEN {_work('r.target')}"
    f" WHEN 'col_' THEN {_collection('r.target')} ELSE FALSE END)"
)
VEILS: Mapping[str, str] = MappingProxyType(
    {
        "assets": closed_by("r.id"),
        "versions": closed_by("r.asset_id"),
        "version_relations": f"{_of_version('r.version_id')} OR {_of_version('r.of_version')}",
        "segments": _of_version("r.version_id"),
        "renditions": _of_version("r.version_id"),
        "field_values": _TARGET,
        "happenings": f"{_TARGET} OR {closed_by(_ASSET_TOLD)}",
        "works": _work("r.id"),
        "work_identifiers": _work("r.work_id"),
        "collections": _collection("r.id"),
        "collection_members": closed_by("r.asset_id"),
        "legal_holds": closed_by("r.asset_id"),
        "batch_files": closed_by("r.asset_id"),
        "watched_files": closed_by("r.asset_id"),
        "documents": _of_number("(r.id >> 20)"),
        "tags": _of_number("r.asset"),
        "jobs": f"{closed_by(_RESULT)} OR {_of_version(_RESULT_VERSION)} OR {_of_version(_REQUEST_VERSION)}",
    }
)
"""By table. What is held in memory for all (summaries, pictures, meanings) is no part of it: those who read it leave
out what is closed."""
