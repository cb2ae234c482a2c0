"""The tools for AI configurations: which system, set up how, made a value, and what is known of it."""

from typing import Annotated

from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets import configurations, history
from holdback_servers.assets.ai_config import AiConfig, ConfigStatus
from holdback_servers.assets.configurations import KeptConfig
from holdback_servers.assets.edits import Editor
from holdback_servers.assets.history import IfEtag
from holdback_servers.assets.organising.writing import require_person, write
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import cursor_part, decode_cursor, encode_cursor

RESERVED = "urn:holdback:"
"""Names of what is built in; only Holdback itself records these."""


class ConfigView(KeptConfig):
    """A revision of an AI configuration; `values` counts the metadata values made under its name."""

    etag: str
    values: int


class ConfigLine(Noun):
    """An AI configuration as a list shows it: its newest revision."""

    id: str
    revision: int
    task: str
    model: str
    status: ConfigStatus


class ConfigList(Noun):
    """A page of AI configurations, in order of their names."""

    items: tuple[ConfigLine, ...]
    next_cursor: str | None = None


def offer_systems(door: Door) -> None:
    """Offer `record_ai_config`, `get_ai_config` and `list_ai_configs`."""
    _offer_recording(door)

    @door.tool(title="Get an AI configuration", scope="assets:read")
    async def get_ai_config(
        call: Call,
        config_id: Annotated[str, Field(max_length=220, description="Its URN")],
        revision: Annotated[int | None, Field(ge=1, description="Else the newest")] = None,
        at: Annotated[Instant | None, Field(description="Else the one in force then, such as a value's at")] = None,
    ) -> ConfigView:
        """What is known of an AI system set to one task: model, parameters, data, licence, limits, evaluations.

        A metadata value names its configuration in ai_config; give the value's at to get the revision that made it.
        """
        if revision is not None and at is not None:
            raise Problem("INVALID_ARGUMENT", "Give revision or at, not both.", "Either alone names one revision.")

        def unit(c: Connection) -> ConfigView:
            return _view(c, configurations.get_config(c, config_id, revision=revision, at=at))

        return await call.services.database.read(unit)

    @door.tool(title="List AI configurations", scope="assets:read")
    async def list_ai_configs(
        call: Call,
        *,
        task: Annotated[str | None, Field(max_length=100, description="Only for this task")] = None,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> ConfigList:
        """The AI configurations on record, those that Holdback brings with it too, each by its newest revision."""
        after = cursor_part(decode_cursor(cursor), "id", "")

        def unit(c: Connection) -> ConfigList:
            found = configurations.list_configs(c, task, after, limit + 1)
            more = encode_cursor({"id": found[limit - 1].config.id}) if len(found) > limit else None
            return ConfigList(items=tuple(_line(each) for each in found[:limit]), next_cursor=more)

        return await call.services.database.read(unit)


def _offer_recording(door: Door) -> None:
    @door.tool(title="Record an AI configuration", scope="assets:write", kind="write", idempotent=True)
    async def record_ai_config(call: Call, config: AiConfig, if_etag: IfEtag = None) -> ConfigView:
        """Put on record, as a person, how an AI system is set up for one task, before it makes values here.

        The same configuration again changes nothing; a changed one becomes the next revision, and the old one stays.
        With status suspended or retired it makes no more values. An agent may not record what it is itself.
        """
        require_person(call, "to record an AI configuration")
        if config.id.startswith(RESERVED):
            raise Problem(
                "PERMISSION_DENIED",
                f"{config.id} is a name of what Holdback brings with it.",
                "Use a name space of your own, such as urn:example:tagger:1.",
            )

        def effect(c: Connection, editor: Editor) -> ConfigView:
            if if_etag is not None:
                configurations.get_config(c, config.id)
            history.check_etag(c, config.id, if_etag)
            kept, _ = configurations.record_config(c, config, by=editor.by, now=editor.now)
            return _view(c, kept)

        return await write(call, ConfigView, effect)


def _line(kept: KeptConfig) -> ConfigLine:
    config = kept.config
    model = f"{config.model.name} {config.model.version}".strip()
    return ConfigLine(id=config.id, revision=kept.revision, task=config.task, model=model, status=config.status)


def _view(connection: Connection, kept: KeptConfig) -> ConfigView:
    urn = kept.config.id
    made, etag = configurations.count_made(connection, urn), history.etag(connection, urn)
    return ConfigView.model_validate({**kept.model_dump(), "etag": etag, "values": made})
