"""Read a recipe: one TOML file that holds every number of a run.

``Recipe.load("fleet")``, ``"small"`` and ``"paper"`` are packaged; a path loads the user's own.
A file that says ``base = "small"`` states only what differs from that recipe. Where the paper is
silent the number is an option here, its default is documented, and
``docs/explanation/numerics.md`` says what was measured.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import Field, ValidationError, model_validator

from rattle.errors import RecipeError
from rattle.recipe.baselines import AnyBaseline
from rattle.recipe.parts import (
    BASELINES,
    Adaptation,
    Audio,
    Centroids,
    Features,
    Loss,
    MethodName,
    Part,
    ResNet38Network,
    Scoring,
    SmallNetwork,
    SpectralNetwork,
    Training,
)

SHORTEST_WINDOW = 32
PACKAGED = ("fleet", "small", "paper")


class Recipe(Part):
    """Every number of a run."""

    name: str = Field(min_length=1, description="What the recipe is called.")
    description: str = Field("", description="What to expect of it, how long it takes.")
    audio: Audio = Audio()
    features: Features = Features()
    network: Annotated[
        ResNet38Network | SmallNetwork | SpectralNetwork, Field(discriminator="name")
    ]
    loss: Loss = Loss()
    centroids: Centroids = Centroids()
    training: Training
    adaptation: Adaptation = Adaptation()
    scoring: Scoring = Scoring()
    baseline: Annotated[AnyBaseline, Field(discriminator="name")] | None = Field(
        None,
        description="A baseline in place of the network. It learns from the normals alone; "
        "network, loss, centroids and adaptation are then without effect.",
    )

    @property
    def method(self) -> MethodName:
        """What a table calls it: the baseline, or the loss that trains the network."""
        return self.loss.name if self.baseline is None else self.baseline.name

    @property
    def has_posterior(self) -> bool:
        """Whether a score has a part 1 - p."""
        return self.baseline is None and self.loss.name.startswith("bce")

    @property
    def has_distance(self) -> bool:
        """Whether a score has a part d."""
        return self.baseline is not None or self.loss.name != "bce"

    @property
    def is_shared(self) -> bool:
        """Whether one encoder serves all machines of the data."""
        return self.baseline is None and self.training.encoder == "shared"

    @property
    def has_moving_centroids(self) -> bool:
        """Whether c_p and c_n follow the embeddings (DDCSAD)."""
        return self.baseline is None and self.loss.name.endswith("ddcsad")

    @property
    def measures_nearest(self) -> bool:
        """Whether d is the distance to the nearest normal clip's embedding, not to c_p."""
        return self.has_moving_centroids and self.scoring.distance == "nearest"

    @property
    def distance_pieces(self) -> int:
        """How many equal parts of the embedding are each measured from a normal of their own."""
        return 2 if self.measures_nearest and isinstance(self.network, SpectralNetwork) else 1

    @property
    def sees_spectrum(self) -> bool:
        """Whether the network sees the spectrum of a window's samples beside its log-mels."""
        return self.baseline is None and isinstance(self.network, SpectralNetwork)

    @property
    def feature_width(self) -> int:
        """Numbers that the features have a frame: the bands and, where it is seen, the sound."""
        samples = self.features.hop_samples if self.sees_spectrum else 0
        return self.features.mel_bands + samples

    @property
    def spectrum_bins(self) -> int:
        """Bins of a window's spectrum, where the network sees it; else 0."""
        samples = self.features.window_frames * self.features.hop_samples
        return samples // 2 if self.sees_spectrum else 0

    @model_validator(mode="after")
    def _stages_fit_the_window(self) -> Recipe:
        if isinstance(self.network, SpectralNetwork):
            shrink = 32
        elif isinstance(self.network, SmallNetwork):
            shrink = self.network.stem_stride * 2 ** (len(self.network.blocks) - 1)
        else:
            shrink = 32
        smallest = min(self.features.window_frames, self.features.mel_bands)
        if shrink > smallest:
            raise ValueError(
                f"the network shrinks time and frequency {shrink}-fold, but the window is only "
                f"{self.features.window_frames} frames by {self.features.mel_bands} bands"
            )
        return self

    @model_validator(mode="after")
    def _machines_of_a_fleet_are_normalised_alike(self) -> Recipe:
        if self.training.encoder == "shared" and self.audio.amplitude != "own":
            raise ValueError(
                'audio.amplitude is "target", but with a shared encoder (training.encoder) every '
                'machine is the target of its own head; it can only be "own"'
            )
        return self

    @model_validator(mode="after")
    def _what_a_fleet_alone_has_is_for_a_fleet(self) -> Recipe:
        if self.training.encoder == "own" and (self.training.mixup or self.training.clips):
            raise ValueError(
                "training.mixup and training.clips are of a shared encoder (training.encoder); "
                "leave them out"
            )
        return self

    @model_validator(mode="after")
    def _a_cycle_starts_anew(self) -> Recipe:
        is_cycle, rate = self.training.schedule == "cycle", self.adaptation.learning_rate
        if is_cycle and rate != "restart":
            raise ValueError(
                f'adaptation.learning_rate is "{rate}", but a cycle (training.schedule) has come '
                'down to nothing at its end: it can only be "restart"'
            )
        return self

    @model_validator(mode="after")
    def _anomalies_leave_room_for_outliers(self) -> Recipe:
        if self.adaptation.anomalies_per_batch > self.training.outliers_per_batch - 1:
            raise ValueError(
                f"adaptation.anomalies_per_batch is {self.adaptation.anomalies_per_batch}, but "
                f"they take the place of {self.training.outliers_per_batch} outliers a batch, of "
                "which one has to stay"
            )
        return self

    @classmethod
    def load(cls, name_or_path: str | Path) -> Recipe:
        """Load the packaged recipe of that name, or the one in that TOML file."""
        text, where = _read(name_or_path)
        return cls.from_toml(text, where=where)

    @classmethod
    def from_toml(cls, text: str, *, where: str = "recipe") -> Recipe:
        """Read the recipe in ``text``; ``RecipeError`` names each key that is wrong."""
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"{where} is not valid TOML: {error}") from None
        base = values.pop("base", None)
        if base is not None:
            if base not in PACKAGED:
                raise RecipeError(f"{where}: base is {base!r}; it can be {' or '.join(PACKAGED)}")
            values = _merged(tomllib.loads(_read(base)[0]), values)
        return _validated(values, where)

    def with_values(self, **parts: dict[str, Any]) -> Recipe:
        """Copy with some values changed: ``with_values(training={"iterations": 20})``."""
        return _validated(_merged(self.model_dump(), parts), f"recipe {self.name}")

    def for_method(self, method: MethodName) -> Recipe:
        """Copy for another loss, or for a baseline with its default numbers."""
        values = self.model_dump(exclude={"baseline"})
        kind = "baseline" if method in BASELINES else "loss"
        return _validated(_merged(values, {kind: {"name": method}}), f"recipe {self.name}")

    def for_clips(self, frames: Sequence[Sequence[int]]) -> Recipe:
        """Take the numbers that follow from each machine's training clips, of so many frames each.

        More of them than ``training.clips`` take more iterations, by the root of the ratio. The
        window of a network that sees a spectrum is no longer than nine of ten clips of the machine
        in the middle, in steps of 32 frames: a clip that is repeated to fill a window has lines of
        its own.
        """
        training, features = self.training, self.features
        window = features.window_frames
        usual = sorted(sorted(of)[len(of) // 10] for of in frames if of)
        if self.sees_spectrum and usual:
            middle = usual[len(usual) // 2]
            window = min(window, max(middle // SHORTEST_WINDOW, 1) * SHORTEST_WINDOW)
        ratio = sum(map(len, frames)) / training.clips if training.clips else 1.0
        iterations = round(training.iterations * max(ratio, 1.0) ** 0.5)
        return self.with_values(
            features={"window_frames": window}, training={"iterations": iterations, "clips": 0}
        )

    def for_adaptation(self) -> Recipe:
        """Take the numbers of training on with anomalies for training's (section IV-C)."""
        training, adaptation = self.training, self.adaptation
        iterations = adaptation.iterations or max(training.iterations // 2, 1)
        decay_every, rate = training.decay_every, 1.0
        if adaptation.learning_rate == "anneal":
            decay_every = max(round(decay_every * iterations / training.iterations), 1)
        if adaptation.learning_rate == "continue":
            rate = training.decay_factor ** (training.iterations // training.decay_every)
        changed = training.model_copy(
            update={
                "iterations": iterations,
                "decay_every": decay_every,
                "outliers_per_batch": training.outliers_per_batch - adaptation.anomalies_per_batch,
                "encoder_learning_rate": training.encoder_learning_rate * rate,
                "head_learning_rate": training.head_learning_rate * rate,
            }
        )
        return self.model_copy(update={"training": changed})

    def to_toml(self) -> str:
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def _read(name_or_path: str | Path) -> tuple[str, str]:
    if str(name_or_path) in PACKAGED:
        file = resources.files("rattle.recipe") / f"{name_or_path}.toml"
        return file.read_text(encoding="utf-8"), f"recipe {name_or_path}"
    path = Path(name_or_path)
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        known = " and ".join(PACKAGED)
        raise RecipeError(
            f"cannot read recipe {path}: {error}; give a TOML file or one of {known}"
        ) from None


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both_tables = isinstance(value, dict) and isinstance(merged.get(key), dict)
        # Another network is another set of keys: nothing of the old one carries over.
        new_network = key == "network" and both_tables and "name" in value
        if both_tables and not (new_network and value["name"] != merged[key].get("name")):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged


def _validated(values: dict[str, Any], where: str) -> Recipe:
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(step) for step in found['loc']) or 'recipe'}: {found['msg']}"
            for found in error.errors()
        ]
        raise RecipeError("\n".join([f"{where} is not valid:", *lines])) from None
