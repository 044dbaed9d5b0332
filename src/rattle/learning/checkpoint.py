"""Keep all that an interrupted training needs to go on to the same weights: checkpoints.

One safetensors file with the network, the optimiser's moments and the centroids; its metadata
holds the iteration and the hash of what is being trained. Batches need nothing stored: they
depend on seed and iteration alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from rattle.atomic import replacing
from rattle.errors import Interrupted, TrainingError
from rattle.learning.losses import CentroidPair


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands: ``iteration`` batches are done."""

    iteration: int
    centroids: CentroidPair | None


@dataclass(frozen=True)
class Interruption:
    """Where a training keeps its state and how it learns that it should stop.

    ``identity`` is the hash of recipe, seed and clips.
    """

    checkpoint: Path | None
    identity: str
    requested: Callable[[], bool]


class Keeper:
    """Keeps the state of a training each so many seconds, and when it is asked to stop."""

    def __init__(
        self,
        interruption: Interruption,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        *,
        every_s: float,
    ) -> None:
        self._interruption, self._every_s = interruption, every_s
        self._network, self._optimiser = network, optimiser
        self._saved_at = time.monotonic()

    def resume(self, device: torch.device) -> Checkpoint | None:
        """Fill network and optimiser from the checkpoint; None where there is none."""
        path = self._interruption.checkpoint
        if path is None or not path.exists():
            return None
        identity = self._interruption.identity
        return load(path, self._network, self._optimiser, device, identity=identity)

    def step_done(self, state: Checkpoint) -> None:
        """Save where that is due; raises ``Interrupted`` where a stop was asked for."""
        path, now = self._interruption.checkpoint, time.monotonic()
        stopping = self._interruption.requested()
        if path is not None and (stopping or now - self._saved_at >= self._every_s):
            identity = self._interruption.identity
            save(path, self._network, self._optimiser, state, identity=identity)
            self._saved_at = time.monotonic()
        if stopping:
            raise Interrupted


def save(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    checkpoint: Checkpoint,
    *,
    identity: str,
) -> None:
    """Write beside, then rename; ``identity`` is the hash of recipe, seed and clips.

    Raises ``StorageError`` where it cannot be written; an earlier checkpoint is then there still.
    """
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in moments.items()}
    if checkpoint.centroids is not None:
        tensors["centroid.normal"] = checkpoint.centroids.normal
        if checkpoint.centroids.outlier is not None:
            tensors["centroid.outlier"] = checkpoint.centroids.outlier
    metadata = {"rattle": json.dumps({"iteration": checkpoint.iteration, "identity": identity})}
    # save_file would write to a temporary file of its own, which a kill leaves for good.
    content = save_tensors({n: t.detach().contiguous() for n, t in tensors.items()}, metadata)
    with replacing(path) as beside:
        beside.write_bytes(content)


def load(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    device: torch.device,
    *,
    identity: str,
) -> Checkpoint:
    """Fill network and optimiser; ``TrainingError`` where the file is of another training."""
    with _opened(path, identity, str(device)) as (file, iteration):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    network.load_state_dict(_under(tensors, "network."))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _under(tensors, "optimiser.").items():
        index, _, key = name.partition(".")
        moments.setdefault(int(index), {})[key] = value
    _lay_out(moments, optimiser)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
    centroids = _under(tensors, "centroid.")
    pair = CentroidPair(centroids["normal"], centroids.get("outlier")) if centroids else None
    return Checkpoint(iteration, pair)


def refuse_another(path: Path, identity: str) -> None:
    """Raise ``TrainingError`` where the file, if there is one, is of another training."""
    if path.exists():
        with _opened(path, identity, "cpu"):
            pass


@contextmanager
def _opened(path: Path, identity: str, device: str) -> Iterator[tuple[Any, int]]:
    """Open a checkpoint, with the iteration that it stands at."""
    try:
        with safe_open(path, framework="pt", device=device) as file:
            state = json.loads((file.metadata() or {})["rattle"])
            iteration = int(state["iteration"])
            if state["identity"] != identity:
                raise TrainingError(
                    f"checkpoint {path} is of another recipe, seed or set of clips; give the same "
                    "ones as before, or another folder to train into",
                    argument="out",
                )
            yield file, iteration
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise TrainingError(
            f"checkpoint {path} cannot be read ({error}); remove it to train from the start"
        ) from None


def _lay_out(moments: dict[int, dict[str, Tensor]], optimiser: torch.optim.Optimizer) -> None:
    # As the weights are: a fused optimiser walks through both side by side, and a file keeps
    # the values but not their layout.
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    for index, of_one in moments.items():
        for key, value in of_one.items():
            if value.shape == weights[index].shape:
                of_one[key] = torch.empty_like(weights[index]).copy_(value)


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
