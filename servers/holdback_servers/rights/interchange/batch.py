"""What comes in from outside: contracts and rights read from a file, with what is wrong and what is not kept. Pure.

Every reader (sheet, Avails, ODRL) makes a `Batch`; nothing is known here of where it goes.
"""

from typing import Annotated, Literal

from holdback_base.vocabulary import Noun
from pydantic import Field

from holdback_servers.rights.model import ContractTerms, RightTerms
from holdback_servers.rights.moments import Event
from holdback_servers.workbooks.remarks import Remark as Remark

Format = Literal["sheet", "avails_xlsx", "avails_xml", "odrl_jsonld", "odrl_turtle", "ebucore_turtle"]
FileKey = Annotated[str, Field(min_length=1, max_length=200)]
"""The name under which a contract or a right is found again when the same file, or its next issue, comes in. It starts
with the format and the owner, so that two sources never meet: `sheet:`, `avails:<licensor>:`, `odrl:<policy uid>:`."""


class ImportedContract(Noun):
    """A contract as a file tells it."""

    key: FileKey
    terms: ContractTerms
    place: str


class ImportedRight(Noun):
    """A right as a file tells it. `expects` is what its disposition says of the record: `new` for Create, `known` for
    Update."""

    key: FileKey
    contract: FileKey
    terms: RightTerms
    place: str
    expects: Literal["any", "new", "known"] = "any"


class Batch(Noun):
    """All that a file says. With a mistake in it nothing of it is recorded.

    `replaces` are key prefixes of which the file is the full extract: rights on record under one of them that the file
    does not hold are withdrawn. `withdraws` are keys of rights that the file takes back, each with its place; unknown
    ones are told and change nothing.
    `counted` are keys of rights that the file does not name: they end in a count of such rights, and which right on
    record each of them is, is found by what it says.
    `mistakes` keep everything out; `losses` are what the file says and Holdback does not decide by (it may be carried).
    """

    format: Format
    contracts: tuple[ImportedContract, ...] = ()
    rights: tuple[ImportedRight, ...] = ()
    events: tuple[Event, ...] = ()
    replaces: tuple[FileKey, ...] = ()
    withdraws: tuple[tuple[FileKey, str], ...] = ()
    counted: tuple[FileKey, ...] = ()
    mistakes: tuple[Remark, ...] = ()
    losses: tuple[Remark, ...] = ()


class Exported(Noun):
    """A file made of rights on record. `content` is text, or base64 for XLSX; `losses`: what the format cannot say."""

    format: Format
    file_name: str
    media_type: str
    content: str
    base64: bool = False
    rights: int
    losses: tuple[Remark, ...] = ()

    def text(self) -> str:
        """The file where it is text, after what it is and what it cannot say."""
        lines = [f"{self.file_name}: {self.rights} rights as {self.format}."]
        lines += [f"  not said: {each.place}: {each.message}" for each in self.losses[:50]]
        lines += [f"  ... and {len(self.losses) - 50} more"] if len(self.losses) > 50 else []
        lines.append("Its bytes are in `content` as base64." if self.base64 else self.content)
        return "\n".join(lines)
