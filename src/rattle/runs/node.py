"""Carry to a node of a cluster what is chosen on this machine: the device, the feature store."""

from __future__ import annotations

import os
from pathlib import Path

from rattle.features.store import STORE


def device_on_node(device: str) -> str:
    """Choose the device on a node for the one chosen here.

    A cluster gives a task its GPU, so a number means nothing there; ``auto`` is the CPU.
    """
    if device.startswith("cuda"):
        return "cuda"
    return "cpu" if device == "auto" else device


def chosen_store() -> Path | None:
    """Find the feature store that was chosen by ``$RATTLE_STORE``, as an absolute path."""
    chosen = os.environ.get(STORE)
    return Path(chosen).absolute() if chosen else None


def use_store(folder: Path | None) -> None:
    """Let this process use the feature store that was chosen elsewhere; None changes nothing."""
    if folder is not None:
        os.environ[STORE] = str(folder)
