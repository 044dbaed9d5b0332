"""The docs say what the code does."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

from rattle.cli import VERBS, build_app
from rattle.clips.layouts.words import ANOMALY, NORMAL, TEST, TRAIN, UNKNOWN, VALIDATION
from rattle.recipe import PACKAGED, Recipe

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _reference() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        return importlib.import_module("reference")


@pytest.mark.parametrize(
    ("page", "writer"), [("cli", "commands"), ("recipe", "recipe_keys"), ("station", "station")]
)
def test_the_reference_is_what_make_docs_would_write(page: str, writer: str) -> None:
    written = (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")
    assert written == getattr(_reference(), writer)(), "run: make docs"


def test_every_word_that_a_folder_may_say_is_documented() -> None:
    page = (ROOT / "docs" / "explanation" / "folders.md").read_text(encoding="utf-8")
    for words in (NORMAL, ANOMALY, UNKNOWN, TRAIN, VALIDATION, TEST):
        assert f"| {', '.join(words).replace('_', ' ')} |" in page


def test_the_readme_names_every_command_and_no_other() -> None:
    named = re.findall(r"(?:^|`)rattle ([a-z-]+)\b", README, flags=re.MULTILINE)
    assert set(named) - {"learns", "implements"} == set(VERBS)


def test_the_commands_in_the_readme_parse() -> None:
    blocks = re.findall(r"```\n(.*?)```", README, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("rattle ")]
    assert lines
    for line in lines:
        arguments = shlex.split(line, comments=True)[1:]
        build_app().parse_args(arguments, exit_on_error=False, print_error=False)


def test_the_readme_opens_with_the_two_commands_that_the_makefile_has() -> None:
    first = re.search(r"```\n(.*?)```", README, flags=re.DOTALL)
    assert first is not None
    targets = re.findall(r"^make (\w+)", first[1], flags=re.MULTILINE)
    assert targets == ["demo", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_recipe_example_in_the_reference_is_valid() -> None:
    page = (ROOT / "docs" / "reference" / "recipe.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert example is not None
    assert Recipe.from_toml(example[1]).training.iterations == 400


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_recipes_say_what_to_expect(name: str) -> None:
    assert Recipe.load(name).description
