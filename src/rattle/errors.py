"""The errors rattle raises on purpose; everything else is a bug.

    RattleError
    ├── ClipError        a recording cannot be read or is not fit for use
    ├── DataError        a folder, manifest or selection of clips does not hold what is needed
    ├── DownloadError    an archive cannot be fetched, verified or unpacked
    ├── RecipeError      a recipe file or one of its values is not valid
    ├── ConfigError      a plant's file or one of its values is not valid
    ├── TrainingError    training cannot start, go on or resume
    ├── StorageError     a file or folder cannot be written
    │   └── HeldError    another process has it
    ├── BundleError      a bundle is damaged, of another version, or does not fit
    └── SourceError      live sound cannot be had: no such device, a tool is missing, it was lost

A message says what was found, what was expected, and what to do next. It names the file or the
key. The command line prints it without a traceback.

``Interrupted`` stands beside the tree: it is a signal, as KeyboardInterrupt is, and no error.
"""

from __future__ import annotations

from collections.abc import Sequence


class RattleError(Exception):
    """Base of every error that rattle raises on purpose.

    ``arguments`` names which of a function's arguments to change, where that helps: ``out``,
    ``outliers``. The command line adds the options that they stand for; a message names none.
    """

    def __init__(self, message: str = "", *, argument: str | Sequence[str] = ()) -> None:
        super().__init__(message)
        self.arguments = (argument,) if isinstance(argument, str) else tuple(argument)

    def __reduce__(self) -> tuple[object, ...]:
        # Processes send each other errors, which would lose the keyword.
        return _rebuilt, (type(self), str(self), self.arguments)


class ClipError(RattleError):
    """A recording cannot be read or is not fit for use."""


class DataError(RattleError):
    """A folder, manifest or selection of clips does not hold what is needed."""


class DownloadError(RattleError):
    """An archive cannot be fetched, verified or unpacked."""


class RecipeError(RattleError):
    """A recipe file or one of its values is not valid."""


class ConfigError(RattleError):
    """A plant's file (``plant.toml``) or one of its values is not valid."""


class TrainingError(RattleError):
    """Training cannot start, go on or resume."""


class StorageError(RattleError):
    """A file or folder cannot be written: the disk is full, read-only or fails."""


class HeldError(StorageError):
    """Another process keeps a file or folder to itself; it may be free a little later."""


class BundleError(RattleError):
    """A bundle is damaged, of another version, or does not fit."""


class SourceError(RattleError):
    """Live sound cannot be had: no such device, a tool is missing, it was lost."""


def _rebuilt(kind: type[RattleError], message: str, arguments: tuple[str, ...]) -> RattleError:
    return kind(message, argument=arguments)


class Interrupted(Exception):  # noqa: N818 - a signal like KeyboardInterrupt, not an error
    """A long job stopped because it was asked to; what it keeps on disk lets it go on."""
