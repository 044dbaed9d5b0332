"""An experiment's folder: what it is of, so that it can be gone on with and nothing else mixed in.

FOLDER/
├── recipe.toml, clips.csv      what every task is given
├── METHOD/seed-K/              bundles and run folders of the models without anomalies
│   └── anomalies-N-of-D/       and of those adapted with N of D drawn anomalies
└── table1.*, table2.*, figure2.*
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rattle.atomic import replacing, write_text
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import DataError
from rattle.experiments.task import Setting
from rattle.features.store import FeatureStore
from rattle.recipe import Recipe


def open_folder(folder: Path, clips: Manifest, recipe: Recipe) -> None:
    """Make the folder, or check that it is of these clips and this recipe.

    Raises ``DataError`` where it is of others.
    """
    recipe_file, clips_file = folder / "recipe.toml", folder / "clips.csv"
    if recipe_file.exists() and Recipe.load(recipe_file) != recipe:
        raise DataError(
            f"{folder} holds experiments with another recipe ({recipe_file}); give that one with "
            "--recipe, or another folder with --out"
        )
    if clips_file.exists() and _content(Manifest.read_csv(clips_file)) != _content(clips):
        raise DataError(
            f"{folder} holds experiments on other recordings ({clips_file}); give the same ones, "
            "or another folder with --out"
        )
    write_text(recipe_file, recipe.to_toml())
    # Anew each time: the same recordings may have moved.
    with replacing(clips_file) as beside:
        clips.write_csv(beside)


def fill_store(
    setting: Setting,
    machines: Sequence[Machine],
    on_machine: Callable[[Machine, int, int], None] = lambda _, __, ___: None,
    on_clip: Callable[[], None] = lambda: None,
) -> None:
    """The features of all training normals, once and before several tasks ask for them at a time.

    ``on_machine`` is called with a machine, its number from 1 and how many there are, before its
    features are looked at, and ``on_clip`` for each clip computed. Raises ``ClipError`` for a clip
    that cannot be read: it would serve every other machine as outlier, and fail their tasks too.
    """
    recipe, clips = setting.recipe, setting.clips
    store = FeatureStore(recipe.audio, recipe.features, setting.store)
    own = recipe.audio.amplitude == "own"
    # Each machine with the one whose amplitude statistics its clips get.
    pairs = {(machine, machine) for machine in machines}
    for machine in machines:
        others = clips.outliers_for(machine).machines()
        pairs |= {(other, other if own else machine) for other in others}
    for number, (machine, heard_as) in enumerate(sorted(pairs), start=1):
        on_machine(machine, number, len(pairs))
        statistics = store.amplitude(clips.of(heard_as, split="train", label="normal"))
        store.pack(clips.of(machine, split="train", label="normal"), statistics, on_clip)


def _content(clips: Manifest) -> list[tuple[str, ...]]:
    columns = ["source_set", "machine_type", "machine_id", "split", "label", "content_hash"]
    return sorted(clips.table.select(columns).iter_rows())
