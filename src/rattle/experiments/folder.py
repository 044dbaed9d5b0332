"""Open an experiment's folder; it holds its recipe and clips, so that no others get mixed in.

FOLDER/
├── recipe.toml, clips.csv      what every task is given
├── METHOD/seed-K/              bundles and run folders of the models without anomalies
│   └── anomalies-N-of-D/       and of those adapted with N of D drawn anomalies
└── table1.*, table2.*, figure2.*
"""

from __future__ import annotations

from pathlib import Path

from rattle.atomic import replacing, write_text
from rattle.clips.manifest import Manifest
from rattle.errors import DataError, RecipeError
from rattle.recipe import Recipe

RECIPE, CLIPS = "recipe.toml", "clips.csv"


def open_folder(folder: Path, clips: Manifest, recipe: Recipe) -> None:
    """Make the folder, or check that it was made for these clips and this recipe.

    Raises ``DataError`` where it was made for others.
    """
    recipe_file, clips_file = folder / RECIPE, folder / CLIPS
    if recipe_file.exists() and _recipe_there(recipe_file) != recipe:
        raise DataError(
            f"{folder} holds experiments with another recipe ({recipe_file}); give that one, or "
            "another folder to write to",
            argument=("recipe", "out"),
        )
    if clips_file.exists() and _content(Manifest.read_csv(clips_file)) != _content(clips):
        raise DataError(
            f"{folder} holds experiments on other recordings ({clips_file}); give the same ones, "
            "or another folder to write to",
            argument="out",
        )
    write_text(recipe_file, recipe.to_toml())
    # Anew each time: the same recordings may have moved.
    with replacing(clips_file) as beside:
        clips.write_csv(beside)


def _recipe_there(file: Path) -> Recipe:
    try:
        return Recipe.load(file)
    except RecipeError as error:  # an earlier rattle's, say
        raise DataError(
            f"{file.parent} holds experiments with a recipe that this rattle cannot read "
            f"({error}); give another folder to write to",
            argument="out",
        ) from None


def _content(clips: Manifest) -> list[tuple[str, ...]]:
    columns = ["source_set", "machine_type", "machine_id", "split", "label", "content_hash"]
    return sorted(clips.table.select(columns).iter_rows())
