"""What a tool shows of itself: its description, what it takes and gives, worked out when somebody first asks.

Schemas take most of the time that it takes to make a door, and whoever starts a house to call three tools needs none.
A room keeps those of its tools in a file beside its code, `tools.json`, for whoever lists them first thing: a test
holds the file to what the code says.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

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


class _Arguments(FuncMetadata):
    """What a tool takes. Clients may give lists and objects as JSON in a text; what is text already stays as it is, so
    that a file whose text is JSON, or a title such as `null`, arrives whole."""

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """The arguments, those that are no text read from JSON where they are given as such."""
        fields = self.arg_model.model_fields
        texts = {name for name, field in fields.items() if _is_text(field.annotation)}
        kept = {name: value for name, value in data.items() if name in texts}
        return super().pre_parse_json(data) | kept


def _is_text(annotation: Any) -> bool:
    """Whether only text, or nothing, can stand there."""
    if get_origin(annotation) is Annotated:
        return _is_text(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return all(each is NoneType or _is_text(each) for each in get_args(annotation))
    return annotation is str


@cache
def _arguments(of: _Signature) -> FuncMetadata:
    """Worked out at the first call: a start would wait for every tool."""
    return _Arguments(arg_model=func_metadata(of.function, skip_names=["call"], structured_output=False).arg_model)


@cache
def _schemas(of: _Signature) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of arguments and answer, worked out when tools are first listed."""
    metadata = func_metadata(of.function, skip_names=["call"], structured_output=True)
    takes = small_schema(metadata.arg_model.model_json_schema(by_alias=True))
    return takes | {"additionalProperties": False}, small_schema(metadata.output_schema or {})
