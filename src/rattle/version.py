"""The version of rattle, which pyproject.toml, bundles and run folders take from here."""

VERSION = "0.1.0"
