"""Every page of the made-up plant, by a word for it."""

from __future__ import annotations

from made_up_station import MadeUpStation

WORDS = (
    "wall",
    "machine",
    "machine learning",
    "incidents",
    "no incidents",
    "incident",
    "reviewed incident",
    "microphone incident",
    "review",
    "release",
    "offered",
    "enrol",
    "enrolment",
    "enrolment offered",
    "enrolment failed",
    "enrolment accepted",
    "offered encoder",
    "jobs",
    "reports",
    "report",
    "empty report",
    "health",
    "settings",
    "login",
    "not found",
)


def path_of(word: str, station: MadeUpStation) -> str:
    return {
        "wall": "/",
        "machine": "/machines/press-3?span=week",
        "machine learning": "/machines/fan-1",
        "incidents": "/incidents",
        "no incidents": "/incidents?verdict=unsure&level=alarm",
        "incident": f"/incidents/{station.incidents['open alarm']}",
        "reviewed incident": f"/incidents/{station.incidents['fault']}",
        "microphone incident": f"/incidents/{station.incidents['microphone']}",
        "review": "/review",
        "release": f"/releases/{station.releases['press-3']}",
        "offered": f"/releases/{station.releases['offered']}",
        "enrol": "/enrol",
        "enrolment": f"/enrol/{station.enrolments['recording']}",
        "enrolment offered": f"/enrol/{station.enrolments['offered']}",
        "enrolment failed": f"/enrol/{station.enrolments['failed']}",
        "enrolment accepted": f"/enrol/{station.enrolments['accepted']}",
        "offered encoder": f"/releases/{station.releases['encoder']}",
        "jobs": "/jobs",
        "reports": "/reports",
        "report": "/reports/2026-W12",
        "empty report": "/reports/2026-W02",
        "health": "/health",
        "settings": "/settings",
        "login": "/login",
        "not found": "/incidents/none",
    }[word]
