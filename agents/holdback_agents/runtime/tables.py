"""What an agent keeps: its tasks, the messages it has taken, and the steps of its workflows."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData()

tasks = Table(
    "tasks",
    METADATA,
    Column("task_id", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("context_id", String, nullable=False),
    Column("state", Integer, nullable=False),
    Column("updated", BigInteger, nullable=False),  # nanoseconds since 1970 of the status
    Column("body", LargeBinary, nullable=False),  # a2a.v1.Task, serialized
    Index("tasks_of_owner", "owner", "updated", "task_id"),
)

messages = Table(
    "messages",
    METADATA,
    Column("owner", String, primary_key=True),
    Column("message_id", String, primary_key=True),
    Column("task_id", String, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
)

steps = Table(
    "steps",
    METADATA,
    Column("task_id", String, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("args_sha256", String, nullable=False),
    Column("state", String, nullable=False),  # open | done | failed
    Column("body", Text, nullable=False),  # JSON: what to cancel while open, the result, or the problem
)
