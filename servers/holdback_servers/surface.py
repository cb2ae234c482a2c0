"""What a tool shows of itself: its description, what it takes and gives, worked out when somebody first asks.

Schemas take most of the time that it takes to make a door, and whoever starts a house to call three tools needs none.
A room keeps those of its tools in a file beside its code, `tools.json`, for whoever lists them first thing: a test
holds the file to what the code says.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from holdback_trust.policy import Action
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata, func_metadata
from mcp_types import Tool as MCPTool
from mcp_types import ToolAnnotations
from pydantic import BaseModel

from holdback_servers.wire import small_schema

Tool = Callable[..., Awaitable[BaseModel]]


@dataclass(frozen=True)
class Offer:
    """A tool as the door keeps it."""

    function: Tool
    title: str
    action: Action
    idempotent: bool
    open_world: bool

    @property
    def name(self) -> str:
        """What it is called by."""
        return self.function.__name__

    @property
    def description(self) -> str:
        """What it does, for a stranger."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def arguments(self) -> FuncMetadata:
        """What it takes."""
        return _arguments(_Signature(self.function))

    def listing(self, kept: Mapping[str, Any] | None = None) -> MCPTool:
        """The tool as it is listed, with the schemas of a listing that was kept, or worked out."""
        if kept is not None:
            takes, gives = kept["inputSchema"], kept["outputSchema"]
        else:
            takes, gives = _schemas(_Signature(self.function))
        return MCPTool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=takes,
            output_schema=gives,
            annotations=ToolAnnotations(
                read_only_hint=self.action.kind == "read",
                destructive_hint=self.action.kind == "destroy",
                idempotent_hint=self.idempotent or self.action.kind == "read",
                open_world_hint=self.open_world,
            ),
        )


class _Signature:
    """A function as what it takes and gives: the same for every closure of the same code."""

    def __init__(self, function: Tool) -> None:
        self.function = function

    def __hash__(self) -> int:
        return hash(self.function.__code__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Signature) and self.function.__code__ is other.function.__code__


@cache
def _arguments(of: _Signature) -> FuncMetadata:
    """Worked out at the first call: a start would wait for every tool."""
    return func_metadata(of.function, skip_names=["call"], structured_output=False)


@cache
def _schemas(of: _Signature) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of arguments and answer, worked out when tools are first listed."""
    metadata = func_metadata(of.function, skip_names=["call"], structured_output=True)
    takes = small_schema(metadata.arg_model.model_json_schema(by_alias=True))
    return takes | {"additionalProperties": False}, small_schema(metadata.output_schema or {})
