"""Compute the features that several trainings share before the first of them asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rattle.clips.cut_manifest import cut_outliers, cut_to_train
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import Interrupted
from rattle.features.sieve import Sieve
from rattle.features.store import FeatureStore
from rattle.recipe import Recipe


def fill_store(
    clips: Manifest,
    recipe: Recipe,
    machines: Sequence[Machine],
    *,
    outliers: Manifest | None = None,
    on_machine: Callable[[Machine, int, int], None] = lambda _, __, ___: None,
    on_clip: Callable[[], None] = lambda: None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> None:
    """Compute the features that training for these machines reads, once and not task by task.

    ``outliers`` are those given in place of the other machines. ``on_machine`` is called with a
    machine, its number from 1 and how many there are, before its features are looked at, and
    ``on_clip`` for each clip computed.

    Raises ``ClipError`` for a clip that cannot be read: it would serve every other machine as
    outlier, and fail their tasks too. Raises ``Interrupted`` after a stop was asked for.
    """

    def go_on() -> None:
        if stop_requested():
            raise Interrupted

    def computed() -> None:
        go_on()
        on_clip()

    store = FeatureStore.of(recipe)
    # The trainings say which clips are left out.
    sieve = Sieve(store)
    clips = cut_to_train(clips, recipe)
    if outliers is not None:
        outliers = cut_outliers(outliers, recipe)
    if machines:
        clips = sieve.fit_to_train(clips)
        outliers = None if outliers is None else sieve.fit(outliers)
    own = recipe.audio.amplitude == "own"
    normals = {m: clips.of(m, split="train", label="normal") for m in clips.machines()}
    outlier_clips = {}
    if outliers is not None:
        outlier_clips = {
            m: outliers.of(m, label="normal") for m in outliers.of(label="normal").machines()
        }
    machines = [machine for machine in machines if len(normals.get(machine, ()))]
    # Whose clips, whether they are outliers given, and by whose amplitude statistics.
    wanted = {(machine, False, machine) for machine in machines}
    for machine in machines:
        others = clips.outliers_for(machine).machines() if outliers is None else outlier_clips
        wanted |= {
            (other, outliers is not None, other if own else machine)
            for other in others
            if other != machine
        }
    for number, (machine, is_given, heard_as) in enumerate(sorted(wanted), start=1):
        go_on()
        on_machine(machine, number, len(wanted))
        heard = (outlier_clips if is_given and own else normals)[heard_as]
        store.pack(
            (outlier_clips if is_given else normals)[machine], store.amplitude(heard), computed
        )
