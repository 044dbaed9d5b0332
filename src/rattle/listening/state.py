"""Store what was learnt of a machine while listening, so that the next run goes on with it.

A JSON file of at most 28 days of minutes (40,320 numbers, some 400 kB). It is of one bundle and one
rule: another bundle's scores have nothing to do with these.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from rattle.atomic import write_text
from rattle.errors import DataError
from rattle.scoring.budget.fit import BudgetThreshold
from rattle.scoring.budget.ledger import Account, Incident, Level, Verdict
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.budget.stages import KEPT_MINUTES

# Digits of a minute: far finer than scores of two machines agree.
DIGITS = 9
# No file of ours is larger.
BOUND_BYTES = 16 * 2**20
ANEW = "name another file, or move it away to learn anew"

Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Threshold(_Part):
    value: FiniteFloat
    expected_per_week: FiniteFloat
    upper_per_week: FiniteFloat
    margin: FiniteFloat
    peaks: Count
    weeks: FiniteFloat


class _Incident(_Part):
    level: Level
    first: Count
    last: Count
    peak: FiniteFloat
    threshold: FiniteFloat
    verdict: Verdict | None


class _State(_Part):
    """The file. ``Account`` says what the fields are."""

    format: Literal["rattle-listening"] = "rattle-listening"
    version: Literal[1] = 1
    machine: str
    bundle: str
    rule: Annotated[str, Field(pattern=r"^[1-9]\d{0,5}/[1-9]\d{0,5}$")]
    budget_per_week: FiniteFloat
    heard: Count
    fitted: Count
    thresholds: dict[Level, _Threshold]
    calm: dict[Level, Count]
    incidents: Annotated[tuple[_Incident, ...], Field(max_length=KEPT_MINUTES)]
    minutes: Annotated[tuple[FiniteFloat, ...], Field(max_length=KEPT_MINUTES)]

    @model_validator(mode="after")
    def _counts_fit_each_other(self) -> _State:
        if self.heard < max(len(self.minutes), self.fitted):
            raise ValueError("more minutes than were heard")
        if any(not each.first <= each.last <= self.heard for each in self.incidents):
            raise ValueError("an incident of minutes that were not heard")
        if set(self.calm) - {each.level for each in self.incidents}:
            raise ValueError("an open incident that is not among its incidents")
        return self


def write_state(
    path: Path,
    account: Account,
    budget_per_week: float,
    *,
    machine: str,
    bundle: str,
    rule: AlarmRule,
) -> None:
    """Write it in full or not at all; ``StorageError`` where that cannot be done."""
    state = _State(
        machine=machine,
        bundle=bundle,
        rule=str(rule),
        budget_per_week=budget_per_week,
        heard=account.heard,
        fitted=account.fitted,
        thresholds={
            level: _Threshold.model_validate(vars(of)) for level, of in account.thresholds.items()
        },
        calm=account.calm,
        incidents=tuple(_Incident.model_validate(vars(each)) for each in account.incidents),
        minutes=tuple(float(f"{minute:.{DIGITS}g}") for minute in account.minutes),
    )
    write_text(path, state.model_dump_json() + "\n")


@dataclass(frozen=True)
class Stored:
    """What a state file holds: an account, and the rule and the budget that it was kept by."""

    account: Account
    rule: AlarmRule
    budget_per_week: float


def read_state(path: Path, *, bundle: str) -> Stored | None:
    """Read what was learnt by that bundle; None where there is no file yet.

    Raises ``DataError`` where the file is damaged or of another bundle.
    """
    try:
        if not path.exists():
            return None
        if path.stat().st_size > BOUND_BYTES:
            raise DataError(f"{path} is larger than what was learnt can be; {ANEW}")
        state = _State.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {ANEW}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"][:2])
        raise DataError(
            f"{path} does not hold what was learnt while listening, or is damaged "
            f"({where + ': ' if where else ''}{first['msg']}); {ANEW}"
        ) from None
    if state.bundle != bundle:
        raise DataError(
            f"{path} was learnt by another bundle (of {state.machine}), whose scores do not "
            f"compare with this one's; {ANEW}"
        )
    account = Account(
        np.array(state.minutes, dtype=np.float64),
        state.heard,
        tuple(Incident(**each.model_dump()) for each in state.incidents),
        dict(state.calm),
        {level: BudgetThreshold(**of.model_dump()) for level, of in state.thresholds.items()},
        state.fitted,
    )
    return Stored(account, AlarmRule.parse(state.rule), state.budget_per_week)
