"""Hold every number of a run: the recipe.

``recipe`` reads a TOML file and checks it; ``parts`` are its tables, from audio to scoring, and
``baselines`` what may stand in a network's place. The packaged recipes, ``fleet``, ``small`` and
``paper``, lie beside them. Begin with ``Recipe.load``.
"""

from rattle.recipe.recipe import PACKAGED, Recipe

__all__ = ["PACKAGED", "Recipe"]
