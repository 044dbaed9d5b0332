"""State what every table of ``plant.toml`` has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr
from pydantic_core import PydanticCustomError

from rattle.station.config import texts

Name = Annotated[str, AfterValidator(texts.name)]
Secret = Annotated[SecretStr, AfterValidator(texts.secret)]
# What ``read`` looks for by itself: these are told of a whole table, where nothing in it is wrong.
OF_A_TABLE = "of_a_table"


class Table(BaseModel):
    """A table of the file: no key but those it names."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def of_a_table(message: str) -> PydanticCustomError:
    """Make the error that a table is not right as a whole."""
    # The message stands in a placeholder: it may hold braces.
    return PydanticCustomError(OF_A_TABLE, "{message}", {"message": message})
