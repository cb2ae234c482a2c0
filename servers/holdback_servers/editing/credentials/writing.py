"""Writing a manifest into a finished file. Runs in the media worker, which never sees the key.

The worker opens sources that others made, so it must not hold a key. It writes the manifest with a marker where the
signature goes, and hands out what is to be signed; whoever has the key puts the signature in the marker's place. The
signature is outside of everything that the manifest hashes.
"""

import base64
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from holdback_base.problem import Problem

from holdback_servers.content_credentials import (
    active_manifest,
    content_type,
    read_store,
    reading_settings,
    source_types,
    training,
)
from holdback_servers.editing.credentials.manifest import Source, ingredient, manifest
from holdback_servers.editing.model import Timeline
from holdback_servers.media_reading import check_allowed


def _settings(anchors: str) -> dict[str, Any]:
    """C2PA's settings for writing: no network, and whose signatures on the sources are believed."""
    known = reading_settings(anchors)
    verify = known["verify"] | {"verify_after_sign": False}
    return known | {"verify": verify, "builder": {"thumbnail": {"enabled": False}}}


def marker(to_sign: bytes) -> bytes:
    """64 bytes that stand where the signature goes."""
    return hashlib.sha512(to_sign).digest()


def write_unsigned(arguments: dict[str, Any], report: Any) -> dict[str, Any]:
    """Write a delivery with a manifest that lacks its signature.

    Args:
        arguments: `timeline` (its JSON), `changes`, `files` (path by sha256), `unsigned` and `output` (paths), `chain`
            (the house's certificates as PEM), `anchors` (those of all whom the house believes, as PEM).

    Returns:
        `to_sign`, base64.

    Raises:
        Problem: INVALID_ARGUMENT for a file of a form that cannot carry credentials.
    """
    timeline = Timeline.model_validate(arguments["timeline"])
    files = {media: Path(path).resolve() for media, path in arguments["files"].items()}
    for media, path in files.items():
        check_allowed(path, media)
    unsigned, output = Path(arguments["unsigned"]), Path(arguments["output"])
    with unsigned.open("rb") as file:
        kind = content_type(file.read(16))
    if kind not in ("video/mp4", "video/quicktime"):
        raise Problem(
            "INVALID_ARGUMENT",
            "Content credentials can be written into MP4 and MOV files; this delivery is neither.",
            "Choose a profile of another container, or one without credentials.",
        )
    report(0, len(files) + 1, "reading the sources' credentials")
    sources = [_source(media, path) for media, path in files.items()]
    said = manifest(timeline, sources, arguments["changes"], kind=kind, version=version("holdback"))
    ingredients = [(path, ingredient(timeline, media)) for media, path in files.items()]
    to_sign = _write(said, ingredients, (unsigned, output, kind), arguments, report)
    return {"to_sign": base64.b64encode(to_sign).decode()}


def _source(media: str, path: Path) -> Source:
    _, store, _ = read_store(path, "")
    if store is None:
        return Source(media)
    return Source(media, source_types(store), training(active_manifest(store)))


def _write(
    said: dict[str, Any],
    ingredients: list[tuple[Path, dict[str, Any]]],
    target: tuple[Path, Path, str],
    certificates: dict[str, Any],
    report: Any,
) -> bytes:
    import c2pa  # pyright: ignore[reportMissingTypeStubs] - it is typed in its own sources

    unsigned, output, kind = target
    seen: list[bytes] = []

    def keep(to_sign: bytes) -> bytes:
        seen.append(to_sign)
        return marker(to_sign)

    context = c2pa.Context(settings=c2pa.Settings.from_json(json.dumps(_settings(certificates["anchors"]))))
    plain = [told for path, told in ingredients if _kind(path) is None]
    with c2pa.Builder({**said, "ingredients": plain}, context=context) as builder:
        for done, (path, told) in enumerate(ingredients):
            report(done, len(ingredients) + 1, "adding sources")
            if (form := _kind(path)) is not None:
                with path.open("rb") as file:
                    builder.add_ingredient_from_stream(json.dumps(told), form, file)  # pyright: ignore[reportUnknownMemberType]
        signer = c2pa.Signer.from_callback(keep, c2pa.C2paSigningAlg.ES256, certificates["chain"])
        with signer, unsigned.open("rb") as file, output.open("w+b") as out:
            builder.sign(signer, kind, file, out)
    return seen[-1]


def _kind(path: Path) -> str | None:
    with path.open("rb") as file:
        return content_type(file.read(16))
