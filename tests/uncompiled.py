"""A pytest plugin: the kernels run as they would where Cython was never installed."""

from __future__ import annotations

import os
import sys

sys.modules["cython"] = None  # type: ignore[assignment] # importing it now fails as if it were absent
os.environ["TRUETIER_UNCOMPILED"] = "1"
