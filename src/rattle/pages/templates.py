"""Load the templates of pages, with every name escaped. Needs jinja2 alone."""

from __future__ import annotations

import functools
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from rattle.pages.words import counted


def page_template(name: str) -> Template:
    """Load the template of that path under the package, such as ``evaluation/report.html.jinja``.

    ``page.css`` beside this file is the style of all pages; a template includes it. A name that a
    template uses and ``render`` does not get is an error.
    """
    return _environment().get_template(name)


@functools.cache
def _environment() -> Environment:
    """Make the environment once: it keeps what it has compiled."""
    environment = Environment(
        loader=PackageLoader("rattle", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda rate: f"{100 * rate:.1f}\u00a0%"
    environment.filters["name"] = lambda clip_path: Path(clip_path).name
    environment.filters["counted"] = counted
    return environment
