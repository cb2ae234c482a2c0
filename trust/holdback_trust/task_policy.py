"""The policy of one task: Cedar text that permits one agent what this task needs, made anew wherever it is asked.

ER 1011, 10.6.4: the workflow makes the policy. The gateway mints it when a task begins and signs its sha256 into every
token of the task; each enforcement point mints the same text from what the token says and compares. Pure.

All tasks of an agent with the same tools have one template, which is parsed and checked once. Filling its slot with the
task's name gives the text, as Cedar itself defines it.
"""

import json
from functools import lru_cache

from holdback_base.canonical import bytes_sha256

from holdback_trust.identity import TaskClaim

POLICY_ID = "task"
"""The `@id` of every minted policy; which task it was, the audit row says beside it."""
SLOT = "?principal"
_TEMPLATES_KEPT = 512


def mint(task: TaskClaim, agent: str, person: str) -> str:
    """The policy's text: who, for whom, with which tools, until when. The same arguments give the same text.

    `task.policy` is not looked at. Texts are quoted as JSON, which Cedar's strings are a superset of for what an id may
    hold: `_quoted` refuses the rest.

    Raises:
        ValueError: for an id with control characters.
    """
    before, after = _around(agent, task.tools)
    return f"{before}Task::{_quoted(task_name(task, person))}{after}"


def template(agent: str, tools: frozenset[str]) -> str:
    """What `mint` says for every task of this agent with these tools, with a slot where it names the task.

    Raises:
        ValueError: as `mint` does.
    """
    return SLOT.join(_around(agent, tools))


def task_name(task: TaskClaim, person: str) -> str:
    """For whom, the root, the task and the end of its window in seconds since 1970: `person:sam/t-1/t-2/1795266000`.

    Two tasks that differ in any of these differ in this: a stroke within one of them is written otherwise.
    """
    parts = (person, task.root, task.id)
    return "/".join((*(each.replace("%", "%25").replace("/", "%2F") for each in parts), str(until(task))))


def until(task: TaskClaim) -> int:
    """The first second since 1970 at which the task's window is over."""
    return int(task.expires.timestamp())


def policy_sha256(text: str) -> str:
    """The name of a minted policy: `sha256:` and 64 hex digits over its UTF-8."""
    return bytes_sha256(text.encode())


@lru_cache(maxsize=_TEMPLATES_KEPT)
def _around(agent: str, tools: frozenset[str]) -> tuple[str, str]:
    """The text before and after the task's name."""
    listed = ",\n      ".join(f"Capability::{_quoted(each)}" for each in sorted(tools))
    if not listed:  # a list of nothing has no type in Cedar; nothing permits anyway
        return f'@id("{POLICY_ID}")\nforbid (principal in ', ", action, resource);\n"
    return (
        f'@id("{POLICY_ID}")\npermit (\n  principal in ',
        f""",
  action in [Action::"read", Action::"write", Action::"destroy"],
  resource
)
when {{
  principal == Agent::{_quoted(agent)} &&
  principal has task &&
  context.epoch < principal.task.until &&
  [
      {listed}
  ].contains(resource)
}};
""",
    )


def _quoted(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("an id in a policy has printable ASCII characters only")
    return json.dumps(text)
