"""Files of spans, each format brought to the one table of ``telemetry.spans``. ``recognition`` says whose a file is.

A reader takes an open file and a sink and never fails for what the file holds: what cannot be read is counted under a reason,
the rest is used, and memory stays bounded whatever the size of the file.
"""

from truetier.sources.traces.files import read_traces, trace_files

__all__ = ["read_traces", "trace_files"]
