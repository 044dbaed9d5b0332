"""State what all answers of the API share."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Answer(BaseModel):
    """An answer, made of the value of the same fields."""

    model_config = ConfigDict(from_attributes=True)


class Said(BaseModel):
    """Why it was not done."""

    detail: str = Field(description="One sentence for people.")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


# A ULID, as it stands in addresses; and text that every database can store.
Id = Annotated[str, Field(pattern="^[0-9A-Z]{26}$")]
TEXT = r"^[^\x00]*$"

# JSON has no infinity: before K windows were scored Y is none.
Number = Annotated[float | None, BeforeValidator(_finite)]

Answers = dict[int | str, dict[str, Any]]
NOT_FOUND: Answers = {404: {"model": Said, "description": "There is none of that id."}}
CONFLICT: Answers = {409: {"model": Said, "description": "It cannot be done as things are."}}
# Any route may answer so.
USUAL: Answers = {
    401: {"model": Said, "description": "Accounts exist, and nobody is logged in."},
    403: {"model": Said, "description": "The account may not do this."},
    422: {"model": Said, "description": "A value is not as described."},
    503: {"model": Said, "description": "The database does not answer."},
}
