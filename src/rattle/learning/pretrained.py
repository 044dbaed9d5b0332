"""Starting an encoder from published weights (``--init FILE``)."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from rattle.errors import TrainingError


@dataclass(frozen=True)
class Loaded:
    """Which of the file's weights were taken, and which were passed over and why."""

    taken: tuple[str, ...]
    skipped: dict[str, str]


def load_pretrained(encoder: nn.Module, path: Path) -> Loaded:
    """Fill the encoder from a PANNs checkpoint (``.pth``) or a ``.safetensors`` file.

    Weights are matched by name. Those of another shape (the mel bands' norm, where the bands
    differ) and those the encoder has no place for (the front end, the classifier) are skipped and
    listed. Only tensors are read from a ``.pth``: no code in it runs. ``TrainingError`` where the
    file cannot be read or nothing in it fits.
    """
    found = _tensors(path)
    own = encoder.state_dict()
    taken, skipped = {}, {}
    for name, value in found.items():
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
            "ResNet38 fit --recipe paper"
        )
    encoder.load_state_dict({**own, **taken})
    return Loaded(tuple(taken), skipped)


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, SafetensorError, pickle.UnpicklingError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(
            f"cannot read weights from {path} ({reason}); expected a PANNs .pth checkpoint or a "
            ".safetensors file"
        ) from None
    state = loaded.get("model", loaded) if isinstance(loaded, dict) else {}
    if not isinstance(state, dict):
        state = {}
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}
