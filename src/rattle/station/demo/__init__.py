"""Run a plant of synthetic machines, so that a newcomer sees the station at work at once.

    machines -> sound -> source      what is heard, with faults and troubles by the script
    kit -> history                   their detectors, and what was heard before

Begin with ``run.run_demo``.
"""

from rattle.station.demo.run import run_demo

__all__ = ["run_demo"]
