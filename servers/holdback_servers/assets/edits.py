"""Changing what is said of an asset, a version or a segment. Every value stays on record with its provenance."""

from dataclasses import dataclass
from typing import Literal

from holdback_base.ids import NewId, is_id
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun
from holdback_trust.grants import DECLARE, HOLD
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets import closing, configurations, history, store
from holdback_servers.assets.holdings import holds, works
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

Verdict = Literal["accepted", "corrected", "rejected"]
_LONGEST = 100_000
"""Characters of one value: each answer about its asset brings them all."""


class NewValue(Noun):
    """A value to record. `replaces` is the id of the value that the caller believes to be current."""

    field: FieldName
    value: Value
    method: Method = "manual"
    confidence: int | None = Field(default=None, ge=0, le=1000, description="Thousandths; needed for method auto")
    ai_config: str | None = Field(default=None, description="URN of the configuration; needed for method auto")
    intended_use: str | None = Field(default=None, max_length=500, description="What it was made for, and only for")
    replaces: str | None = Field(default=None, description="Refuse unless this value (evt_...) is the current one")


@dataclass(frozen=True)
class Editor:
    """Who changes things, when, and the maker of ids.

    `may_close` says that they may also say who may know of an asset and how valuable it is; `made_of` what follows it.
    """

    by: str
    now: Instant
    new_id: NewId
    may_close: bool = False
    made_of: closing.MadeOf = closing.nothing_made


def record_values(
    connection: Connection, target: str, values: list[NewValue], editor: Editor, *, if_etag: str | None = None
) -> list[FieldValue]:
    """Record values of one asset, version or segment and bring its index up to date.

    Returns:
        The values as recorded, those too that other assets took over with them.

    Raises:
        Problem: NOT_FOUND; INVALID_ARGUMENT for missing provenance, a configuration that is not on record, or a value
            its field cannot hold; PERMISSION_DENIED for a story or a tier by whoever may not set them; LEGAL_HOLD;
            CONFLICT when `if_etag` or `replaces` is not current, or a machine would replace what a person entered.
    """
    asset_id = _owner(connection, target)
    history.check_etag(connection, target, if_etag)
    recorded: list[FieldValue] = []
    for new in values:
        _check(connection, target, new)
        _check_closing(target, new.field, editor)
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
            intended_use=new.intended_use,
        )
        followers = _show(connection, target, new.field, new.value, editor.made_of)
        store.add_value(connection, value)
        recorded.append(value)
        for each in followers:
            recorded.append(_follow(connection, each, value, editor))
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


def _check(connection: Connection, target: str, new: NewValue) -> None:
    if len(plain(new.value)) > _LONGEST:
        long = f"{new.field} has {len(plain(new.value))} characters; {_LONGEST} are the most."
        raise Problem("INVALID_ARGUMENT", long, "Keep long texts in a file, and say here where it is.")
    check_provenance(new.method, new.confidence, new.ai_config)
    if new.ai_config is not None:
        configurations.require_config(connection, new.ai_config)
    if not is_id(target, "ast") or new.field != "status":
        return
    if "removed" in (new.value, store.find_asset(connection, target).status):
        raise Problem(
            "INVALID_ARGUMENT",
            "An asset is not removed or brought back by its status.",
            "Use remove_asset or restore_asset, which ask for the reason.",
        )
    if new.value == "archived":
        holds.check_not_held(connection, target, "its status cannot become archived")


def _check_current(new: NewValue, current: FieldValue | None) -> None:
    if new.replaces is not None and (current is None or current.id != new.replaces):
        raise Problem(
            "CONFLICT",
            f"{new.field} has changed since {new.replaces[:40]} was read.",
            "Read the current value and decide again.",
            current=None if current is None else current.id,
        )


