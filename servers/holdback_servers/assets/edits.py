"""Changing what is said of an asset, a version or a segment. Every value stays on record with its provenance."""

from dataclasses import dataclass

from holdback_base.ids import NewId, is_id
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets import store
from holdback_servers.assets.indexing import index_segment, plain, reindex_asset
from holdback_servers.assets.model import (
    KINDS,
    STATUSES,
    FieldName,
    FieldValue,
    Method,
    Value,
    check_provenance,
    check_succession,
)


class NewValue(Noun):
    """A value to record. `replaces` is the id of the value that the caller believes to be current."""

    field: FieldName
    value: Value
    method: Method = "manual"
    confidence: int | None = Field(default=None, ge=0, le=1000, description="Thousandths; needed for method auto")
    ai_config: str | None = Field(default=None, description="URN of the configuration; needed for method auto")
    replaces: str | None = Field(default=None, description="Refuse unless this value (evt_...) is the current one")


@dataclass(frozen=True)
class Editor:
    """Who changes things, when, and the maker of ids."""

    by: str
    now: Instant
    new_id: NewId


def record_values(connection: Connection, target: str, values: list[NewValue], editor: Editor) -> list[FieldValue]:
    """Record values of one asset, version or segment and bring its index up to date.

    Raises:
        Problem: NOT_FOUND; INVALID_ARGUMENT for missing provenance or a value its field cannot hold; CONFLICT when
            `replaces` is not current, or a machine would replace what a person entered.
    """
    asset_id = _owner(connection, target)
    recorded: list[FieldValue] = []
    for new in values:
        check_provenance(new.method, new.confidence, new.ai_config)
        current = store.current_value(connection, target, new.field)
        check_succession(current, new.method)
        _check_current(new, current)
        value = FieldValue(
            id=editor.new_id("evt"),
            target=target,
            field=new.field,
            value=new.value,
            method=new.method,
            by=editor.by,
            at=editor.now,
            confidence=new.confidence,
            ai_config=new.ai_config,
            supersedes=None if current is None else current.id,
        )
        _show(connection, target, value)
        store.add_value(connection, value)
        recorded.append(value)
    _reindex(connection, target, asset_id)
    return recorded


def _owner(connection: Connection, target: str) -> str:
    if is_id(target, "ast"):
        return store.find_asset(connection, target).id
    if is_id(target, "ver"):
        return store.find_version(connection, target).asset_id
    if is_id(target, "seg"):
        return store.find_version(connection, store.find_segment(connection, target).version_id).asset_id
    raise Problem(
        "INVALID_ARGUMENT",
        f"{target[:80]!r} is not an id here.",
        "Give an id that begins with ast_, ver_ or seg_.",
    )


def _check_current(new: NewValue, current: FieldValue | None) -> None:
    if new.replaces is not None and (current is None or current.id != new.replaces):
        raise Problem(
            "CONFLICT",
            f"{new.field} has changed since {new.replaces[:40]} was read.",
            "Read the current value and decide again.",
            current=None if current is None else current.id,
        )


def _show(connection: Connection, target: str, value: FieldValue) -> None:
    """Carry the fields that are columns into their rows, after checking that the column can hold them."""
    field = value.field
    if field == "tags" and not isinstance(value.value, tuple):
        raise _unfit(value, "a list of words")
    if field in ("title", "description", "status", "kind") and not isinstance(value.value, str):
        raise _unfit(value, "text")
    if is_id(target, "ast") and field in ("title", "status", "kind"):
        allowed = {"status": STATUSES, "kind": KINDS}.get(field)
        if allowed is not None and value.value not in allowed:
            raise _unfit(value, f"one of {', '.join(allowed)}")
        if not value.value:
            raise _unfit(value, "some text")
        store.set_asset(connection, target, **{field: plain(value.value)})
    elif is_id(target, "seg") and field == "description":
        store.set_segment(connection, target, text=value.value)
    elif is_id(target, "seg") and field == "tags":
        store.set_segment(connection, target, tags=value.value)


def _unfit(value: FieldValue, what: str) -> Problem:
    return Problem(
        "INVALID_ARGUMENT", f"{value.field} cannot be {plain(value.value)[:80]!r}.", f"Give {what} for {value.field}."
    )


def _reindex(connection: Connection, target: str, asset_id: str) -> None:
    if not is_id(target, "seg"):
        reindex_asset(connection, asset_id)
        return
    segment = store.find_segment(connection, target)
    if segment.version_id == store.latest_version(connection, asset_id).id:
        index_segment(connection, asset_id, segment)
