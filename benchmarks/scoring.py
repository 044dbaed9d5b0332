"""Scoring: a clip seen whole against ten windows, how far from real time, as torch does or not.

ResNet38 has random weights, which cost as much as trained ones.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile as sf
import torch
from numpy.typing import NDArray

from ratio import Ratio, side_by_side
from rattle import Detector, Machine, Manifest, Recipe, export
from rattle.clips.amplitude import Amplitude
from rattle.clips.layouts import load_manifest
from rattle.clips.reading import read_clip
from rattle.detector.export import encoder_graph
from rattle.detector.finish import make
from rattle.detector.own import OwnJob
from rattle.features.graph_log_mel import GraphLogMel
from rattle.learning.device import place
from rattle.learning.inference import TrainedNetwork, head_of
from rattle.learning.networks import build_network
from rattle.recipe.parts import Features
from rattle.runtime.graph import Graph
from rattle.runtime.scorer import Scorer
from rattle.scoring.clip import ClipParts
from rattle.scoring.windows import clip_windows

MACHINE = Machine.parse("fan/id_02")
ROUNDS = 5


def measure(data: Path) -> Iterator[Ratio]:
    test = load_manifest(data).of(MACHINE, split="test")
    sounds = [read_clip(Path(path)) for path in test.table["path"][:32]]
    yield from seen_once("small", sounds)
    yield from seen_once("resnet38", sounds[:2])
    detector = export(fit_quickly(data))
    yield agreement(detector, test)
    yield from real_time(scorer_of(detector), sounds)


def seen_once(name: str, sounds: list[NDArray[np.float32]]) -> Iterator[Ratio]:
    """Clips per second by graph and head on one thread: from known log-mels, and from samples."""
    recipe = Recipe.load("small" if name == "small" else "paper")
    torch.manual_seed(0)
    network, placement = build_network(recipe).eval(), place("cpu", "float32")
    placement.network(network)
    centroid = np.zeros((1, network.dimensions), dtype=np.float32)
    of_network = head_of(network, 0, centroid, recipe)
    trained = TrainedNetwork(recipe, network.encoder, of_network, placement)
    graph, head, amplitude = Graph(encoder_graph(trained)), trained.head, Amplitude(0.0, 0.01)
    count = 1 + len(sounds[0]) // recipe.features.hop_samples
    frames = {
        view: clip_windows(count, recipe.with_values(scoring={"view": view})).frames(count)
        for view in ("whole", "windows")
    }
    known = [graph.run(samples, frames["whole"], amplitude).features for samples in sounds]
    nothing = np.empty(0, dtype=np.float32)

    def from_log_mels(view: str) -> None:
        for log_mel in known:
            output = graph.run(nothing, frames[view], amplitude, log_mel)
            head.parts(np.zeros(len(frames[view])), output.embeddings)

    def from_samples(view: str) -> None:
        for samples in sounds:
            output = graph.run(samples, frames[view], amplitude)
            head.parts(np.zeros(len(frames[view])), output.embeddings)

    for what, scored in (("log-mels", from_log_mels), ("samples", from_samples)):
        took_s = side_by_side(
            {view: partial(scored, view) for view in frames},
            rounds=ROUNDS if len(sounds) > 9 else 2,
        )
        clip_ms = {view: 1000 * seconds / len(sounds) for view, seconds in took_s.items()}
        yield Ratio(
            f"clips a second seen whole over ten windows, {name}, from {what}",
            took_s["windows"] / took_s["whole"],
            5,
            f"{clip_ms['windows']:.1f} ms over {clip_ms['whole']:.2f} ms a 10 s clip, ONNX Runtime "
            "on one thread" + ("; the front end costs both the same" if what == "samples" else ""),
        )


def fit_quickly(data: Path) -> Detector:
    """A detector of the small recipe that has hardly learnt: what it costs is the same."""
    recipe = Recipe.load("small").with_values(training={"iterations": 3})
    (detector,) = make(OwnJob(load_manifest(data), MACHINE, recipe))
    return detector


def scorer_of(detector: Detector, *, threads: int = 1) -> Scorer:
    """The detector's graph and head; it must be exported."""
    assert isinstance(detector.model, TrainedNetwork)
    assert detector.graph is not None
    graph = Graph(detector.graph, threads=threads)
    return Scorer(detector.info, detector.model.head, graph)


