"""Count for Prometheus: made of the board, the health and the database when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

from rattle.station.board import MachineNow, SourceNow, SourceState
from rattle.station.health import Health
from rattle.station.store.reading.jobs import JobState, count_jobs
from rattle.station.store.reading.plant import incident_counts
from rattle.station.web.access import Given
from rattle.station.web.context import Context
from rattle.station.web.workers import workers_of

router = APIRouter(tags=["metrics"])

SOURCE = ("machine", "source")


class Figures:
    """All metrics of a station at one moment; Prometheus calls this a collector."""

    def __init__(self, context: Context, workers: int) -> None:
        self._context, self._workers = context, workers

    def collect(self) -> Iterator[Metric]:
        """Give every metric with its samples."""
        machines = self._context.board.machines()
        # Another station says its own.
        yield from _of_sources([machine for machine in machines if not machine.station])
        health = self._context.station.health()
        yield from _of_writing(health)
        yield from _of_telling(health)
        yield self._incidents(machines)
        yield self._jobs()
        yield GaugeMetricFamily(
            "rattle_workers", "Workers that were heard of lately.", value=self._workers
        )
        yield GaugeMetricFamily(
            "rattle_pages_open", "Pages that are told of changes.", value=health.pages_open
        )

    def _incidents(self, machines: list[MachineNow]) -> Metric:
        family = CounterMetricFamily(
            "rattle_incidents", "Incidents so far.", labels=("machine", "kind", "level")
        )
        names = {machine.id: machine.name for machine in machines}
        with self._context.database.reading() as session:
            counts = incident_counts(session)
        for (machine_id, kind, level), count in counts.items():
            # One that left the file has no name on the board.
            family.add_metric((names.get(machine_id, machine_id), kind, level), count)
        return family

    def _jobs(self) -> Metric:
        family = GaugeMetricFamily(
            "rattle_jobs", "Trainings of encoders, by state.", labels=("state",)
        )
        with self._context.database.reading() as session:
            counts = count_jobs(session)
        for state in get_args(JobState):
            family.add_metric((state,), counts.get(state, 0))
        return family


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "All metrics."}},
)
def metrics(request: Request, context: Given) -> Response:
    """Give all metrics, as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    workers = len(workers_of(request).there(context.now()))
    registry.register(Figures(context, workers))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _of_sources(machines: list[MachineNow]) -> Iterator[Metric]:
    pairs = [(machine, source) for machine in machines for source in machine.sources]
    states = GaugeMetricFamily(
        "rattle_source_state", "1 for the state that the source is in.", labels=(*SOURCE, "state")
    )
    for machine, source in pairs:
        for state in get_args(SourceState):
            states.add_metric((machine.name, source.name, state), float(source.state == state))
    yield states
    running = GaugeMetricFamily(
        "rattle_source_running", "1 where it hears its machine run.", labels=SOURCE
    )
    for machine, source in pairs:
        running.add_metric((machine.name, source.name), float(source.operating == "running"))
    yield running
    for name, help_text, field in GAUGES:
        family = GaugeMetricFamily(name, help_text, labels=SOURCE)
        for machine, source in pairs:
            _add(family, machine, source, field)
        yield family
    for name, help_text, field in COUNTERS:
        counter = CounterMetricFamily(name, help_text, labels=SOURCE)
        for machine, source in pairs:
            _add(counter, machine, source, field)
        yield counter


GAUGES = (
    ("rattle_source_lag_seconds", "How long the last window waited to be scored.", "lag_s"),
    ("rattle_source_score", "Score of the last window.", "score"),
    ("rattle_source_y", "K-th largest of the last N scores: what thresholds are for.", "y"),
    ("rattle_source_level_dbfs", "Level of the last window.", "level_db"),
    ("rattle_source_alarm_threshold", "Threshold of an alarm.", "alarm"),
    ("rattle_source_watch_threshold", "Threshold of a watch.", "watch"),
    ("rattle_source_minutes", "Minutes of scored sound heard by the release in use.", "minutes"),
)
COUNTERS = (
    ("rattle_source_dropped_seconds", "Sound that was dropped since the start.", "dropped_s"),
    ("rattle_source_connections", "How often the source was connected.", "connections"),
)


