"""The API does what its description says, whatever is sent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_station import MadeUpStation, dispose, station_again
from schemathesis import Case
from schemathesis.checks import CheckFunction
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from rattle.station.web.app import build_app
from rattle.station.web.server import Server


@pytest.fixture(scope="module")
def described(
    station_template: MadeUpStation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BaseSchema]:
    folder = tmp_path_factory.mktemp("described") / "data"
    shutil.copytree(station_template.context.file.data, folder)
    station = station_again(folder, station_template, bind="127.0.0.1:0")
    server = Server(build_app(station.context))
    address = server.start()
    schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json")
    # It does not end by itself.
    yield schema.exclude(path="/events")
    server.stop()
    dispose(station)


USUAL = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
METHODS = ("GET", "POST")


@pytest.mark.parametrize("method", METHODS)
def test_every_answer_is_as_described(
    method: str, described: BaseSchema, station_template: MadeUpStation
) -> None:
    known = {
        "machine": "pump 7",
        "incident": station_template.incidents["fault"],
        "review": station_template.reviews["fault"],
        "sha256": station_template.clips["fault"],
        "source": "pump plc",
        "job": station_template.jobs["running"],
        "name": "base.rattle",
    }
    for result in described.include(method=method).get_all_operations():
        operation = result.ok()
        # That begin is before end, no schema says.
        has_span = operation.path.endswith(("/timeline", "/thresholds"))
        excluded = [positive_data_acceptance] if has_span else []

        @USUAL
        @given(operation.as_strategy(), st.booleans(), st.just(excluded))
        def is_as_described(case: Case, of_known: bool, excluded: list[CheckFunction]) -> None:
            # A path of random ids leads to nothing, most of the time.
            if of_known:
                case.path_parameters.update(
                    {name: known[name] for name in known if name in case.path_parameters}
                )
            case.call_and_validate(timeout=20, excluded_checks=excluded)

        is_as_described()


def test_the_description_is_of_all_that_programs_use(described: BaseSchema) -> None:
    paths = {operation.ok().path for operation in described.get_all_operations()}
    assert {operation.ok().method.upper() for operation in described.get_all_operations()} == {
        *METHODS
    }
    assert paths >= {"/api/v1/machines/{machine}/timeline", "/api/v1/reviews", "/metrics"}
