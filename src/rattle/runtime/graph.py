"""The ONNX graph of a bundle, run by ONNX Runtime."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from rattle.errors import BundleError

OUTPUTS = ("logits", "distances", "embeddings", "log_mel")
EXTERNAL_FOLDER = "session.model_external_initializers_file_folder_path"


@dataclass(frozen=True)
class GraphOutput:
    """What the graph gives; a part that the loss does not have is None."""

    logits: NDArray[np.float64] | None
    distances: NDArray[np.float64] | None
    embeddings: NDArray[np.float32]
    log_mel: NDArray[np.float32]


class Graph:
    """One session of ONNX Runtime. May be run from several threads at once.

    ``threads`` work on one run. For many clips a thread each is as fast as all threads on one clip
    after another (``docs/performance.md``), and reading goes on beside it.
    """

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
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
            raise BundleError(
                f"the graph cannot be loaded by ONNX Runtime ({_first_line(error)}); write it "
                "again with: rattle export BUNDLE"
            ) from None
        self._outputs = [output.name for output in self._session.get_outputs()]
        inputs = {value.name: value.shape for value in self._session.get_inputs()}
        if set(inputs) != {"samples", "earlier", "frames"}:
            raise BundleError(
                f"the graph takes {', '.join(inputs)}, not samples, earlier and frames; write it "
                "again with: rattle export BUNDLE"
            )
        if not {"embeddings", "log_mel"} <= {*self._outputs} <= {*OUTPUTS}:
            raise BundleError(
                f"the graph gives {', '.join(self._outputs)}, not {', '.join(OUTPUTS)}; write it "
                "again with: rattle export BUNDLE"
            )
        bands = inputs["earlier"][1:]
        if len(bands) != 1 or not isinstance(bands[0], int):
            raise BundleError(
                f"the graph takes earlier frames of {bands} bands; write it again with: rattle "
                "export BUNDLE"
            )
        self.bands = bands[0]

    def run(
        self,
        samples: NDArray[np.float32],
        frames: NDArray[np.int64],
        earlier: NDArray[np.float32] | None = None,
    ) -> GraphOutput:
        """What the network says of windows of ``samples [T]``, raw and at the recipe's rate.

        ``frames [n, W]`` are the frames of each window. They count from the first of ``earlier
        [E, bands]``, frames known already; then come the 1 + T // hop of these samples, centred on
        multiples of the hop and continued by zeros, so the first and the last of a piece cut out
        of a longer sound (those within half a transform of its ends) are not that sound's.
        """
        if earlier is None:
            earlier = np.empty((0, self.bands), dtype=np.float32)
        given = {"samples": samples, "earlier": earlier, "frames": frames}
        try:
            found = dict(zip(self._outputs, self._session.run(self._outputs, given), strict=True))
        except Exception as error:  # ONNX Runtime's errors have no class of their own in common
            raise BundleError(
                f"the bundle's graph cannot be run by ONNX Runtime ({_first_line(error)}); write "
                "it again with: rattle export BUNDLE"
            ) from None
        logits, distances = found.get("logits"), found.get("distances")
        for part in (logits, distances):
            if part is not None and part.shape != (len(frames),):
                raise BundleError(
                    f"the bundle's graph gives parts of shape {part.shape} for {len(frames)} "
                    "windows; write it again with: rattle export BUNDLE"
                )
        return GraphOutput(
            logits=None if logits is None else logits.astype(np.float64),
            distances=None if distances is None else distances.astype(np.float64),
            embeddings=found["embeddings"],
            log_mel=found["log_mel"],
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
