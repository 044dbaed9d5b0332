"""What trainings share: what one begins with, what it keeps, what it is calibrated on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rattle.bundle.file import GoldenClips
from rattle.bundle.known import Named
from rattle.bundle.replay import Replay
from rattle.clips.amplitude import Amplitude
from rattle.clips.clip import Clip
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.clips.pcm16 import to_16_bit
from rattle.clips.recorder import Recorder
from rattle.detector.detector import Detector
from rattle.detector.job import Start, Watch
from rattle.diagnosis.reference import MOST_CLIPS
from rattle.errors import DataError
from rattle.features.sieve import Sieve
from rattle.features.store import FeatureStore
from rattle.features.views import Rows
from rattle.learning.batches import BatchSource, ClipFeatures
from rattle.learning.centroids import pushed_from_zero
from rattle.learning.device import Placement
from rattle.learning.fleet import FleetSource
from rattle.learning.inference import embed, restore_network
from rattle.learning.losses import CentroidPair
from rattle.learning.networks import build_network
from rattle.learning.pretrained import load_pretrained
from rattle.randomness import REPLAY, stream
from rattle.recipe import Recipe
from rattle.scoring.head import evenly
from rattle.scoring.head_fit import fit_posterior

GOLDEN_CLIPS = 2
# Clips of a group that its head is fitted to before the encoder learns on.
STARTED_CLIPS = 16
GOLDEN_SECONDS = 13.0
DEFAULT_ALPHA = "the recipe's default"
# Clips, and the features of each.
Featured = tuple[Manifest, ClipFeatures]


def labelled_clips_of(validation: Manifest | None, machine: Machine, sieve: Sieve) -> list[Clip]:
    """Take the machine's labelled validation clips that are fit; none of no manifest.

    Raises ``DataError`` where they are not of both classes.
    """
    if validation is None:
        return []
    clips = [clip for clip in sieve.fit(validation.of(machine)) if clip.label != "unknown"]
    anomalies = sum(clip.label == "anomaly" for clip in clips)
    if not 0 < anomalies < len(clips):
        raise DataError(
            f"the validation clips of {machine} are {anomalies} anomalies and "
            f"{len(clips) - anomalies} normals; choosing alpha needs both: give others, or none "
            "to use the recipe's alpha",
            argument="validation",
        )
    return clips


def labelled_features(
    clips: Iterable[Clip], amplitude: Amplitude, store: FeatureStore
) -> list[tuple[Rows, bool]]:
    """Compute the features of labelled clips, each with whether it is an anomaly."""
    front_end = store.front_end
    return [
        (
            front_end.features(front_end.read(clip.path, clip.excerpt), amplitude),
            clip.label == "anomaly",
        )
        for clip in clips
    ]


def golden(held_out: Manifest, store: FeatureStore) -> GoldenClips:
    """Take some held-out clips as 16-bit samples, whose scores a bundle states."""
    limit = int(GOLDEN_SECONDS * store.audio.sample_rate_hz)
    clips = list(held_out)[:GOLDEN_CLIPS]
    return tuple(to_16_bit(store.front_end.read(clip.path, clip.excerpt)[:limit]) for clip in clips)


def sounds_of(clips: Manifest, store: FeatureStore) -> Iterator[NDArray[np.float32]]:
    """Read at most as many of the clips as a reference holds, evenly spread over them."""
    every = list(clips)
    chosen = [every[place] for place in evenly(len(every), MOST_CLIPS)]
    return (store.front_end.read(clip.path, clip.excerpt) for clip in chosen)


def recorder_of(clips: Manifest, store: FeatureStore) -> Recorder | None:
    """Sum up how clips were recorded, to tell later where another one was not."""
    traits = (facts.traits for facts in store.facts(clips))
    return Recorder.of(traits, store.audio.sample_rate_hz)


def names_of(clips: Manifest) -> list[Named]:
    """Name clips as a bundle does, in the manifest's order."""
    return [Named.of(clip.content_hash, clip.name, clip.attributes) for clip in clips]


def replay_of(
    trained: Featured,
    held_out: Featured,
    outliers: Mapping[str, Featured],
    *,
    seed: int,
    clips: int,
) -> Replay:
    """Take a fair sample of all that a training read, of each machine at most so many clips."""
    return Replay(
        normals=_some(*trained, seed, clips),
        held_out=_some(*held_out, seed, clips),
        outliers={machine: _some(*of, seed, clips) for machine, of in outliers.items()},
    )


