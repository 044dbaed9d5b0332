"""What keeping freed memory saves a training step (rattle.allocator).

python benchmarks/allocator.py

Two child processes, one after the other, train the small network on noise.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import torch

from rattle import Recipe
from rattle.allocator import keep_freed_memory
from rattle.learning.device import place
from rattle.learning.losses import Labels, bce
from rattle.learning.networks import build_network

STEPS = 10


def child(keep: bool) -> None:
    if keep:
        keep_freed_memory()
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

    step()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(STEPS):
        step()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(cpu_s / STEPS, (after.ru_minflt - before.ru_minflt) / STEPS)


def main() -> None:
    costs = {}
    for mode in ("default", "keep"):
        done = subprocess.run(
            [sys.executable, __file__, mode], check=True, capture_output=True, text=True
        )
        cpu_s, faults = (float(number) for number in done.stdout.split())
        costs[mode] = cpu_s
        print(f"{mode:8} {cpu_s:.3f} CPU s a step, {faults:,.0f} page faults a step")
    print(f"ratio of CPU time: {costs['default'] / costs['keep']:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(sys.argv[1] == "keep")
    else:
        main()
