"""What keeping freed memory saves a training step, and a spectrum (rattle.allocator).

python benchmarks/allocator.py

Child processes, one after the other: the small network trains on noise, and noise is transformed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable

import numpy as np

from rattle.allocator import keep_freed_memory

ROUNDS = 10


def training_step() -> Callable[[], object]:
    import torch

    from rattle import Recipe
    from rattle.learning.device import place
    from rattle.learning.losses import Labels, bce
    from rattle.learning.networks import build_network

    torch.manual_seed(0)
    placement = place("cpu")
    network = build_network(Recipe.load("small"))
    placement.network(network)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    windows = placement.put(np.random.default_rng(0).normal(size=(64, 256, 128)).astype("f4"))
    normal = (torch.arange(64) < 32).float()[:, None]
    labels = Labels(normal, normal, torch.ones(1))

    def step() -> None:
        optimiser.zero_grad()
        bce(network(windows)[1], labels).backward()
        optimiser.step()

    return step


def spectrum() -> Callable[[], object]:
    """As scoring computes it, in a process without torch."""
    from rattle.scoring.spectrum import spectra

    window = np.random.default_rng(0).normal(size=(1, 131_072)).astype("f4")
    return lambda: spectra(window)


WORK = {"training_step": training_step, "spectrum": spectrum}


def child(what: str, keep: bool) -> None:
    if keep:
        keep_freed_memory()
    work = WORK[what]()
    work()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(ROUNDS):
        work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(cpu_s / ROUNDS, (after.ru_minflt - before.ru_minflt) / ROUNDS)


def main() -> None:
    for what in WORK:
        costs = {}
        for mode in ("default", "keep"):
            done = subprocess.run(
                [sys.executable, __file__, what, mode], check=True, capture_output=True, text=True
            )
            cpu_s, faults = (float(number) for number in done.stdout.split())
            costs[mode] = cpu_s
            print(f"{what}, {mode}: {1000 * cpu_s:.1f} CPU ms, {faults:,.0f} page faults")
        print(f"{what}, ratio of CPU time: {costs['default'] / costs['keep']:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(sys.argv[1], sys.argv[2] == "keep")
    else:
        main()
