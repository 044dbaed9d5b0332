"""Say how the station itself is."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from rattle.station.web.access import Given
from rattle.station.web.api.answer import USUAL, Answer

router = APIRouter(tags=["health"], responses=USUAL)


class Writing(Answer):
    """The scribe, who writes what ears tell."""

    waiting: int = Field(description="Records that wait.")
    written: int = Field(description="Records written since the start.")
    dropped_minutes: int = Field(description="Minutes that were dropped.")
    dropped_embeddings: int = Field(description="Windows whose embeddings were dropped.")
    refused: int = Field(description="Records that the database could not hold.")
    refused_clips: int = Field(description="Recordings that were not kept for want of room.")
    speech_clips: int = Field(description="Recordings that were dropped for speech.")
    refused_normal: int = Field(description="Normal sound that was not kept for want of room.")
    speech_normal: int = Field(description="Normal sound that was dropped for speech.")
    error: str = Field(description='Why nothing can be written, or "".')
    since: datetime | None = Field(description="From when on.")
    full_disk: str = Field(description='Why no recording can be written, or "".')


class Kept(Answer):
    """What is kept, and what goes next."""

    ran: datetime | None = Field(description="When retention ran last.")
    clip_bytes: int = Field(description="Recordings that are kept.")
    protected_bytes: int = Field(description="Of these, reviewed ones, which never go.")
    clip_budget_bytes: int = Field(description="Recordings that may be kept.")
    embedding_bytes: int = Field(description="Embeddings that are kept.")
    normal_pieces: int = Field(description="Pieces of normal sound that are kept.")
    normal_bytes: int = Field(description="What they take.")
    normal_since: datetime | None = Field(description="When the oldest of them begins.")
    database_bytes: int = Field(description="Size of the database.")
    free_bytes: int = Field(description="What is free on the disk.")
    victims: list[str] = Field(description="Recordings that go next.")
    removed: int = Field(description="Recordings that went since the start.")
    error: str = Field(description='Why retention failed, or "".')


class Channel(Answer):
    """Someone who is told; notices are those of the last four weeks."""

    name: str = Field(description="Its name in plant.toml.")
    kind: str = Field(description="webhook, or the scheme of its address.")
    waiting: int = Field(description="Notices that it is still to be told.")
    sent: int = Field(description="Notices that it was told.")
    expired: int = Field(description="Notices that could not be told within a day.")
    last_sent: datetime | None = Field(description="When it was told last.")
    error: str = Field(description='Why it cannot be told, or "".')
    failing_since: datetime | None = Field(description="From when on.")


class Broker(Answer):
    """The MQTT broker."""

    place: str = Field(description="Where it is, without a password.")
    connected: bool = Field(description="Whether it is connected.")
    since: datetime | None = Field(description="Since when that is so.")
    error: str = Field(description='Why it is not connected, or "".')
    published: int = Field(description="Messages published since the start.")
    refused: int = Field(description="Messages that came and could not be used.")
    refusal: str = Field(description='What the last of these was, or "".')


class StationSeen(Answer):
    """A station of the same database."""

    name: str = Field(description="What it is called: the computer's name.")
    address: str = Field(description="Where its page is.")
    is_here: bool = Field(description="Whether it is this one.")
    is_there: bool = Field(description="Whether it said lately that it is there.")
    until: datetime = Field(description="It was there at least until then.")
    machines: int = Field(description="How many machines it hears.")


class Health(Answer):
    """How the station is."""

    started: datetime = Field(description="When it started.")
    writing: Writing = Field(description="What is written.")
    kept: Kept = Field(description="What is kept.")
    banners: list[str] = Field(description="What every page says at its top, the worst first.")
    pages_open: int = Field(description="Pages that are told of changes.")
    channels: list[Channel] = Field(description="Who is told of what happens.")
    broker: Broker | None = Field(description="The MQTT broker; null where there is none.")
    stations: list[StationSeen] = Field(
        description="Those that share the database; none where it is this one's alone."
    )


@router.get("/health")
def health(context: Given) -> Health:
    """Say how the station is: what waits, what was lost, what is kept."""
    return Health.model_validate(context.station.health())
