"""Start an encoder from published weights."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from rattle.errors import TrainingError

# PANNs' trainer stores its sampler's indices beside the weights, as numpy arrays. These types hold
# numbers and run no code; numpy before 2.0 wrote the first under another name.
_RECONSTRUCT: Any = np.array(0).__reduce__()[0]
NUMPY_TYPES: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (_RECONSTRUCT, "numpy.core.multiarray._reconstruct"),
    (_RECONSTRUCT, "numpy._core.multiarray._reconstruct"),
    np.ndarray,
    np.dtype,
    type(np.dtype("int64")),
]


@dataclass(frozen=True)
class Loaded:
    """Which of the file's weights were taken, and which were passed over and why."""

    taken: tuple[str, ...]
    skipped: dict[str, str]


def load_pretrained(encoder: nn.Module, path: Path) -> Loaded:
    """Fill the encoder from a PANNs checkpoint (``.pth``) or a ``.safetensors`` file.

    Weights are matched by name. Those of another shape (the mel bands' norm, where the bands
    differ) and those the encoder has no place for (the front end, the classifier) are skipped and
    listed. Only numbers are read from a ``.pth``: no code in it runs. ``TrainingError`` where the
    file cannot be read or nothing in it fits.
    """
    stored = _tensors(path)
    own = encoder.state_dict()
    taken, skipped = {}, {}
    for name, value in stored.items():
        if name not in own:
            skipped[name] = "the encoder has no such weight"
        elif own[name].shape != value.shape:
            here, there = tuple(own[name].shape), tuple(value.shape)
            skipped[name] = f"is {there}, here {here}"
        else:
            taken[name] = value
    if not any(name.endswith("weight") for name in taken):
        raise TrainingError(
            f"no weight in {path} fits the recipe's encoder; published PANNs checkpoints of "
            "ResNet38 fit the recipe paper",
            argument="init",
        )
    encoder.load_state_dict({**own, **taken})
    return Loaded(tuple(taken), skipped)


def file_hash(path: Path) -> str:
    """Compute the SHA-256 of a file of weights; ``TrainingError`` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None


def _unreadable(path: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"cannot read weights from {path} ({reason}); expected a PANNs .pth checkpoint or a "
        ".safetensors file",
        argument="init",
    )


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(NUMPY_TYPES):
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle raises whatever its bytes lead to
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, pickle.UnpicklingError):
            # torch's own words advise to load it all the same, with whatever code it holds.
            reason = "it is damaged, or holds objects that could run code"
        raise _unreadable(path, reason) from None
    state = loaded.get("model", loaded) if isinstance(loaded, dict) else {}
    if not isinstance(state, dict):
        state = {}
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}
