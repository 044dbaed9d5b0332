"""Place a network: where it runs and in what precision."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rattle.errors import TrainingError


@dataclass(frozen=True)
class Placement:
    """A device and the precision of the convolutions on it."""

    device: torch.device
    precision: torch.dtype

    def put(self, array: NDArray[Any]) -> Tensor:
        """Put an array on the device as a tensor; on CUDA without waiting for it."""
        tensor = torch.from_numpy(array)
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def network(self, network: nn.Module) -> nn.Module:
        """Put the network on the device, its convolutions' weights laid out channels last."""
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Compute in lower precision where this placement has it, else nothing."""
        if self.precision == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.precision)

    @contextlib.contextmanager
    def repeatable(self, wanted: bool) -> Iterator[None]:
        """Take on CUDA the algorithms that give the same bits each time, if wanted.

        On a CPU they do, given the same number of threads.
        """
        if not wanted or self.device.type != "cuda":
            yield
            return
        before = torch.are_deterministic_algorithms_enabled()
        # cuBLAS reads it when it is first used.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)

    @contextlib.contextmanager
    def sparing_a_core(self, wanted: bool) -> Iterator[None]:
        """Compute with one thread less on a CPU, if wanted: spectra are made beside, or between.

        That is much of the work, and torch's threads take time while they wait
        (``docs/performance.md`` has what it saves). It holds for the whole process.
        """
        threads = torch.get_num_threads()
        if not wanted or self.device.type != "cpu" or threads == 1:
            yield
            return
        torch.set_num_threads(threads - 1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def place(device: str = "auto", precision: str = "auto") -> Placement:
    """Choose the placement that a device's name and ``training.precision`` ask for.

    ``auto`` takes CUDA where there is one, and bfloat16 where the hardware computes in it: on a
    CPU without such instructions it is slower than float32.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"device {device!r} cannot be used here ({reason}); use cpu or auto",
            argument="device",
        ) from None
    if precision == "auto":
        precision = "bfloat16" if _computes_in_bfloat16(chosen) else "float32"
    return Placement(chosen, torch.bfloat16 if precision == "bfloat16" else torch.float32)


def _computes_in_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported())
    return False
