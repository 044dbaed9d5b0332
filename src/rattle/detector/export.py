"""Export: a detector's ONNX graph, verified on its golden clips before anyone gets it."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import torch

from rattle.clips.amplitude import Amplitude
from rattle.detector import Detector
from rattle.detector.detector import as_samples
from rattle.errors import BundleError
from rattle.learning.graph import INPUTS, ScoringGraph
from rattle.learning.inference import TrainedNetwork
from rattle.learning.networks import build_network
from rattle.runtime.graph import Graph
from rattle.runtime.scorer import Scorer

# What two float32 programs of the same sums may differ by; scores are of order 1.
AGREES_WITHIN = 1e-4


def export(detector: Detector) -> bytes:
    """The detector as an ONNX graph; ``ScoringGraph`` tells its inputs and outputs.

    Raises ``BundleError`` for a baseline, which has no network, and where ONNX Runtime scores the
    golden clips otherwise than the bundle states.
    """
    if not isinstance(detector.model, TrainedNetwork):
        raise BundleError(
            f"the bundle is a baseline ({detector.recipe.method}); only a network has a graph: "
            "train one by a loss (rattle train --method bce+ddcsad) to export it"
        )
    stated = detector.info.amplitude
    graph = graph_of(detector.model, Amplitude(stated.mean, stated.deviation))
    difference = disagreement(detector, graph)
    if not difference <= AGREES_WITHIN:
        raise BundleError(
            f"the exported graph scores the stored clips otherwise than the bundle states, by "
            f"{difference:.2g} (at most {AGREES_WITHIN:g} is rounding); nothing was written: see "
            "with rattle inspect whether the bundle scores here as it did"
        )
    return graph


def disagreement(detector: Detector, graph: bytes) -> float:
    """The largest difference of a golden clip's score by the graph from what is stated.

    Relative to the score where that is above 1.
    """
    again = Scorer(detector.info, Graph(graph)).score(as_samples(detector.golden))
    pairs = zip(again, detector.info.golden, strict=True)
    return max(
        (abs(clip.score - said.score) / max(abs(said.score), 1.0) for clip, said in pairs),
        default=0.0,
    )


def graph_of(trained: TrainedNetwork, statistics: Amplitude) -> bytes:
    """The network behind its front end as an ONNX model, not verified: ``export`` does that."""
    settings = trained.recipe.features
    # A copy in the default layout: what channels last is for is not ONNX Runtime's.
    network = build_network(trained.recipe)
    network.load_state_dict(trained.network.state_dict())
    centroid = None if trained.centroid is None else trained.centroid.cpu()
    graph = ScoringGraph(trained.recipe, network, centroid, statistics).eval()
    # Sizes by which nothing is specialised: neither 0 nor 1, nor two alike.
    example = (
        torch.zeros(settings.window_samples + settings.fft_samples),
        torch.zeros(3, settings.mel_bands),
        torch.arange(settings.window_frames).repeat(2, 1),
    )
    size = torch.export.Dim.DYNAMIC
    with _quiet():
        program = torch.onnx.export(
            graph,
            example,
            dynamo=True,
            input_names=list(INPUTS),
            output_names=list(graph.outputs),
            dynamic_shapes=({0: size}, {0: size}, {0: size, 1: size}),
            verbose=False,
        )
    assert program is not None  # noqa: S101 - None only where a file was asked for
    return program.model_proto.SerializeToString()  # type: ignore[no-any-return]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes on its own workings from the user."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)