def _add(
    family: GaugeMetricFamily | CounterMetricFamily,
    machine: MachineNow,
    source: SourceNow,
    field: str,
) -> None:
    value = getattr(source, field)
    if value is not None:
        family.add_metric((machine.name, source.name), float(value))


def _of_writing(health: Health) -> Iterator[Metric]:
    writing, kept = health.writing, health.kept
    for name, help_text, value in (
        ("rattle_scribe_waiting", "Records that wait to be written.", writing.waiting),
        ("rattle_scribe_failing", "1 while nothing can be written.", bool(writing.error)),
        ("rattle_disk_full", "1 while no recording can be written.", bool(writing.full_disk)),
        ("rattle_clips_bytes", "Recordings that are kept.", kept.clip_bytes),
        ("rattle_clips_protected_bytes", "Recordings that never go.", kept.protected_bytes),
        ("rattle_clips_budget_bytes", "Recordings that may be kept.", kept.clip_budget_bytes),
        ("rattle_embeddings_bytes", "Embeddings that are kept.", kept.embedding_bytes),
        ("rattle_normal_sound_pieces", "Normal sound that is kept.", kept.normal_pieces),
        ("rattle_normal_sound_bytes", "Normal sound that is kept.", kept.normal_bytes),
        ("rattle_database_bytes", "Size of the database.", kept.database_bytes),
        ("rattle_disk_free_bytes", "What is free on the disk.", kept.free_bytes),
        ("rattle_start_time_seconds", "When the station started.", health.started.timestamp()),
    ):
        yield GaugeMetricFamily(name, help_text, value=float(value))
    for name, help_text, value in (
        ("rattle_scribe_written", "Records that were written.", writing.written),
        ("rattle_scribe_dropped_minutes", "Minutes that were dropped.", writing.dropped_minutes),
        (
            "rattle_scribe_dropped_embeddings",
            "Windows whose embeddings were dropped.",
            writing.dropped_embeddings,
        ),
        ("rattle_scribe_refused", "Records the database could not hold.", writing.refused),
        ("rattle_clips_refused", "Recordings that were not kept.", writing.refused_clips),
        ("rattle_clips_with_speech", "Recordings dropped for speech.", writing.speech_clips),
        (
            "rattle_normal_sound_refused",
            "Normal sound that was not kept for want of room.",
            writing.refused_normal,
        ),
        (
            "rattle_normal_sound_with_speech",
            "Normal sound dropped for speech.",
            writing.speech_normal,
        ),
        ("rattle_clips_removed", "Recordings that went for room.", kept.removed),
    ):
        yield CounterMetricFamily(name, help_text, value=float(value))


def _of_telling(health: Health) -> Iterator[Metric]:
    notices = GaugeMetricFamily(
        "rattle_notices",
        "Notices of the last four weeks: waiting, sent, expired.",
        labels=("channel", "state"),
    )
    failing = GaugeMetricFamily(
        "rattle_channel_failing", "1 while the channel cannot be told.", labels=("channel",)
    )
    for channel in health.channels:
        for state in ("waiting", "sent", "expired"):
            notices.add_metric((channel.name, state), float(getattr(channel, state)))
        failing.add_metric((channel.name,), float(bool(channel.error)))
    yield notices
    yield failing
    connected = GaugeMetricFamily("rattle_mqtt_connected", "1 while the broker is connected.")
    published = CounterMetricFamily("rattle_mqtt_published", "Messages that were published.")
    refused = CounterMetricFamily("rattle_mqtt_refused", "Messages that could not be used.")
    if health.broker is not None:
        connected.add_metric((), float(health.broker.connected))
        published.add_metric((), float(health.broker.published))
        refused.add_metric((), float(health.broker.refused))
    yield connected
    yield published
    yield refused
