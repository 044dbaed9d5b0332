"""Tell Home Assistant of the machines, so that it shows them by itself (MQTT discovery)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from rattle.station.board import MachineNow
from rattle.station.tell.topics import topic
from rattle.version import VERSION

PREFIX = "homeassistant"
# Of each machine: what it is there, its own word, our topic, how its value is read, and more.
ENTITIES: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    (
        "binary_sensor",
        "alarm",
        "state",
        "{{ 'ON' if value_json.level == 'alarm' else 'OFF' }}",
        {"name": "Alarm", "device_class": "problem"},
    ),
    (
        "binary_sensor",
        "heard",
        "health",
        "{{ 'ON' if value_json.heard else 'OFF' }}",
        {"name": "Heard", "device_class": "connectivity", "entity_category": "diagnostic"},
    ),
    (
        "sensor",
        "operating",
        "state",
        "{{ value_json.operating }}",
        {"name": "State", "icon": "mdi:cog"},
    ),
    (
        "sensor",
        "score",
        "score",
        "{{ value_json.score }}",  # None is taken for unknown there
        {"name": "Score", "state_class": "measurement", "icon": "mdi:waveform"},
    ),
)


def discovery(
    plant: str, machine: MachineNow, address: str, status: str
) -> Iterator[tuple[str, str]]:
    """Yield topics and payloads that describe a machine; its id tells it from others for good.

    ``status`` is the topic of the station that hears it, and ``address`` where that has its page.
    """
    device = {
        "identifiers": [f"rattle_{machine.id}"],
        "name": machine.name,
        "manufacturer": "rattle",
        "model": plant,
        "sw_version": VERSION,
        "configuration_url": f"{address}/machines/{quote(machine.name)}",
    }
    availability = {
        "topic": status,
        "value_template": "{{ value_json.status }}",
        "payload_available": "online",
        "payload_not_available": "offline",
    }
    for component, word, of, template, more in ENTITIES:
        config = {
            "unique_id": _unique(machine.id, word),
            "state_topic": topic(plant, machine.name, of),
            "value_template": template,
            "availability": [availability],
            "device": device,
            **more,
        }
        yield _topic(component, machine.id, word), json.dumps(config)


def topics_of(machine_id: str) -> list[str]:
    """List where a machine is described; who finds nothing there shows it no more."""
    return [_topic(component, machine_id, word) for component, word, *_ in ENTITIES]


def _topic(component: str, machine_id: str, word: str) -> str:
    return f"{PREFIX}/{component}/{_unique(machine_id, word)}/config"


def _unique(machine_id: str, word: str) -> str:
    return f"rattle_{machine_id}_{word}"