def _some(clips: Manifest, features: ClipFeatures, seed: int, count: int) -> dict[str, Rows]:
    # Not all of them put in order first: a fleet may have tens of thousands.
    hashes = clips.hashes()
    order = stream(seed, REPLAY).permutation(len(hashes))[:count]
    return {hashes[i]: features[int(i)] for i in order}


def source_of(clips: Replay, recipe: Recipe, seed: int) -> BatchSource:
    """Draw batches of known clips, with the recipe's share of anomalies where there are any."""
    training = recipe.training
    anomalies_per_batch = recipe.adaptation.anomalies_per_batch if clips.anomalies else 0
    return BatchSource(
        normals=list(clips.normals.values()),
        outliers=[list(of.values()) for of in clips.outliers.values()],
        anomalies=list(clips.anomalies.values()),
        normals_per_batch=training.normals_per_batch,
        outliers_per_batch=training.outliers_per_batch - anomalies_per_batch,
        anomalies_per_batch=anomalies_per_batch,
        window_frames=recipe.features.window_frames,
        bands=recipe.features.mel_bands,
        seed=seed,
    )


def fleet_source_of(clips: Replay, recipe: Recipe, seed: int) -> FleetSource:
    """Draw batches of known clips for a fleet's encoder: each machine a group, the anomalies one.

    As many windows of each as ``source_of`` draws.
    """
    training = recipe.training
    anomalies = recipe.adaptation.anomalies_per_batch if clips.anomalies else 0
    each = (training.outliers_per_batch - anomalies) / len(clips.outliers)
    groups = [list(clips.normals.values()), *(list(of.values()) for of in clips.outliers.values())]
    windows = [float(training.normals_per_batch), *[each] * len(clips.outliers)]
    if clips.anomalies:
        groups.append(list(clips.anomalies.values()))
        windows.append(float(anomalies))
    return FleetSource(
        groups=groups,
        weights=[count / len(of) ** 0.5 for count, of in zip(windows, groups, strict=True)],
        windows_per_batch=training.normals_per_batch + training.outliers_per_batch,
        window_frames=recipe.features.window_frames,
        bands=recipe.features.mel_bands,
        mixup=training.mixup,
        seed=seed,
    )


def new_network(
    recipe: Recipe, heads: int, seed: int, init: Path | None, watch: Watch, placement: Placement
) -> Start:
    """Begin with the seed's random weights, or with those of the file ``init`` in the encoder."""
    torch.manual_seed(seed)
    network = build_network(recipe, heads)
    if init is not None:
        watch.on_init(load_pretrained(network.encoder, init))
    placement.network(network)
    return network, None


def fleets_network(parent: Detector, groups: Sequence[ClipFeatures], placement: Placement) -> Start:
    """Begin with a detector's network and a head for each group, the first of them its own.

    The others' are fitted to what the encoder makes of their clips; DSAD's centroids are the means
    of that.
    """
    one, head = restore_network(parent.recipe, parent.model.learnt())
    network = build_network(parent.recipe, len(groups))
    network.encoder.load_state_dict(one.encoder.state_dict())
    placement.network(network)
    network.encoder.eval()
    embeddings = [
        np.concatenate([embed(network.encoder, clips[i], parent.recipe, placement).z for i in some])
        for clips in groups
        for some in [evenly(len(clips), STARTED_CLIPS)]
    ]
    if network.head is not None and one.head is not None:
        with torch.no_grad():
            network.head.weight[0], network.head.bias[0] = one.head.weight[0], one.head.bias[0]
            for number in range(1, len(groups)):
                others = np.concatenate([z for i, z in enumerate(embeddings) if i != number])
                weight, bias = fit_posterior(embeddings[number], others)
                network.head.weight[number] = torch.from_numpy(weight)
                network.head.bias[number] = float(bias[0])
    if head.centres is None or parent.recipe.has_moving_centroids:
        return network, None
    means = torch.from_numpy(np.stack([z.mean(axis=0) for z in embeddings[1:]]))
    centres = torch.cat([torch.tensor(head.centres), pushed_from_zero(means)])
    return network, CentroidPair(centres.to(placement.device), None)


def parents_network(parent: Detector, placement: Placement) -> Start:
    """Begin with a detector's network, and DSAD's centroid where it has one."""
    network, head = restore_network(parent.recipe, parent.model.learnt())
    placement.network(network)
    if head.centres is None or parent.recipe.has_moving_centroids:
        return network, None
    return network, CentroidPair(torch.tensor(head.centres).to(placement.device), None)
