"""How AI configurations are kept: each revision for ever, the newest in force. Each function is part of a unit."""

from collections.abc import Iterable

from holdback_base.database import load_instant, store_instant
from holdback_base.vocabulary import Instant, Noun
from sqlalchemy import Connection, RowMapping, func, insert, select

from holdback_servers.assets import history, store
from holdback_servers.assets.ai_config import AiConfig, usable
from holdback_servers.assets.tables import ai_configs, field_values


class KeptConfig(Noun):
    """A revision of a configuration, counted from 1, as it was put on record."""

    revision: int
    by: str
    at: Instant
    config: AiConfig


def record_config(connection: Connection, config: AiConfig, *, by: str, now: Instant) -> tuple[KeptConfig, bool]:
    """Put a configuration on record as its next revision, and whether that was needed: the same again is not."""
    known = find_config(connection, config.id)
    if known is not None and known.config == config:
        return known, False
    kept = KeptConfig(revision=1 if known is None else known.revision + 1, by=by, at=now, config=config)
    row = {"id": config.id, "revision": kept.revision, "body": config.model_dump(mode="json"), "by": by}
    connection.execute(insert(ai_configs).values(**row, at=store_instant(now)))
    facts = {"revision": kept.revision, "status": config.status}
    history.note(connection, config.id, "config_recorded", facts, by=by, now=now)
    return kept, True


def find_config(
    connection: Connection, urn: str, *, revision: int | None = None, at: Instant | None = None
) -> KeptConfig | None:
    """The newest revision, a certain one, or the one that was in force at an instant."""
    query = select(ai_configs).where(ai_configs.c.id == urn)
    if revision is not None:
        query = query.where(ai_configs.c.revision == revision)
    if at is not None:
        query = query.where(ai_configs.c.at <= store_instant(at))
    row = connection.execute(query.order_by(ai_configs.c.revision.desc()).limit(1)).mappings().first()
    return None if row is None else _kept(row)


def get_config(
    connection: Connection, urn: str, *, revision: int | None = None, at: Instant | None = None
) -> KeptConfig:
    """The same. Raises Problem NOT_FOUND."""
    kept = find_config(connection, urn, revision=revision, at=at)
    if kept is None:
        which = f"revision {revision} of " if revision is not None else "revision of that time of " if at else ""
        raise store.unknown("AI configuration:", f"{which}{urn}", "list_ai_configs gives those on record.")
    return kept


def require_config(connection: Connection, urn: str) -> AiConfig:
    """The configuration that makes a value. Raises Problem INVALID_ARGUMENT when it is not known or not in use."""
    kept = find_config(connection, urn)
    return usable(None if kept is None else kept.config, urn)


def list_configs(connection: Connection, task: str | None, after: str, limit: int) -> list[KeptConfig]:
    """The newest revision of each configuration, in order of their names, after one; of a task when that is given."""
    newest = select(ai_configs.c.id, func.max(ai_configs.c.revision)).group_by(ai_configs.c.id)
    rows = connection.execute(newest.where(ai_configs.c.id > after).order_by(ai_configs.c.id)).all()
    found: list[KeptConfig] = []
    for urn, _ in rows:
        kept = get_config(connection, urn)
        if task is None or kept.config.task == task:
            found.append(kept)
        if len(found) == limit:
            break
    return found


def count_made(connection: Connection, urn: str) -> int:
    """How many metadata values it made, whether they still count or not."""
    return connection.execute(select(func.count()).where(field_values.c.ai_config == urn)).scalar_one()


def missing(connection: Connection, configs: Iterable[AiConfig]) -> list[AiConfig]:
    """Those that no revision of is on record."""
    return [each for each in configs if find_config(connection, each.id) is None]


def _kept(row: RowMapping) -> KeptConfig:
    return KeptConfig(
        revision=row["revision"],
        by=row["by"],
        at=load_instant(row["at"]),
        config=AiConfig.model_validate(row["body"]),
    )
