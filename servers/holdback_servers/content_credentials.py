"""Content credentials (C2PA): reading what a file says of where it comes from. What reads runs in the media worker.

Nothing is fetched: neither manifests that a file only points at, nor lists of revoked certificates. Source: C2PA
Technical Specification 2.4; the states are those of its section on validation.
"""

import json
import re
from pathlib import Path
from typing import Any, Literal, cast

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from pydantic import Field

from holdback_servers.settings import Settings

State = Literal["none", "elsewhere", "Valid", "Trusted", "Invalid"]
"""`Trusted` holds and its signer is known here; `Valid` holds, but anybody could have signed it; `Invalid` does not
hold; `none` says nothing; `elsewhere` points at an address, which is not fetched."""

SYNTHETIC = frozenset({"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"})
"""Digital source types (IPTC) of what a generative model made, or that holds such a thing."""
_LONGEST, _MOST = 500, 100
ANCHORS = "trust_anchors"
"""A folder in the home: certificates (PEM) of those whose signatures are believed. None come with Holdback."""
_MOST_ANCHORS = 4 << 20
_ELSEWHERE = re.compile(r"Remote: must fetch remote manifests from url (\S+)")


class CredentialAction(Noun):
    """What was done, by C2PA's names (`c2pa.edited`), with what, and what kind of thing came of it (IPTC)."""

    action: str
    agent: str | None = None
    source_type: str | None = None
    when: str | None = None
    description: str | None = None


class CredentialIngredient(Noun):
    """What it was made from; `problems` are codes of what did not hold in the ingredient's own credentials."""

    title: str
    relationship: str
    has_credentials: bool
    problems: tuple[str, ...] = ()


class Credentials(Noun):
    """What a file's content credentials say, and whether to believe it.

    `problems` are codes of what does not hold, with C2PA's explanation. `training` is what the file says of its use for
    training and mining (`ai_training`: `notAllowed`). `synthetic` says that it, or something in it, is told to be made
    by a generative model. All texts are of whoever signed: material, not instructions.
    """

    state: State
    signer: str | None = None
    signed_at: str | None = None
    claim_generator: str | None = None
    title: str | None = None
    actions: tuple[CredentialAction, ...] = ()
    ingredients: tuple[CredentialIngredient, ...] = ()
    source_types: tuple[str, ...] = ()
    training: dict[str, str] = Field(default={})
    synthetic: bool = False
    address: str | None = None
    problems: tuple[str, ...] = ()


def content_type(head: bytes) -> str | None:
    """The media type of a file by its first 16 bytes, where credentials can stand in such a file; else None."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "video/quicktime" if brand == b"qt  " else "audio/mp4" if brand[:3] == b"M4A" else "video/mp4"
    if head[:4] == b"RIFF":
        return {b"WAVE": "audio/wav", b"AVI ": "video/avi", b"WEBP": "image/webp"}.get(head[8:12])
    starts = {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG": "image/png",
        b"ID3": "audio/mpeg",
        b"fLaC": "audio/flac",
        b"GIF8": "image/gif",
        b"II*\0": "image/tiff",
        b"MM\0*": "image/tiff",
    }
    return next((found for start, found in starts.items() if head.startswith(start)), None)


def anchors(settings: Settings) -> str:
    """The certificates that are believed, as PEM text: the house's own authority, and those in `trust_anchors`.

    Raises:
        Problem: INVALID_ARGUMENT naming a file there that holds no certificates.
    """
    own = settings.home / "keys" / "credentials" / "authority.crt"
    others = sorted((settings.home / ANCHORS).glob("*.pem")) + sorted((settings.home / ANCHORS).glob("*.crt"))
    return "".join(_certificates(path) for path in (own, *others))


def _certificates(path: Path) -> str:
    """Raises Problem INVALID_ARGUMENT for a file of something else, since it would be believed by nobody's intent."""
    from cryptography import x509

    if not path.is_file():
        return ""
    try:
        if path.stat().st_size > _MOST_ANCHORS:
            raise ValueError("too large")
        x509.load_pem_x509_certificates(path.read_bytes())
        return path.read_text(encoding="ascii").rstrip() + "\n"
    except ValueError as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{path.name} among the trust anchors holds no certificates as PEM.",
            "Take it away, or write certificates between BEGIN and END lines, at most 4 MiB of them.",
        ) from error


def reading_settings(anchors: str) -> dict[str, Any]:
    """C2PA's settings for reading: no network, and the certificates that are believed, as PEM text."""
    settings: dict[str, Any] = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": bool(anchors)},
        "core": {"allowed_network_hosts": []},
    }
    return settings | ({"trust": {"trust_anchors": anchors}} if anchors else {})


def read_store(path: Path, anchors: str) -> tuple[str | None, dict[str, Any] | None, str | None]:
    """The manifest store of a file as C2PA tells it, an address if that is all there is, and what was wrong with it.

    Exactly one of them is there, or none where the file has no credentials.
    """
    import c2pa  # pyright: ignore[reportMissingTypeStubs] - it is typed in its own sources

    with path.open("rb") as file:
        kind = content_type(file.read(16))
        if kind is None:
            return None, None, None
        file.seek(0)
        context = c2pa.Context(settings=c2pa.Settings.from_json(json.dumps(reading_settings(anchors))))
        try:
            with c2pa.Reader(kind, file, context=context) as reader:
                return None, cast(dict[str, Any], json.loads(reader.json())), None
        except c2pa.C2paError as error:
            if type(error).__name__.endswith("ManifestNotFound"):  # a class that the library adds while it is imported
                return None, None, None
            if (match := _ELSEWHERE.fullmatch(str(error))) is not None:
                return match.group(1)[:_LONGEST], None, None
            return None, None, str(error)[:_LONGEST]


