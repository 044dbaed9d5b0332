"""Recipes: the packaged ones, what may be written in one, and what is said of a wrong one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

import rattle.recipe
from rattle.errors import RecipeError
from rattle.recipe import PACKAGED, Recipe
from rattle.recipe.parts import BASELINES, LOSSES, BaselineName, LossName, Part

SMALL = Recipe.load("small")


def test_the_paper_recipe_holds_the_numbers_of_the_paper() -> None:
    paper = Recipe.load("paper")
    assert (paper.audio.sample_rate_hz, paper.audio.amplitude) == (16000, "own")
    assert (paper.features.fft_samples, paper.features.hop_samples) == (1024, 512)
    assert (paper.features.mel_bands, paper.features.window_frames) == (128, 256)
    assert paper.network.name == "resnet38"
    assert paper.loss.name == "bce+ddcsad"
    assert (paper.loss.metric_weight, paper.loss.target_weight) == (1.0, 2.0)  # lambda, eta
    # Both centroids once an epoch, of the entire training set (section III).
    assert (paper.centroids.epoch_iterations, paper.centroids.clips_per_class) == (0, 0)
    # Random weights and a random centroid for DSAD: what the paper's tables use (section IV-A).
    assert paper.centroids.dsad_start == "random"
    training = paper.training
    assert training.iterations == 4000
    assert (training.encoder_learning_rate, training.head_learning_rate) == (1e-4, 1e-3)
    assert (training.decay_every, training.decay_factor) == (1000, 0.5)
    assert (training.normals_per_batch, training.outliers_per_batch) == (32, 32)
    assert (paper.scoring.view, paper.scoring.windows) == ("windows", 10)
    adapted = paper.for_adaptation().training
    assert adapted.iterations == 2000
    assert (adapted.normals_per_batch, adapted.outliers_per_batch) == (32, 31)
    assert paper.adaptation.anomalies_per_batch == 1


@pytest.mark.parametrize("name", PACKAGED)
def test_a_packaged_recipe_is_called_as_its_file_and_says_what_to_expect(name: str) -> None:
    recipe = Recipe.load(name)
    assert recipe.name == name
    assert recipe.description


@pytest.mark.parametrize("name", PACKAGED)
def test_a_recipe_written_as_toml_reads_back_as_itself(name: str) -> None:
    recipe = Recipe.load(name).with_values(audio={"channel": "mean"}, features={"floor": 1e-12})
    assert Recipe.from_toml(recipe.to_toml()) == recipe


@given(
    rate=st.floats(1e-6, 1, allow_nan=False),
    blocks=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    description=st.text(st.characters(exclude_categories=["Cs", "Cc"])),
)
def test_any_values_survive_being_written_as_toml(rate, blocks, description) -> None:
    changed = SMALL.with_values(
        training={"encoder_learning_rate": rate}, network={"blocks": blocks}
    ).model_copy(update={"description": description})
    assert Recipe.from_toml(changed.to_toml()) == changed


def test_a_file_with_a_base_states_only_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "quick.toml"
    file.write_text('base = "small"\nname = "quick"\n[training]\niterations = 7\n')
    assert Recipe.load(file) == SMALL.with_values(training={"iterations": 7}).model_copy(
        update={"name": "quick"}
    )


def test_another_network_takes_over_nothing_of_the_one_in_the_base() -> None:
    recipe = Recipe.from_toml('base = "small"\n[network]\nname = "resnet38"\n')
    assert recipe.network.model_dump() == {"name": "resnet38"}
    same = Recipe.from_toml('base = "small"\n[network]\nname = "small"\nchannels = 8\n')
    assert same.network.model_dump() == {**SMALL.network.model_dump(), "channels": 8}


def test_changing_values_leaves_the_recipe_it_came_from() -> None:
    before = SMALL.model_dump()
    assert SMALL.with_values(training={"iterations": 7}).training.iterations == 7
    assert SMALL.model_dump() == before
    with pytest.raises(RecipeError, match=r"training\.iterations"):
        SMALL.with_values(training={"iterations": 0})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[training]\nrate = 1\n", "training.rate: Extra inputs are not permitted"),
        ("speed = 1\n", "speed: Extra inputs are not permitted"),
        ('[training]\niterations = "many"\n', "training.iterations"),
        ("[training]\niterations = 1.5\n", "training.iterations"),
        ("training = 3\n", "training"),
        ("[features]\nfft_samples = 1023\n", "features.fft_samples"),
        ("[features]\nfloor = 0\n", "features.floor"),
        ("[loss]\nepsilon = inf\n", "loss.epsilon"),
        ('[loss]\nname = "hinge"\n', "loss.name"),
        ("[network]\nchannels = 2\n", "network.small.channels"),
        ('[network]\nname = "vgg"\n', "network"),
        ("[scoring]\nalpha = 1.1\n", "scoring.alpha"),
        ("[audio]\nchannel = -1\n", "audio.channel"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'base = "small"\n{text}')
    with pytest.raises(RecipeError) as refused:
        Recipe.load(file)
    assert str(file) in str(refused.value)
    assert f"\n  {said}" in str(refused.value)


def test_every_wrong_key_is_named_at_once() -> None:
    with pytest.raises(RecipeError) as refused:
        Recipe.from_toml('base = "small"\n[training]\niterations = 0\n[loss]\nepsilon = -1\n')
    assert "training.iterations" in str(refused.value)
    assert "loss.epsilon" in str(refused.value)


def test_without_a_base_what_is_missing_is_named() -> None:
    with pytest.raises(RecipeError, match=r"(?s)network: .*training: "):
        Recipe.from_toml('name = "mine"\n')


def test_text_that_is_not_toml_is_refused_with_its_place() -> None:
    with pytest.raises(RecipeError, match=r"mine\.toml is not valid TOML: .*line 1"):
        Recipe.from_toml("name = = 3", where="mine.toml")


@pytest.mark.parametrize("base", ['"large"', "3", '["small"]'])
def test_an_unknown_base_is_refused_with_the_known_ones(base: str) -> None:
    with pytest.raises(RecipeError, match="it can be fleet or small or paper"):
        Recipe.from_toml(f"base = {base}\n")


def test_a_recipe_that_cannot_be_read_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "latin.toml"):
        with pytest.raises(RecipeError, match="fleet and small and paper") as refused:
            Recipe.load(path)
        assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("parts", "shrink"),
    [
        # A stem of 4 and three halvings: 32-fold.
        ({"features": {"mel_bands": 31}}, 32),
        ({"features": {"window_frames": 63}, "network": {"blocks": [1] * 5}}, 64),
        ({"features": {"mel_bands": 31}, "network": {"name": "resnet38"}}, 32),
    ],
)
def test_a_network_too_deep_for_its_window_is_refused(parts, shrink: int) -> None:
    with pytest.raises(RecipeError, match=f"shrinks time and frequency {shrink}-fold"):
        SMALL.with_values(**parts)
    for part in parts["features"]:
        parts["features"][part] += 1
    SMALL.with_values(**parts)


def test_adaptation_changes_iterations_outliers_and_nothing_else() -> None:
    recipe = SMALL.with_values(adaptation={"anomalies_per_batch": 3})
    adapted = recipe.for_adaptation()
    before, after = recipe.training, adapted.training
    assert after.iterations == before.iterations // 2
    assert after.outliers_per_batch == before.outliers_per_batch - 3
    restored = {"iterations": before.iterations, "outliers_per_batch": before.outliers_per_batch}
    assert adapted.with_values(training=restored) == recipe


@pytest.mark.parametrize(
    ("trained", "stated", "iterations"), [(4000, 0, 2000), (1, 0, 1), (7, 0, 3), (150, 12, 12)]
)
def test_adaptation_takes_half_the_iterations_or_those_stated(
    trained: int, stated: int, iterations: int
) -> None:
    recipe = SMALL.with_values(training={"iterations": trained}, adaptation={"iterations": stated})
    assert recipe.for_adaptation().training.iterations == iterations


def test_adaptation_restarts_the_learning_rates_or_goes_on_where_training_came_to() -> None:
    training = {
        "iterations": 100,
        "decay_every": 40,
        "decay_factor": 0.5,
        "encoder_learning_rate": 1e-3,
        "head_learning_rate": 1e-2,
    }

    def rates(learning_rate: str) -> tuple[float, float]:
        recipe = SMALL.with_values(training=training, adaptation={"learning_rate": learning_rate})
        found = recipe.for_adaptation().training
        return found.encoder_learning_rate, found.head_learning_rate

    assert rates("restart") == (1e-3, 1e-2)
    assert rates("continue") == pytest.approx((1e-3 / 4, 1e-2 / 4))


def test_anomalies_have_to_leave_an_outlier_in_a_batch() -> None:
    batch = {"outliers_per_batch": 8}
    SMALL.with_values(training=batch, adaptation={"anomalies_per_batch": 7})
    with pytest.raises(RecipeError, match=r"anomalies_per_batch is 8, .* place of 8 outliers"):
        SMALL.with_values(training=batch, adaptation={"anomalies_per_batch": 8})


@pytest.mark.parametrize("method", LOSSES)
def test_a_loss_takes_the_place_of_another_and_of_a_baseline(method: LossName) -> None:
    changed = SMALL.with_values(loss={"target_weight": 3.0})
    for before in (changed, changed.for_method("gmm")):
        recipe = before.for_method(method)
        assert (recipe.method, recipe.loss.name, recipe.baseline) == (method, method, None)
        assert recipe.loss.target_weight == 3.0
        assert recipe.training == changed.training


@pytest.mark.parametrize("method", BASELINES)
def test_a_baseline_comes_with_its_default_numbers(method: BaselineName) -> None:
    other = "knn" if method != "knn" else "gmm"
    for before in (SMALL, SMALL.for_method(other)):
        recipe = before.for_method(method)
        assert recipe.method == method
        assert recipe.baseline is not None
        assert recipe.baseline == SMALL.with_values(baseline={"name": method}).baseline
        assert (recipe.has_posterior, recipe.has_distance) == (False, True)
        assert recipe.loss == SMALL.loss


def test_a_recipe_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        SMALL.training.iterations = 3


def test_every_number_of_a_recipe_is_described() -> None:
    undescribed = [
        key
        for key, field in _fields(Recipe)
        # A constant names the variant of its table, whose docstring describes it.
        if not field.description and get_origin(field.annotation) is not Literal
    ]
    assert undescribed == []


def test_every_table_of_a_recipe_is_described() -> None:
    assert [part.__name__ for part in _tables(Recipe) if not part.__doc__] == []


def test_the_packaged_files_state_nothing_that_is_misspelt() -> None:
    # from_toml refuses unknown keys; this holds that load() reads these very files.
    for name in PACKAGED:
        stated = tomllib.loads((Path(rattle.recipe.__file__).parent / f"{name}.toml").read_text())
        assert Recipe.model_validate(stated) == Recipe.load(name)


def _tables(part: type[Part]) -> Iterator[type[Part]]:
    yield part
    for field in part.model_fields.values():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, Part):
                yield from _tables(inner)


def _fields(part: type[Part]) -> Iterator[tuple[str, FieldInfo]]:
    """Every field that holds a value and not a table of values."""
    for table in _tables(part):
        for name, field in table.model_fields.items():
            inner = (field.annotation, *get_args(field.annotation))
            if not any(isinstance(kind, type) and issubclass(kind, Part) for kind in inner):
                yield f"{table.__name__}.{name}", field
