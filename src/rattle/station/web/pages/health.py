"""Show how the station itself is: what it hears, what waits, what is kept, what goes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rattle.station.amounts_said import span_said
from rattle.station.board import MachineNow, SourceNow
from rattle.station.config.amounts import shown_bytes
from rattle.station.health import Kept
from rattle.station.web.pages.shell import context_of, shown
from rattle.station.web.pages.states import State, state_of_source

router = APIRouter()


@dataclass(frozen=True)
class SourceLine:
    """A source as the table shows it; ``station`` is the other one that listens to it, or ""."""

    machine: str
    source: SourceNow
    state: State
    dropped: str
    station: str


@dataclass(frozen=True)
class Disk:
    """Recordings against their budget; shares are of a bar, 0 to 100."""

    clips: str
    protected: str
    budget: str
    used_share: float
    protected_share: float
    normal: str
    embeddings: str
    database: str
    free: str


@router.get("/health", response_class=HTMLResponse, include_in_schema=False)
def health_page(request: Request) -> HTMLResponse:
    """Show how the station is."""
    context = context_of(request)
    health = context.station.health()
    lines = source_lines(context.board.machines())
    return shown(
        request,
        "health",
        title="Health",
        here="health",
        health=health,
        up=span_said((context.now() - health.started).total_seconds()),
        sources=lines,
        failing=sum(bool(each.error) for each in health.channels)
        + (health.broker is not None and not health.broker.connected),
        deaf=sum(line.state.kind in ("lost", "unfit") for line in lines),
        disk=disk(health.kept),
    )


def source_lines(machines: Sequence[MachineNow]) -> list[SourceLine]:
    """List all sources, the worst first."""
    lines = [
        SourceLine(
            machine.name,
            source,
            state_of_source(source),
            span_said(source.dropped_s) if source.dropped_s >= 1 else "none",
            machine.station,
        )
        for machine in machines
        for source in machine.sources
    ]
    return sorted(lines, key=lambda line: line.state.rank)


def disk(kept: Kept) -> Disk:
    """Say how much is kept; recordings beyond their budget fill the bar."""
    budget = max(kept.clip_budget_bytes, kept.clip_bytes, 1)
    return Disk(
        clips=shown_bytes(kept.clip_bytes),
        protected=shown_bytes(kept.protected_bytes),
        budget=shown_bytes(kept.clip_budget_bytes),
        used_share=round(100 * kept.clip_bytes / budget, 1),
        protected_share=round(100 * kept.protected_bytes / budget, 1),
        normal=shown_bytes(kept.normal_bytes),
        embeddings=shown_bytes(kept.embedding_bytes),
        database=shown_bytes(kept.database_bytes),
        free=shown_bytes(kept.free_bytes),
    )
