"""Pages of a person's tasks, the newest first."""

from collections.abc import Callable

from a2a.types.a2a_pb2 import ListTasksRequest, ListTasksResponse, Task
from a2a.utils.constants import DEFAULT_LIST_TASKS_PAGE_SIZE
from a2a.utils.errors import InvalidParamsError
from a2a.utils.task import ListTasksCursor, decode_list_tasks_cursor, encode_list_tasks_cursor
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from holdback_agents.runtime.tables import tasks


def page_of(params: ListTasksRequest, owner: str) -> Callable[[Connection], ListTasksResponse]:
    """The unit of work that reads the page asked for. Raises InvalidParamsError for a page token that is not ours."""
    wanted, after = _wanted(params, owner), _after(params.page_token)
    size = params.page_size or DEFAULT_LIST_TASKS_PAGE_SIZE
    rows = (
        select(tasks.c.body)
        .where(*wanted, *after)
        .order_by(tasks.c.updated.desc(), tasks.c.task_id.desc())
        .limit(size + 1)
    )

    def page(c: Connection) -> ListTasksResponse:
        total = c.execute(select(func.count()).select_from(tasks).where(*wanted)).scalar_one()
        bodies = c.execute(rows).scalars().all()
        found = [Task.FromString(body) for body in bodies[:size]]
        following = encode_list_tasks_cursor(_cursor(found[-1])) if len(bodies) > size else ""
        return ListTasksResponse(tasks=found, total_size=total, page_size=size, next_page_token=following)

    return page


def _wanted(params: ListTasksRequest, owner: str) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [tasks.c.owner == owner]
    if params.context_id:
        wanted.append(tasks.c.context_id == params.context_id)
    if params.status:
        wanted.append(tasks.c.state == params.status)
    if params.HasField("status_timestamp_after"):
        wanted.append(tasks.c.updated >= params.status_timestamp_after.ToNanoseconds())
    return wanted


def _after(page_token: str) -> list[ColumnElement[bool]]:
    if not page_token:
        return []
    cursor = decode_list_tasks_cursor(page_token)
    if cursor is None:
        raise InvalidParamsError("The page token is not one of this agent's.")
    updated = cursor.timestamp_ns or 0
    return [or_(tasks.c.updated < updated, and_(tasks.c.updated == updated, tasks.c.task_id < cursor.task_id))]


def _cursor(task: Task) -> ListTasksCursor:
    return ListTasksCursor(timestamp_ns=task.status.timestamp.ToNanoseconds(), task_id=task.id)
