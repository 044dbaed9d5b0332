"""Make recordings of synthetic machines and of their faults, from physical models.

They stand in for real recordings in the demo, in tests and in the documentation, and are always
called synthetic. The same faults, laid over a real recording (``overlay_fault``), make
pseudo-anomalies; a recording changed into that of another machine (``transform``) makes a
pseudo-outlier. Begin with ``specimen.Specimen``, one machine, or ``write_factory``.

    machine in motion -> + fault -> room -> + hall at an SNR -> microphone
      fan, pump,         faults,    room    hall                specimen -> factory (files)
      slider, valve      bearing
"""

from rattle.synthetic.factory import write_factory
from rattle.synthetic.overlay import FAULT_KINDS, overlay_fault
from rattle.synthetic.specimen import FAULTS_OF_TYPE, MACHINE_TYPES, Specimen
from rattle.synthetic.transform import detuned, transform

__all__ = [
    "FAULTS_OF_TYPE",
    "FAULT_KINDS",
    "MACHINE_TYPES",
    "Specimen",
    "detuned",
    "overlay_fault",
    "transform",
    "write_factory",
]
