"""Write a run's curves for a tool that people watch already: TensorBoard or MLflow.

Off by default; nothing leaves the machine unless MLflow has been pointed at another one. Begin with
``tracker``; ``event_files`` and ``mlflow_run`` are imported where they are asked for.
"""

from rattle.tracking.tracker import Parameter, Tracker, TrackerName, flat, open_tracker

__all__ = ["Parameter", "Tracker", "TrackerName", "flat", "open_tracker"]
