"""A limit for tests, that remembers what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier_runtime.limits import FixedState

if TYPE_CHECKING:
    from truetier_runtime.limits import Sample


class Recording:
    """A limit that moves by ``less`` at each drop, by default not at all."""

    def __init__(self, limit: int, *, less: int = 0) -> None:
        self.limit = limit
        self.less = less
        self.samples: list[Sample] = []

    def begin(self) -> FixedState:
        return FixedState(self.limit)

    def step(self, state: FixedState, sample: Sample) -> FixedState:
        self.samples.append(sample)
        return FixedState(state.limit - self.less * sample.is_dropped)

    @property
    def drops(self) -> list[bool]:
        return [sample.is_dropped for sample in self.samples]
