"""The curves of a run in a tool that people watch already: TensorBoard or MLflow, off by default.

Nothing leaves the machine unless MLflow has been pointed at another one.
"""

from rattle.tracking.tracker import Parameter, Tracker, TrackerName, flat, open_tracker

__all__ = ["Parameter", "Tracker", "TrackerName", "flat", "open_tracker"]
