"""Export: add the graph of a detector's encoder, verified on its golden clips."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from onnx import ModelProto

from rattle.detector.detector import Detector
from rattle.errors import BundleError
from rattle.learning.graph import EncoderGraph
from rattle.learning.inference import TrainedNetwork, restore_network
from rattle.runtime.graph import INPUTS, OUTPUTS, SPECTRA, Graph
from rattle.runtime.scorer import Scorer

# What two float32 programs of the same sums may differ by; scores are of order 1.
EXPORT_AGREES_WITHIN = 1e-4


def export(detector: Detector) -> Detector:
    """Add the ONNX graph by which a bundle scores without torch; ``EncoderGraph`` describes it.

    Raises ``BundleError`` for a baseline, which has no encoder, and where ONNX Runtime scores the
    golden clips otherwise than the bundle states.
    """
    if not isinstance(detector.model, TrainedNetwork):
        raise BundleError(
            f"the bundle is a baseline ({detector.recipe.method}); only a network has a graph: "
            "train one by a loss, such as bce+ddcsad, to export it"
        )
    graph = encoder_graph(detector.model)
    scorer = Scorer(detector.info, detector.model.head, Graph(graph), detector.golden)
    difference = scorer.verify()
    if not difference <= EXPORT_AGREES_WITHIN:
        raise BundleError(
            "the exported graph scores the stored clips otherwise than the bundle states, by "
            f"{difference:.2g} (at most {EXPORT_AGREES_WITHIN:g} is rounding); nothing was "
            "written: inspect the bundle to see whether it scores here as it did"
        )
    return replace(detector, graph=graph)


def encoder_graph(trained: TrainedNetwork) -> bytes:
    """Write the encoder behind its front end as an ONNX model, not verified."""
    settings = trained.recipe.features
    # A copy in the default layout: what channels last is for is not ONNX Runtime's.
    network, _ = restore_network(trained.recipe, trained.learnt())
    graph = EncoderGraph(trained.recipe, network.encoder).eval()
    # Sizes by which nothing is specialised: neither 0 nor 1, nor two alike.
    example = [
        torch.zeros(settings.window_samples + settings.fft_samples),
        torch.tensor(0.0),
        torch.tensor(1.0),
        torch.zeros(3, settings.mel_bands),
        torch.arange(settings.window_frames).repeat(2, 1),
    ]
    size = torch.export.Dim.DYNAMIC
    sizes: list[Any] = [{0: size}, None, None, {0: size}, {0: size, 1: size}]
    names = [*INPUTS]
    if trained.recipe.sees_spectrum:
        example.append(torch.zeros(2, trained.recipe.spectrum_bins))
        sizes.append(({0: size},))
        names.append(SPECTRA)
    with _quiet():
        program = torch.onnx.export(
            graph,
            tuple(example),
            dynamo=True,
            input_names=names,
            output_names=list(OUTPUTS),
            dynamic_shapes=tuple(sizes),
            verbose=False,
        )
    assert program is not None  # noqa: S101 - None only where a file was asked for
    model: ModelProto = program.model_proto
    _forget_origin(model)
    return bytes(model.SerializeToString())


def _forget_origin(model: ModelProto) -> None:
    """Drop the exporter's notes on where in whose Python files each node comes from.

    They name paths of the machine, and the same encoder would give another graph elsewhere.
    """
    graph = model.graph
    described = (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer)
    for part in (model, graph, *described):
        del part.metadata_props[:]
        part.doc_string = ""


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
