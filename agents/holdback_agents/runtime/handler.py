"""What the SDK's request handler lacks.

A message that comes twice runs once; a follow-up needs no context id; a task that lost its process is taken up again or
cancelled with all it started; each skill asks for its scope; nothing internal leaks.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any, NoReturn, cast

from a2a.server.agent_execution import RequestContext, SimpleRequestContextBuilder
from a2a.server.agent_execution.active_task import ActiveTask
from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.server.id_generator import IDGenerator, IDGeneratorContext, UUIDGenerator
from a2a.server.request_handlers import DefaultRequestHandler, RequestHandler
from a2a.types.a2a_pb2 import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    Role,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from a2a.utils.errors import (
    A2AError,
    ExtensionSupportRequiredError,
    InternalError,
    InvalidParamsError,
    InvalidRequestError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.task import apply_history_length
from holdback_base.problem import Problem
from holdback_trust.audit import AuditLog
from holdback_trust.enforcing import Enforcement
from holdback_trust.identity import Caller
from holdback_trust.policy import Action, Decision

from holdback_agents.runtime.agent import Agent, Limits
from holdback_agents.runtime.closed import Closed
from holdback_agents.runtime.executor import POLICY, Executor, session_of
from holdback_agents.runtime.parts import problem_parts, schema_of
from holdback_agents.runtime.task_store import (
    ENDED,
    RECEIPT,
    SETTLED,
    Receipt,
    TaskStore,
    is_answered,
    is_settled,
    owner_of,
)
from holdback_agents.runtime.understanding import is_seen_by, skill_for, skill_of

_log = logging.getLogger(__name__)
REFUSAL = "holdback.refusal"
"""Where the handler leaves, in the HTTP scope, the problem that the door turns into 403."""
HTTP_SCOPE = "holdback.http"


class _FreshIds(IDGenerator):
    def __init__(self, store: TaskStore) -> None:
        self._store, self._ids = store, UUIDGenerator()

    def generate(self, context: IDGeneratorContext) -> str:
        task_id = self._ids.generate(context)
        self._store.expect(task_id)
        return task_id


class AgentRequestHandler(DefaultRequestHandler):
    """Requests to one agent, whatever binding they came by."""

    def __init__(
        self,
        agent: Agent,
        card: AgentCard,
        executor: Executor,
        store: TaskStore,
        *,
        limits: Limits,
        enforcement: Enforcement,
        audit: AuditLog,
        closed: Closed,
    ) -> None:
        super().__init__(
            agent_executor=executor,
            task_store=store,
            agent_card=card,
            request_context_builder=SimpleRequestContextBuilder(task_id_generator=_FreshIds(store)),
            interrupted_task_timeout=limits.parked,
        )
        self._agent, self._executor, self._store = agent, executor, store
        self._enforcement, self._audit, self._closed = enforcement, audit, closed
        self._required = frozenset(each.uri for each in card.capabilities.extensions if each.required)
        self._actions = {skill.id: self._action(skill.id) for skill in agent.skills}
        self._taking: dict[tuple[str, str], Receipt] = {}

    @property
    def _sdk(self) -> RequestHandler:
        return cast(RequestHandler, super())

    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Message | Task:
        """Do what the message asks and answer when the task has ended or waits; at once when asked to return."""
        async with self._guarded(context):
            earlier = await self._taken(params.message, context)
            if earlier is None:
                return await self._sdk.on_message_send(params, context)
            task = await self._stored(earlier, context)
            if not params.configuration.return_immediately and task.status.state not in SETTLED:
                async with aclosing(self._follow(earlier, context)) as events:
                    async for event in events:
                        if isinstance(event, TaskStatusUpdateEvent | Task) and event.status.state in SETTLED:
                            break
                task = await self._stored(earlier, context)
            return apply_history_length(task, params.configuration)

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """The same, with everything that happens on the way."""
        async with self._guarded(context):
            earlier = await self._taken(params.message, context)
            if earlier is None:
                if params.message.task_id:  # a stream begins with the task, also that of a follow-up
                    yield await self._before(params, context)
                async for event in self._sdk.on_message_send_stream(params, context):
                    yield event
                return
            task = await self._stored(earlier, context)
            if task.status.state in SETTLED:
                yield task
                return
            async for event in self._follow(earlier, context):
                yield event
                if isinstance(event, TaskStatusUpdateEvent | Task) and event.status.state in SETTLED:
                    return

    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        """The task as it is."""
        async with self._guarded(context):
            self._check_standing(context)
            await self._stored(params.id, context)
            return await self._sdk.on_get_task(params, context)

    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """A page of tasks, shorter than it was asked for where some are closed to who asks; an agent sees those of its
        root task only."""
        async with self._guarded(context):
            self._check_standing(context)
            page = await self._sdk.on_list_tasks(params, context)
            caller = self._placed(context)
            seen = [each for each in page.tasks if self._sees(caller, each)]
            if caller.agent is None and len(seen) == len(page.tasks):
                return page
            total = page.total_size - len(page.tasks) + len(seen) if caller.agent is None else len(seen)
            return ListTasksResponse(
                tasks=seen, total_size=total, page_size=page.page_size, next_page_token=page.next_page_token
            )

    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task | None:
        """Cancel the task and what it started elsewhere, also when the process that ran it is gone."""
        async with self._guarded(context):
            task = await self._stored(params.id, context)
            if task.status.state in ENDED:
                raise TaskNotCancelableError
            self._allow(skill_of(task), context)
            try:  # without this the SDK writes CANCELED for a task it does not hold, and asks nobody
                await self._active_task_registry.get_or_create(params.id, call_context=context)
            except UnsupportedOperationError as error:
                raise TaskNotCancelableError from error
            return await self._sdk.on_cancel_task(params, context)

    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """The task as it is, then all that happens; one that lost its process is taken up again."""
        async with self._guarded(context):
            self._check_standing(context)
            task = await self._stored(params.id, context)
            if is_settled(task) or self._executor.is_here(params.id):
                async for event in self._sdk.on_subscribe_to_task(params, context):
                    yield event
            else:
                async for event in self._follow(params.id, context):
                    yield event

    async def take_up(self, task_id: str, context: ServerCallContext) -> None:
        """Go on with a task that lost its process; returns once it is settled."""
        async with self._guarded(context), aclosing(self._follow(task_id, context)) as events:
            async for event in events:
                if isinstance(event, Task) and is_answered(event):
                    continue  # as it was left
                if isinstance(event, TaskStatusUpdateEvent | Task) and event.status.state in SETTLED:
                    return

    async def tell_left(
        self, task_id: str, problem: Problem, at: datetime, context: ServerCallContext, *, failed: bool
    ) -> bool:
        """Say of a task that was left why it does not go on: it has failed, or somebody has to do something first.

        False when it is settled, or is here after all.
        """
        task = await self._store.get(task_id, context)
        if task is None or is_settled(task) or self._executor.is_here(task_id):
            return False
        said = Message(role=Role.ROLE_AGENT, parts=problem_parts(problem), message_id=f"{task_id}/left")
        said.task_id, said.context_id = task.id, task.context_id
        state = TaskState.TASK_STATE_FAILED if failed else task.status.state
        task.status.CopyFrom(TaskStatus(state=state, message=said))
        task.status.timestamp.FromDatetime(at)
        await self._store.save(task, context)
        return True

    async def _setup_active_task(
        self, params: SendMessageRequest, call_context: ServerCallContext
    ) -> tuple[ActiveTask, RequestContext]:
        missing = self._required - call_context.requested_extensions
        if missing:
            raise ExtensionSupportRequiredError(f"This agent needs {', '.join(sorted(missing))}.")
        message = params.message
        if message.task_id:
            task = await self._stored(message.task_id, call_context)
            self._allow(skill_of(task), call_context, message)
            if task.status.state in ENDED:
                raise UnsupportedOperationError("TASK_ENDED: the task has ended; begin a new one in the same context.")
            if not await self._executor.takes_message(task.id):
                raise UnsupportedOperationError("The task waits for no answer.")
            message.context_id = message.context_id or task.context_id
        else:
            skill = skill_for(self._agent, message)
            if skill is None:
                raise InvalidParamsError(self._unknown(message))
            self._allow(skill.id, call_context, message)
        return await super()._setup_active_task(params, call_context)

    async def _before(self, params: SendMessageRequest, context: ServerCallContext) -> Task:
        task = await self._stored(params.message.task_id, context)
        return apply_history_length(task, params.configuration)

    async def _follow(self, task_id: str, context: ServerCallContext) -> AsyncGenerator[Event, None]:
        """The task, then its events; begun again over its journal when its coroutine is gone."""
        try:
            active = await self._active_task_registry.get_or_create(task_id, call_context=context)
            request = None
            if not self._executor.is_here(task_id):
                task = await self._kept(task_id, context)
                self._allow(skill_of(task), context)
                request = RequestContext(context, task_id=task_id, context_id=task.context_id, task=task)
            async for event in active.subscribe(request=request, include_initial_task=True):
                yield event
        except UnsupportedOperationError:  # it ended in between
            yield await self._stored(task_id, context)

    async def _stored(self, task_id: str, context: ServerCallContext) -> Task:
        """The task for whoever asks. Raises TaskNotFoundError, also where it is closed to them."""
        task = await self._kept(task_id, context)
        if not self._sees(self._placed(context), task):
            raise TaskNotFoundError
        return task

    async def _kept(self, task_id: str, context: ServerCallContext) -> Task:
        """The task for who goes on with it: what is closed meanwhile it meets in its work."""
        task = await self._store.get(task_id, context)
        if task is None or not is_seen_by(session_of(context).caller, task):
            raise TaskNotFoundError
        return task

    def _placed(self, context: ServerCallContext) -> Caller:
        return self._enforcement.placed(session_of(context).caller, context.state.get(HTTP_SCOPE, {}))

    def _sees(self, caller: Caller, task: Task) -> bool:
        return is_seen_by(caller, task) and not self._closed.hides(caller, task)

    def _check_standing(self, context: ServerCallContext) -> None:
        """Who counts no more does not look, either; what is done is judged further on. Raises InvalidRequestError."""
        refusal = self._enforcement.standing.refusal(session_of(context).caller)
        if refusal is not None:
            self._refuse(Problem(refusal.code, refusal.message), context)

    def _allow(self, skill: str, context: ServerCallContext, message: Message | None = None) -> None:
        action = self._actions.get(skill) or self._action(skill)
        if self._enforcement.policies.asks_where and (client := context.state.get(HTTP_SCOPE, {}).get("client")):
            action = action.model_copy(update={"network": client[0]})
        caller = session_of(context).caller
        decision = self._enforcement.judge(caller, action, _words(message))
        context.state[POLICY] = decision.policy
        if not decision.allowed:
            self._note(caller, skill, decision)
            problem = decision.problem()
            decision_problem = Problem(problem.code, problem.message, problem.hint, scope=action.scope)
            self._refuse(decision_problem, context)

    def _action(self, skill: str) -> Action:
        return Action(name=skill, scope=self._agent.scope_of(skill), kind="write")

    def _refuse(self, problem: Problem, context: ServerCallContext) -> NoReturn:
        http = context.state.get(HTTP_SCOPE)
        if http is not None:
            http[REFUSAL] = problem
        raise InvalidRequestError(problem.line(), data={"code": problem.code, **problem.details})

    def _note(self, caller: Caller, skill: str, decision: Decision) -> None:
        """What is refused at the door leaves a row too; what is accepted is recorded with its task."""
        self._audit.append(
            actor=caller.agent or caller.person,
            on_behalf_of=caller.person,
            chain=caller.chain,
            action=f"ask {skill}",
            resource=self._agent.audience,
            decision=f"denied:{decision.code}",
            policy=decision.policy,
            task=caller.task.id if caller.task else "",
            root=caller.task.root if caller.task else "",
        )

    def _unknown(self, message: Message) -> str:
        offered = ", ".join(f"{skill.id} ({skill.request.schema_uri()})" for skill in self._agent.skills)
        asked = ", ".join(schema for part in message.parts if (schema := schema_of(part)))
        return f"MESSAGE_MALFORMED: {asked or 'The message'} names no skill of this agent; it offers {offered}."

    async def _taken(self, message: Message, context: ServerCallContext) -> str | None:
        """The task this message went into before; None, with a receipt on the context, when it is new."""
        owner, message_id = _asker_of(context), message.message_id
        if not message_id:
            return None  # refused further on
        sha256 = hashlib.sha256(message.SerializeToString(deterministic=True)).digest()
        running = self._taking.get((owner, message_id))
        if running is not None:
            _same(sha256, running.sha256)
            return await asyncio.shield(running.saved)
        known = self._store.taken(owner, message_id)
        if known is not None:
            _same(sha256, known[1])
            return known[0]
        receipt = Receipt(owner, message_id, sha256, asyncio.get_running_loop().create_future())
        receipt.saved.add_done_callback(lambda _: self._taking.pop((owner, message_id), None))
        self._taking[owner, message_id] = receipt
        context.state[RECEIPT] = receipt
        return None

    @asynccontextmanager
    async def _guarded(self, context: ServerCallContext) -> AsyncGenerator[None, None]:
        try:
            yield
        except Exception as error:
            told = _told(error)
            receipt: Receipt | None = context.state.pop(RECEIPT, None)
            if receipt is not None and not receipt.saved.done():
                receipt.saved.set_exception(told)
                receipt.saved.exception()  # nobody else may have been waiting
            if told is error:
                raise
            raise told from error


def _asker_of(context: ServerCallContext) -> str:
    """Whose messages are told apart by their ids: a person's, and those of each agent that acts for one."""
    agent = session_of(context).caller.agent
    return owner_of(context) if agent is None else f"{owner_of(context)} {agent}"


def _words(message: Message | None) -> dict[str, str]:
    """All that a message says, as the argument of a skill: ids are found in it wherever they stand."""
    return {} if message is None else {"message": message.SerializeToString().decode("latin-1")}


def _told(error: Exception) -> A2AError:
    if isinstance(error, A2AError):
        return error
    if isinstance(error, Problem):
        details: dict[str, Any] = {"code": error.code}
        return InvalidRequestError(error.line(), data=details)
    _log.error("a request failed", exc_info=error)
    return InternalError("Internal error")


def _same(one: bytes, other: bytes) -> None:
    if one != other:
        raise InvalidParamsError("CONFLICT: this messageId was used for another message.")