def agreement(detector: Detector, test: Manifest) -> Ratio:
    """How far scores by the graph are from those by torch."""
    paths = list(test.table["path"])
    by_graph, by_torch = scorer_of(detector).score(paths), detector.score(paths)
    furthest = max(
        abs(one.score - other.score) for one, other in zip(by_graph, by_torch, strict=True)
    )
    return Ratio(
        "graph's score less torch's, largest",
        furthest,
        1e-4,
        f"{len(paths)} real clips, small",
        at_most=True,
    )


def real_time(scorer: Scorer, sounds: list[NDArray[np.float32]]) -> Iterator[Ratio]:
    """Seconds of sound a second from files of either kind to scores, on one core."""
    seconds = sum(map(len, sounds)) / scorer.recipe.audio.sample_rate_hz
    for suffix in ("wav", "flac"):
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{index}.{suffix}" for index in range(len(sounds))]
            for path, samples in zip(paths, sounds, strict=True):
                sf.write(path, samples, scorer.recipe.audio.sample_rate_hz)
            took_s = side_by_side({"": partial(score_all, scorer, paths)}, rounds=ROUNDS)[""]
        yield Ratio(
            f"times faster than real time on one core, {suffix} files",
            seconds / took_s,
            1000,
            f"small, {1000 * took_s / len(paths):.2f} ms a 10 s clip, one thread, file reading "
            "included",
        )


def score_all(scorer: Scorer, paths: list[Path]) -> None:
    for path in paths:
        scorer.parts(scorer.samples(path))


def profile(data: Path) -> str:
    """Where the time of scoring a clip goes."""
    detector = export(fit_quickly(data))
    path = load_manifest(data).of(MACHINE, split="test").table["path"][0]
    scorer = scorer_of(detector)
    samples = scorer.samples(path)
    audio, features = detector.recipe.audio, detector.recipe.features
    products = session_of(GraphLogMel(audio, features), samples)
    transform = session_of(Transform(features), samples)
    steps = {
        "reading the FLAC file": lambda: scorer.samples(path),
        "the graph and the head": lambda: scorer.parts(samples),
        "of it the front end, as matrix products": lambda: products.run(None, {"samples": samples}),
        "ONNX's own operator for the front end's transform alone": lambda: transform.run(
            None, {"samples": samples}
        ),
    }
    took_s = side_by_side(steps, rounds=50)
    lines = ["| step of scoring a 10 s clip, one thread | ms |", "|---|---:|"]
    lines += [f"| {name} | {1000 * seconds:.2f} |" for name, seconds in took_s.items()]
    return "\n".join([*lines, "", *arrangements(detector, samples)])


def arrangements(detector: Detector, samples: NDArray[np.float32]) -> Iterator[str]:
    """How clips are best shared out over the cores: what ``Scorer`` does was chosen by this."""
    clips, cores = [samples] * 64, os.cpu_count() or 1
    scorer, of_all_threads = scorer_of(detector), scorer_of(detector, threads=cores)
    eight = np.tile(np.arange(1 + len(samples) // scorer.recipe.features.hop_samples), (8, 1))

    def eight_at_once() -> ClipParts:
        output = scorer.graph.run(samples, eight, scorer.info.amplitude)
        return scorer.head.parts(np.zeros(len(eight)), output.embeddings)

    ways = {
        f"{cores} clips at a time, a thread each": lambda: scorer.score(clips),
        f"a clip at a time, {cores} threads": lambda: [*map(of_all_threads.parts, clips)],
        "a clip at a time, one thread": lambda: [*map(scorer.parts, clips)],
        "8 clips' windows in one batch, one thread": lambda: [
            eight_at_once() for _ in range(len(clips) // len(eight))
        ],
    }
    took_s = side_by_side(ways, rounds=ROUNDS)
    yield "| 64 clips, front end included (of a batch once for all) | clips a second |"
    yield "|---|---:|"
    yield from (f"| {name} | {len(clips) / seconds:.0f} |" for name, seconds in took_s.items())


class Transform(torch.nn.Module):
    """What ``torch.stft`` exports to."""

    def __init__(self, features: Features) -> None:
        super().__init__()
        self.length, self.hop = features.fft_samples, features.hop_samples
        self.register_buffer("window", torch.hann_window(self.length))

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        found = torch.stft(
            samples, self.length, self.hop, window=self.window, center=False, return_complex=True
        )
        return torch.view_as_real(found)


def session_of(part: torch.nn.Module, samples: NDArray[np.float32]) -> onnxruntime.InferenceSession:
    """A part of the front end in ONNX Runtime, on one thread."""
    program = torch.onnx.export(
        part.eval(),
        (torch.from_numpy(samples),),
        dynamo=True,
        input_names=["samples"],
        dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
        verbose=False,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(program.model_proto.SerializeToString(), options)