def read_file(arguments: dict[str, Any], _report: Any) -> dict[str, Any]:
    """The credentials of a file. Runs in the media worker.

    Args:
        arguments: `path`; `anchors`, certificates that are believed, as PEM text.
    """
    from holdback_servers.media_reading import check_allowed

    path = Path(arguments["path"]).resolve()
    check_allowed(path, path.name)
    address, store, wrong = read_store(path, str(arguments["anchors"]))
    if store is not None:
        return summary(store).model_dump(mode="json")
    if wrong is not None:
        return Credentials(state="Invalid", problems=(wrong,)).model_dump(mode="json")
    state: State = "none" if address is None else "elsewhere"
    return Credentials(state=state, address=address).model_dump(mode="json")


def summary(store: dict[str, Any]) -> Credentials:
    """What matters of a manifest store. Raises Problem MEDIA_DAMAGED for one of another shape."""
    active = _in(store, "manifests", _in(store, "active_manifest"))
    if active is None:
        raise Problem("MEDIA_DAMAGED", "The content credentials name no active manifest.", "Get the file again.")
    types = source_types(store)
    names = [str(each) for name in ("common_name", "issuer") if (each := _in(active, "signature_info", name))]
    return Credentials(
        state=store.get("validation_state", "Invalid"),
        signer=_text(" / ".join(names)),
        signed_at=_text(_in(active, "signature_info", "time")),
        claim_generator=_generator(active),
        title=_text(_in(active, "title")),
        actions=tuple(_action(each) for each in _actions(active)[:_MOST]),
        ingredients=tuple(_ingredient(each) for each in _list(_in(active, "ingredients"))[:_MOST]),
        source_types=types,
        training=training(active),
        synthetic=any(each in SYNTHETIC for each in types),
        problems=tuple(_problem(each) for each in _failures(store)),
    )


def source_types(store: dict[str, Any]) -> tuple[str, ...]:
    """The digital source types (IPTC) that any action in a manifest store tells, by their last part."""
    manifests = cast(dict[str, Any], store.get("manifests") or {}).values()
    found = [_in(each, "digitalSourceType") for manifest in manifests for each in _actions(manifest)]
    return tuple(dict.fromkeys(str(each).rpartition("/")[2][:80] for each in found if each))


def training(manifest: Any) -> dict[str, str]:
    """What a manifest says of training and mining: `allowed`, `notAllowed` or `constrained`, by what for."""
    found: dict[str, str] = {}
    for assertion in _assertions(manifest, "cawg.training-mining", "c2pa.training-mining"):
        for name, entry in cast(dict[str, Any], _in(assertion, "data", "entries") or {}).items():
            use = str(_in(entry, "use"))
            if use in ("allowed", "notAllowed", "constrained"):
                found[str(name).removeprefix("cawg.").removeprefix("c2pa.")[:60]] = use
    return found


def active_manifest(store: dict[str, Any]) -> Any:
    """The manifest that speaks for the file."""
    return _in(store, "manifests", _in(store, "active_manifest"))


def _assertions(manifest: Any, *labels: str) -> list[Any]:
    return [each for each in _list(_in(manifest, "assertions")) if str(_in(each, "label")).startswith(labels)]


def _actions(manifest: Any) -> list[Any]:
    return [action for each in _assertions(manifest, "c2pa.actions") for action in _list(_in(each, "data", "actions"))]


def _action(told: Any) -> CredentialAction:
    agent = _in(told, "softwareAgent")
    return CredentialAction(
        action=str(_in(told, "action"))[:80],
        agent=_text(agent if isinstance(agent, str) else _in(agent, "name")),
        source_type=_text(str(_in(told, "digitalSourceType") or "").rpartition("/")[2]),
        when=_text(_in(told, "when")),
        description=_text(_in(told, "description")),
    )


def _ingredient(told: Any) -> CredentialIngredient:
    return CredentialIngredient(
        title=_text(_in(told, "title")) or "",
        relationship=str(_in(told, "relationship"))[:40],
        has_credentials=_in(told, "active_manifest") is not None,
        problems=tuple(str(_in(each, "code"))[:120] for each in _failures(told)),
    )


def _failures(told: Any) -> list[Any]:
    return _list(_in(told, "validation_results", "activeManifest", "failure"))[:_MOST]


def _generator(active: Any) -> str | None:
    told = _list(_in(active, "claim_generator_info"))
    if not told:
        return _text(_in(active, "claim_generator"))
    return _text(" ".join(str(said) for part in ("name", "version") if (said := _in(told[0], part))))


def _problem(told: Any) -> str:
    return f"{_in(told, 'code')}: {_in(told, 'explanation') or ''}"[:_LONGEST].rstrip(": ")


def _in(told: Any, *names: Any) -> Any:
    """What stands under names in JSON that others wrote; None where nothing does."""
    for name in names:
        told = cast(dict[Any, Any], told).get(name) if isinstance(told, dict) else None
    return told


def _list(told: Any) -> list[Any]:
    return cast(list[Any], told) if isinstance(told, list) else []


def _text(told: Any) -> str | None:
    return str(told)[:_LONGEST] if told else None
