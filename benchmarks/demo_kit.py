r"""Makes the kit of `rattle station --demo`: detectors of SYNTHETIC machines, and their past week.

    python benchmarks/demo_kit.py train FOLDER                   # the bundles; two minutes
    python benchmarks/week.py hear --bundles FOLDER ...     # the week; see there
    python benchmarks/demo_kit.py pack FOLDER WEEK

Eight machines are trained together by the recipe fleet with a smaller encoder, since it travels in
the package; four of them are the demo's plant. The replay set and the second golden clip stay
behind: nothing in the demo learns on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import rattle
from rattle import Recipe
from rattle.bundle import write_bundle
from rattle.bundle.replay import Replay
from rattle.clips.layouts import load_manifest
from rattle.station.demo.kit import pack
from rattle.station.demo.machines import MACHINES, SEED
from rattle.station.demo.sound import SNR_DB
from rattle.synthetic import write_factory

KIT = Path("src/rattle/station/demo/kit.zip")
CLIPS = 240


def train(folder: Path) -> None:
    """Train all eight, and write the bundles of the demo's four."""
    recordings = folder / "factory"
    write_factory(
        recordings,
        seed=SEED,
        ids_per_type=2,
        train_clips=CLIPS,
        test_normal=1,
        test_anomaly=1,
        snr_db=SNR_DB,
    )
    recipe = Recipe.load("fleet").with_values(
        network={"channels": 16, "dimensions": 64, "log_mel_channels": 16},
        training={"cross_fit": False},
        adaptation={"replay_clips": 1},
    )
    fleet = rattle.fit_fleet(load_manifest(recordings), recipe=recipe, seed=SEED, device="cpu")
    for machine in MACHINES:
        detector = next(d for of, d in fleet.items() if str(of) == machine.trained_as)
        bundle = rattle.export(detector).bundle()
        info = bundle.info.model_copy(update={"golden": bundle.info.golden[:1]})
        small = replace(bundle, info=info, golden=bundle.golden[:1], replay=Replay())
        write_bundle(small, folder / f"{machine.name}.rattle")
        print(machine.name, (folder / f"{machine.name}.rattle").stat().st_size, "bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["train", "pack"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("week", type=Path, nargs="?")
    chosen = parser.parse_args()
    if chosen.verb == "train":
        train(chosen.folder)
        return
    heard = {
        machine.name: load_file(chosen.week / f"{machine.name}.safetensors")[machine.name]
        for machine in MACHINES
    }
    bundles = {machine.name: chosen.folder / f"{machine.name}.rattle" for machine in MACHINES}
    pack(bundles, {name: heard[name].astype(np.float32) for name in bundles}, KIT)
    print(f"{KIT}: {KIT.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
