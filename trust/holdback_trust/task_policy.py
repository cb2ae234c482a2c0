"""The policy of one task: Cedar text that permits one agent what this task needs, made anew wherever it is asked.

ER 1011, 10.6.4: the workflow makes the policy. The gateway mints it when a task begins and signs its sha256 into every
token of the task; each enforcement point mints the same text from what the token says and compares. Pure.
"""

import hashlib
import json

from holdback_trust.identity import TaskClaim

POLICY_ID = "task"
"""The `@id` of every minted policy; which task it was, the audit row says beside it."""


def mint(task: TaskClaim, agent: str, person: str) -> str:
    """The policy's text: who, for whom, with which tools, until when. The same arguments give the same text.

    `task.policy` is not looked at. Texts are quoted as JSON, which Cedar's strings are a superset of for what an id may
    hold: `_quoted` refuses the rest.

    Raises:
        ValueError: for an id with control characters.
    """
    tools = ",\n      ".join(f"Capability::{_quoted(each)}" for each in sorted(task.tools))
    if not tools:  # a list of nothing has no type in Cedar; nothing permits anyway
        return f'@id("{POLICY_ID}")\nforbid (principal == Agent::{_quoted(agent)}, action, resource);\n'
    return f"""@id("{POLICY_ID}")
permit (
  principal == Agent::{_quoted(agent)},
  action in [Action::"read", Action::"write", Action::"destroy"],
  resource
)
when {{
  context.person == Person::{_quoted(person)} &&
  context.epoch < {int(task.expires.timestamp())} &&
  principal has task &&
  principal.task.id == {_quoted(task.id)} &&
  principal.task.root == {_quoted(task.root)} &&
  [
      {tools}
  ].contains(resource)
}};
"""


def policy_sha256(text: str) -> str:
    """The name of a minted policy: `sha256:` and 64 hex digits over its UTF-8."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _quoted(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("an id in a policy has printable ASCII characters only")
    return json.dumps(text)