def _check_closing(target: str, field: str, editor: Editor) -> None:
    if field not in closing.FIELDS:
        return
    if not is_id(target, "ast"):
        raise Problem("INVALID_ARGUMENT", f"{field} belongs to an asset.", "Name the asset, ast_..., as the target.")
    if not editor.may_close:
        raise Problem(
            "PERMISSION_DENIED",
            f"To set the {field} of an asset takes the scope {DECLARE} or {HOLD}.",
            "Ask a librarian to set it with update_metadata.",
            scope=DECLARE,
        )


def _follow(connection: Connection, asset_id: str, led: FieldValue, editor: Editor) -> FieldValue:
    """Put on record that an asset took over a value from what it was made of."""
    current = store.current_value(connection, asset_id, led.field)
    new = {"id": editor.new_id("evt"), "target": asset_id, "supersedes": current.id if current else None}
    own = led.model_copy(update={**new, "method": "derived", "confidence": None, "ai_config": None})
    store.add_value(connection, own)
    return own


def _show(connection: Connection, target: str, field: str, value: Value, made_of: closing.MadeOf) -> list[str]:
    """Carry the fields that are columns into their rows, after checking that the column can hold them; the assets that
    took a value over with it."""
    if is_id(target, "ast") and field in closing.FIELDS:
        close = closing.set_story if field == "story" else closing.set_tier
        return close(connection, target, value, made_of)
    if field == "tags" and not isinstance(value, tuple):
        raise _unfit(field, value, "a list of words")
    if field in ("title", "description", "status", "kind", "work") and not isinstance(value, str):
        raise _unfit(field, value, "text")
    if is_id(target, "ast") and field in ("title", "status", "kind"):
        allowed = {"status": STATUSES, "kind": KINDS}.get(field)
        if allowed is not None and value not in allowed:
            raise _unfit(field, value, f"one of {', '.join(allowed)}")
        if not plain(value).strip():
            raise _unfit(field, value, "some text")
        store.set_asset(connection, target, **{field: plain(value)})
    elif is_id(target, "ast") and field == "work":
        store.set_asset(connection, target, work_id=works.require_work(connection, plain(value)) if value else None)
    elif is_id(target, "seg") and field == "description":
        store.set_segment(connection, target, text=value)
    elif is_id(target, "seg") and field == "tags":
        store.set_segment(connection, target, tags=value)
    return []


def _reindex(connection: Connection, target: str, asset_id: str) -> None:
    if not is_id(target, "seg"):
        reindex_asset(connection, asset_id)
        return
    segment = store.find_segment(connection, target)
    if segment.version_id == store.latest_version(connection, asset_id).id:
        index_segment(connection, asset_id, segment)


def _unfit(field: str, value: Value, what: str) -> Problem:
    return Problem("INVALID_ARGUMENT", f"{field} cannot be {plain(value)[:80]!r}.", f"Give {what} for {field}.")


@dataclass(frozen=True)
class Review:
    """What a person found of a value; `corrected` is what is right instead, with verdict corrected only."""

    verdict: Verdict
    corrected: Value | None = None
    comment: str = ""


def review_value(connection: Connection, value_id: str, review: Review, editor: Editor) -> list[FieldValue]:
    """What a person found of a value that counts: accept it, put another in its place, or reject it.

    A rejected value stays on record and the one before it counts again.

    Returns:
        The reviewed value and, when it was corrected, the one that took its place.

    Raises:
        Problem: NOT_FOUND; INVALID_ARGUMENT when a correction lacks its value or another verdict brings one; CONFLICT
            for a value that no longer counts, or that nothing could take the place of.
    """
    value = store.find_value(connection, value_id)
    if value.field in closing.FIELDS:
        raise Problem(
            "INVALID_ARGUMENT", f"A {value.field} is not reviewed.", "Set another one with update_metadata instead."
        )
    verdict, corrected = review.verdict, review.corrected
    if (verdict == "corrected") != (corrected is not None):
        raise Problem(
            "INVALID_ARGUMENT", "A correction needs value, and only it.", "Give value with verdict corrected."
        )
    current = store.current_value(connection, value.target, value.field)
    if current is None or current.id != value_id:
        raise Problem(
            "CONFLICT",
            f"{value.field} has another value now; {value_id} no longer counts.",
            "Review the current value; get_history tells what became of this one.",
            current=None if current is None else current.id,
        )
    store.set_review(connection, value_id, verdict, editor.by)
    facts = {"field": value.field, "value": value_id, "verdict": verdict, "comment": review.comment}
    history.note(connection, value.target, "reviewed", facts, by=editor.by, now=editor.now)
    reviewed = [store.find_value(connection, value_id)]
    if corrected is not None:
        new = NewValue(field=value.field, value=corrected)
        return reviewed + record_values(connection, value.target, [new], editor)
    if verdict == "rejected":
        _fall_back(connection, value)
    return reviewed


