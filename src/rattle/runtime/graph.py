"""Run a bundle's encoder by ONNX Runtime: the graph from samples to embeddings."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rattle.allocator import keep_freed_memory
from rattle.clips.amplitude import Amplitude
from rattle.errors import BundleError

INPUTS = ("samples", "mean", "deviation", "earlier", "frames")
# Of an encoder that sees the spectrum of its windows, too.
SPECTRA = "spectra"
OUTPUTS = ("embeddings", "features")
EXTERNAL_FOLDER = "session.model_external_initializers_file_folder_path"


@dataclass(frozen=True)
class GraphOutput:
    """Embeddings z ``[n, D]`` of the windows, and the features ``[F, bands]`` of the sound."""

    embeddings: NDArray[np.float32]
    features: NDArray[np.float32]


class Graph:
    """One session of ONNX Runtime. May be run from several threads at once.

    ``threads`` work on one run. For many clips a thread each is as fast as all threads on one clip
    after another (``docs/performance.md``), and reading goes on beside it. The process keeps freed
    memory from then on (``keep_freed_memory``). ``identity`` is the hash of the graph: embeddings
    of the same graph compare.
    """

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        keep_freed_memory()
        self.identity = hashlib.sha256(model).hexdigest()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4  # what is wrong comes as an exception
        # A graph may name files to take numbers from, by default in the working directory.
        options.add_session_config_entry(EXTERNAL_FOLDER, os.devnull)
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise _unusable(f"cannot be loaded by ONNX Runtime ({_first_line(error)})") from None
        inputs = {value.name: value.shape for value in self._session.get_inputs()}
        outputs = {value.name: value.shape for value in self._session.get_outputs()}
        needed = {*INPUTS, SPECTRA} if SPECTRA in inputs else {*INPUTS}
        for of, there, expected in (("takes", inputs, needed), ("gives", outputs, {*OUTPUTS})):
            if set(there) != expected:
                raise _unusable(f"{of} {', '.join(there)}, not {', '.join(sorted(expected))}")
        self.bands = _columns("takes earlier frames", inputs["earlier"])
        self.dimensions = _columns("gives embeddings", outputs["embeddings"])
        self.bins = _columns("takes spectra", inputs[SPECTRA]) if SPECTRA in inputs else 0

    def run(
        self,
        samples: NDArray[np.float32],
        frames: NDArray[np.int64],
        amplitude: Amplitude,
        earlier: NDArray[np.float32] | None = None,
        spectra: NDArray[np.float32] | None = None,
    ) -> GraphOutput:
        """Embed windows of ``samples [T]``, raw and at the recipe's rate.

        ``frames [n, W]`` are the frames of each window. They count from the first of ``earlier
        [E, bands]``, frames known already; then come the 1 + T // hop of these samples, centred on
        multiples of the hop and continued by zeros, so the first and the last of a piece cut out
        of a longer sound (those within half a transform of its ends) are not that sound's.
        ``amplitude`` is the machine's; ``spectra [n, bins]`` are the windows', for an encoder that
        sees them (``scoring.spectrum``).
        """
        if earlier is None:
            earlier = np.empty((0, self.bands), dtype=np.float32)
        values = {
            "samples": samples,
            "mean": np.array(amplitude.mean, dtype=np.float32),
            "deviation": np.array(amplitude.deviation, dtype=np.float32),
            "earlier": earlier,
            "frames": frames,
        }
        if spectra is not None:
            values[SPECTRA] = spectra
        try:
            embeddings, features = self._session.run(list(OUTPUTS), values)
        except Exception as error:  # ONNX Runtime's errors have no class of their own in common
            raise _unusable(f"cannot be run by ONNX Runtime ({_first_line(error)})") from None
        if embeddings.shape != (len(frames), self.dimensions):
            raise _unusable(f"gives embeddings {embeddings.shape} for {len(frames)} windows")
        return GraphOutput(embeddings, features)


# By the hash of the graph: many machines may have one encoder, and each session takes its weights'
# memory. Not by the hash of the encoder that a bundle states, which says nothing of its graph.
_sessions: WeakValueDictionary[tuple[str, int], Graph] = WeakValueDictionary()
_opening = threading.Lock()


def shared_graph(model: bytes, *, threads: int = 1) -> Graph:
    """Open a graph, or give the one that is open already: bundles of one encoder share it."""
    key = hashlib.sha256(model).hexdigest(), threads
    with _opening:
        graph = _sessions.get(key)
        if graph is None:
            graph = _sessions[key] = Graph(model, threads=threads)
        return graph


def _columns(what: str, shape: list[int | str | None]) -> int:
    """Give the second and last length of a shape, which a graph has to state."""
    if len(shape) != 2 or not isinstance(shape[1], int):
        raise _unusable(f"{what} of shape {shape}")
    return shape[1]


def _unusable(reason: str) -> BundleError:
    return BundleError(f"the bundle's graph {reason}; export it again", argument="graph")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
