"""Compiles the kernels, where there is a compiler; without one they run as they stand, slower (docs/adr/0009)."""

import os
from pathlib import Path

from setuptools import Extension, setup

try:
    from Cython.Build import cythonize
except ModuleNotFoundError:
    cythonize = None

SOURCE = Path("src")
KERNELS = sorted(SOURCE.rglob("kernel.py"))


def extensions() -> list[Extension]:
    """Each kernel under the name of its module; ``optional``: what cannot be compiled is left out."""
    if cythonize is None:
        return []
    # No fused multiply-add: compiled and uncompiled give the same digits.
    exact = ["-ffp-contract=off"] if os.name == "posix" else []
    found = [
        Extension(".".join(path.relative_to(SOURCE).with_suffix("").parts), [str(path)], extra_compile_args=exact, optional=True)
        for path in KERNELS
    ]
    return cythonize(found, build_dir="build")


setup(ext_modules=extensions())