def _fall_back(connection: Connection, rejected: FieldValue) -> None:
    """What is shown of a rejected value is that of the one before it, or nothing."""
    target, field = rejected.target, rejected.field
    before = store.current_value(connection, target, field)
    if before is not None:
        _show(connection, target, field, before.value, closing.nothing_made)
    elif is_id(target, "ast") and field in ("title", "status", "kind"):
        raise Problem(
            "CONFLICT", f"There was no {field} before this one.", "Give verdict corrected and the right value instead."
        )
    elif field in ("tags", "description", "work"):
        _show(connection, target, field, () if field == "tags" else "", closing.nothing_made)
    _reindex(connection, target, _owner(connection, target))


def remove_asset(connection: Connection, asset_id: str, reason: str, editor: Editor, if_etag: str | None) -> None:
    """Take an asset out of sight; its record, history and bytes stay. One that is removed stays as it is.

    Raises:
        Problem: NOT_FOUND, LEGAL_HOLD, CONFLICT when `if_etag` is not current.
    """
    asset = store.find_asset(connection, asset_id)
    history.check_etag(connection, asset_id, if_etag)
    if asset.status == "removed":
        return
    holds.check_not_held(connection, asset_id, "it cannot be removed")
    facts = {"reason": reason, "was": asset.status}
    history.note(connection, asset_id, "removed", facts, by=editor.by, now=editor.now)
    _set_status(connection, asset_id, "removed", editor)


def restore_asset(connection: Connection, asset_id: str, reason: str, editor: Editor, if_etag: str | None) -> None:
    """Bring a removed asset back with the status it had.

    Raises:
        Problem: NOT_FOUND; CONFLICT for an asset that is not removed, or when `if_etag` is not current.
    """
    asset = store.find_asset(connection, asset_id)
    history.check_etag(connection, asset_id, if_etag)
    if asset.status != "removed":
        raise Problem("CONFLICT", f"{asset.title} is not removed; it is {asset.status}.", "Nothing needs restoring.")
    newest, place = history.entries(connection, asset_id, history.BEGINNING, limit=200)
    while (last := next((each for each in newest if each.what == "removed"), None)) is None and place is not None:
        newest, place = history.entries(connection, asset_id, place, limit=200)
    was = "ready" if last is None or last.facts is None else str(last.facts["was"])
    history.note(connection, asset_id, "restored", {"reason": reason, "is": was}, by=editor.by, now=editor.now)
    _set_status(connection, asset_id, was, editor)


def _set_status(connection: Connection, asset_id: str, status: str, editor: Editor) -> None:
    current = store.current_value(connection, asset_id, "status")
    value = FieldValue(
        id=editor.new_id("evt"),
        target=asset_id,
        field="status",
        value=status,
        method="manual",
        by=editor.by,
        at=editor.now,
        supersedes=None if current is None else current.id,
    )
    store.set_asset(connection, asset_id, status=status)
    store.add_value(connection, value)
    reindex_asset(connection, asset_id)
