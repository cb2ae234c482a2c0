"""Taking a catalogue of others into the library: repeatable, and all of it or nothing."""

from collections import Counter

from holdback_base.ids import is_id
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from sqlalchemy import Connection

from holdback_servers.assets import configurations, store
from holdback_servers.assets.edits import NewValue, record_values
from holdback_servers.assets.holdings import works
from holdback_servers.assets.interchange.catalogue import Incoming, LeftOut
from holdback_servers.assets.model import Value, Work
from holdback_servers.assets.organising.writing import editor_of
from holdback_servers.services import Call

_MOST_NAMES = 100


class Merged(Noun):
    """What an import did, or with `preview` would do, counted: works, configurations and values that are new, that the
    library has already, and values that stay since a person here entered another; and bytes that are not here.

    Of all that the file says (`said`, counted in properties), `taken_thousandths` have a place in the library;
    `left_out` counts the others by the format's own names, the most frequent first, at most 100 names."""

    preview: bool
    works_added: int = 0
    works_known: int = 0
    configs_recorded: int = 0
    configs_known: int = 0
    values_recorded: int = 0
    values_known: int = 0
    values_kept: int = 0
    media_unknown: int = 0
    said: int = 0
    taken_thousandths: int = 1000
    left_out: tuple[LeftOut, ...] = ()


def merge(connection: Connection, given: Incoming, call: Call, *, preview: bool) -> Merged:
    """Take it in; with `preview` everything is done and taken back."""
    with connection.begin_nested() as whole:
        counts: Counter[str] = Counter()
        for work in given.works:
            counts["works_added" if _add(connection, work, call) else "works_known"] += 1
        editor = editor_of(call)
        for config in given.configs:
            _, new = configurations.record_config(connection, config, by=editor.by, now=editor.now)
            counts["configs_recorded" if new else "configs_known"] += 1
        for each in given.described:
            version = store.version_of_media(connection, each.media)
            if version is None:
                counts["media_unknown"] += 1
                continue
            for target, values in ((version.id, each.values), (version.asset_id, each.of_asset)):
                for field, value in values.items():
                    counts[_say(connection, target, field, value, call)] += 1
        if preview:
            whole.rollback()
    left = sum(each.count for each in given.left_out)
    taken = 1000 * max(0, given.said - left) // (given.said or 1)
    return Merged(
        preview=preview, said=given.said, taken_thousandths=taken, left_out=given.left_out[:_MOST_NAMES], **counts
    )


def _add(connection: Connection, work: Work, call: Call) -> bool:
    """Write a work that is not known by its id, by any of its identifiers or, without any, by its title."""
    names = {works.work_of_identifier(connection, each) for each in work.identifiers} - {None}
    titled = works.works_titled(connection, work.title) if not work.identifiers else []
    if names or titled or _here(connection, work.id):
        return False
    editor = editor_of(call)
    own = work.id if is_id(work.id, "wrk") else editor.new_id("wrk")
    return works.save_work(
        connection, work.model_copy(update={"id": own, "at": editor.now}), by=editor.by, now=editor.now
    )


def _here(connection: Connection, work_id: str) -> bool:
    try:
        works.find_work(connection, work_id)
    except Problem:
        return False
    return True


def _say(connection: Connection, target: str, field: str, value: Value, call: Call) -> str:
    current = store.current_value(connection, target, field)
    if current is not None and current.value == value:
        return "values_known"
    if current is not None and current.method == "manual":
        return "values_kept"
    record_values(connection, target, [NewValue(field=field, value=value, method="imported")], editor_of(call))
    return "values_recorded"
