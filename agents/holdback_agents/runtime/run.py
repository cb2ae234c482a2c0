"""What a workflow is written against. Every effect of an agent is a step of its `Run`.

So one place gives progress, journal, tokens, audit, cancellation and resumption. Between steps a workflow has no clock,
no chance and no input or output of its own: played again over its journal it comes to the same place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast, overload

from holdback_base.problem import Problem
from holdback_trust.untrusted.facts import Facts
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from holdback_agents.contracts import Answer, ApprovalAnswer, ApprovalQuestion, Part, Progress, Question
from holdback_agents.runtime.agent import Agent
from holdback_agents.runtime.brain import Brain
from holdback_agents.runtime.conversation import Conversation
from holdback_agents.runtime.errands import Errand, Ways, call_tool, cancel_job, follow_job, started_job
from holdback_agents.runtime.journal import Kind
from holdback_agents.runtime.parts import artifact, find_part, read_model, text_part, wire_parts, words_of
from holdback_agents.runtime.steps import Effect, Steps

M = TypeVar("M", bound=BaseModel)
P = TypeVar("P", bound=Part)
_DECLINED = "declined"
"""In the details of what waits for a person's permission: a person was asked, and said no."""


@dataclass(frozen=True)
class Run:
    """One task's workflow and everything it may do.

    `started` is the instant the task was asked for, the same when it is taken up again: the only time a workflow knows.
    """

    agent: Agent
    ways: Ways
    brain: Brain
    talk: Conversation
    steps: Steps
    started: datetime

    @property
    def task_id(self) -> str:
        """This task."""
        return self.talk.task_id

    @property
    def context_id(self) -> str:
        """The story it belongs to."""
        return self.talk.context_id

    @property
    def person(self) -> str:
        """On whose behalf, such as `person:sam`."""
        return self.talk.session.caller.person

    async def tool(self, capability: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool such as `assets.search_assets`; its structured answer. Arguments that are None are left out.

        A job that it starts is cancelled with the task; `job` follows it.

        Where the guardian wants a person to look first, whoever gave this task is asked whether to try again.

        Raises:
            Problem: what the tool says went wrong; NOBODY_OFFERS, PERMISSION_DENIED or UNAVAILABLE on the way there;
                PERSON_NEEDED when it is not to be tried again.
        """
        given: dict[str, Any] = to_jsonable_python({k: v for k, v in arguments.items() if v is not None})

        async def effect(number: int) -> dict[str, Any]:
            result = await call_tool(self.ways, self.talk, capability, given, self.steps.key(number))
            if job_id := started_job(result):
                server = capability.partition(".")[0]
                self.steps.stoppable(job_id, lambda: cancel_job(self.ways, self.talk, server, job_id))
            return result

        return await self._permitted("tool", capability, given, effect)

    async def _permitted(self, kind: Kind, name: str, arguments: dict[str, Any], effect: Effect) -> dict[str, Any]:
        """The step; where it waits for a person's permission, once more after each yes of whoever gave this task.

        Anything but a yes raises what stopped it, so marked that nobody further up asks again.
        """
        while True:
            try:
                return await self._step(kind, name, arguments, effect)
            except Problem as problem:
                if problem.code != "PERSON_NEEDED" or problem.details.get(_DECLINED):
                    raise
                stopped = problem
            words = f"{stopped.message} {stopped.hint} Shall I try again, now that it is permitted? Say yes or no."
            answer = await self.ask(Question(text=words, missing=("permission",)))
            if answer.text.strip().rstrip(".!").lower() not in ("yes", "y"):
                raise Problem(stopped.code, stopped.message, stopped.hint, **{**stopped.details, _DECLINED: True})

    def undo(self, what: str, capability: str, scope: str = "", /, **arguments: Any) -> None:
        """Have a tool called if the task fails or is cancelled from here on; not a step. `keep` takes it back.

        `scope` is one that the tool takes for this beside its own.
        """
        given: dict[str, Any] = to_jsonable_python(arguments)

        async def stop() -> None:
            await call_tool(self.ways, self.talk, capability, given, f"{self.task_id}/undo/{what}", scope=scope)

        self.steps.stoppable(what, stop)

    def keep(self, what: str) -> None:
        """What was to be undone is left as it is, however the task ends."""
        self.steps.over(what)

    async def job(self, server: str, job_id: str, *, step: str = "") -> dict[str, Any]:
        """Follow a job that a tool of the server started, with its progress, and give its result.

        A cancelled task cancels the job. Raises Problem with what the job failed of.
        """

        async def report(progress: Progress) -> None:
            await self._tell(progress.model_copy(update={"step": step}))

        async def effect(number: int) -> dict[str, Any]:
            async def stop() -> None:
                await cancel_job(self.ways, self.talk, server, job_id)

            await self.steps.opened(number, {"server": server, "job": job_id}, stop)
            self.steps.over(job_id)  # from here on it is this step's to cancel
            return await follow_job(self.ways, self.talk, server, job_id, report)

        return await self._step("job", f"{server}.{job_id}", {}, effect)

    async def delegate(self, skill: str, request: Part, result: type[P]) -> P:
        """Have another agent do something; its progress and its questions come through this task.

        Where the guardian wants a person to look first, whoever gave this task is asked whether to try again.

        Raises:
            Problem: what it failed of or was rejected for; CANCELLED, NOBODY_OFFERS, PERMISSION_DENIED, UNAVAILABLE;
                BUDGET_EXCEEDED when the chain of agents is as long as it may be; PERSON_NEEDED when it is not to be
                tried again.
        """

        async def effect(number: int) -> dict[str, Any]:
            errand = Errand(self.ways, self.talk, self.steps, number, self.agent.name, skill)
            return await errand.run(request, result)

        body = await self._permitted("delegate", skill, request.model_dump(mode="json"), effect)
        return read_model(body, result, result.schema_name)

    @overload
    async def ask(self, question: ApprovalQuestion) -> ApprovalAnswer: ...
    @overload
    async def ask(self, question: Question) -> Answer: ...
    @overload
    async def ask(self, question: Part, answer: type[P]) -> P: ...
    async def ask(self, question: Part, answer: type[Part] | None = None) -> Part:
        """Ask whoever gave this task and wait; the task is input-required meanwhile.

        An `ApprovalQuestion` is put before the gateway first and gives an `ApprovalAnswer`, at once where policy passes
        it; a `Question` gives an `Answer`; for any other question say what answers it. What does not fit is asked again
        with the reason.
        """
        if isinstance(question, ApprovalQuestion) and not question.approval:
            filed = await self._file(question)
            if isinstance(filed, ApprovalAnswer):
                return filed
            question = filed
        model = answer or (ApprovalAnswer if isinstance(question, ApprovalQuestion) else Answer)
        text = str(getattr(question, "text", ""))
        first = wire_parts((question, text) if text else (question,))

        async def effect(number: int) -> dict[str, Any]:
            parts = first
            while True:
                said = await self.talk.ask(parts, (self.agent.name,))
                try:
                    return _understood(said.parts, model, question).model_dump(mode="json", exclude_none=True)
                except Problem as problem:
                    parts = [*first, text_part(problem.line())]

        body = await self._step("ask", question.schema_name, question.model_dump(mode="json"), effect)
        return read_model(body, model, model.schema_name)

    async def propose(self, about: str, facts: Mapping[str, Any], shape: type[M]) -> M | None:
        """What the brain proposes about the facts; a proposal and no more. Other people's words in them are marked."""
        given = Facts(facts)

        async def effect(_number: int) -> dict[str, Any]:
            said = await self.brain.propose(about, given, shape)
            return {"said": None if said is None else said.model_dump(mode="json")}

        configuration = self.brain.configuration.text
        said = (await self._step("propose", about, given.shape, effect, configuration))["said"]
        return None if said is None else read_model(said, shape, about)

    async def progress(
        self,
        text: str,
        *,
        step: str = "",
        of: int | None = None,
        done: int | None = None,
        total: int | None = None,
        unit: str = "",
    ) -> None:
        """Say how far it is: step `step` of `of`, `done` of `total` units within it. Not a step; costs no disk."""
        await self._tell(Progress(text=text, step=step, of=of, done=done, total=total, unit=unit))

    async def artifact(self, name: str, *parts: BaseModel | str) -> None:
        """Give something before the end; the same name again replaces it."""
        await self.talk.artifact(artifact(parts, artifact_id=name, name=name))

    async def _tell(self, progress: Progress) -> None:
        await self.talk.progress(progress.model_copy(update={"path": (self.agent.name,)}))

    async def _file(self, question: ApprovalQuestion) -> ApprovalQuestion | ApprovalAnswer:
        """The question as the gateway keeps it, or the answer where there is one already."""
        shape = question.model_dump(mode="json", exclude_none=True)

        async def effect(_number: int) -> dict[str, Any]:
            filed = await self.ways.house.file_approval(self.talk.session, self.task_id, self.context_id, shape)
            return {name: filed[name] for name in ("id", "decision", "statement", "decided_by") if filed.get(name)}

        filed = await self._step("approval", question.schema_name, shape, effect)
        if "statement" not in filed:
            return question.model_copy(update={"approval": str(filed["id"]), "clearance_statement": ""})
        return ApprovalAnswer(
            approval=filed["id"],
            decision=filed["decision"],
            statement=filed["statement"],
            by=filed["decided_by"],
        )

    async def _step(
        self, kind: Kind, name: str, arguments: dict[str, Any], effect: Effect, configuration: str = ""
    ) -> dict[str, Any]:
        caller = self.talk.session.caller
        return await self.steps.take(caller, kind, name, arguments, effect, configuration=configuration)


def _understood(parts: Any, model: type[Part], question: Part) -> Part:
    found = find_part(parts, model, model.schema_uri())
    if found is None and model is Answer and (words := words_of(parts)):
        found = Answer(text=words)
    if found is None:
        raise Problem(
            "MESSAGE_MALFORMED", "That does not answer the question.", f"Send a data part {model.schema_uri()}."
        )
    if isinstance(question, ApprovalQuestion) and cast(ApprovalAnswer, found).approval != question.approval:
        raise Problem("MESSAGE_MALFORMED", "That answers another approval.", f"Answer {question.approval}.")
    return found
