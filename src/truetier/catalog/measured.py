"""What was counted of one part of the fleet: requests, failures, and how much failures come together."""

from __future__ import annotations

from decimal import Decimal

from truetier.record import NamedTuple

_ONE = Decimal(1)


class Measured(NamedTuple):
    """Requests to something while all it needs worked, and how many failed.

    ``clustering``: failures that come together count as one; both counts are divided by it (the design effect of survey sampling).
    """

    requests: int
    failed: int = 0
    clustering: Decimal = _ONE

    @property
    def failures(self) -> float:
        """The first shape of the posterior of the unavailability: a half, and the failures that are independent of each other.

        Source: Jeffreys prior of a binomial share, Brown, Cai and DasGupta, Statistical Science 16(2), 2001.
        """
        return float(Decimal(self.failed) / self.clustering) + 0.5

    @property
    def successes(self) -> float:
        """The second shape: a half, and the requests that succeeded, divided alike."""
        return float((self.requests - self.failed) / self.clustering) + 0.5

    @property
    def unavailability(self) -> Decimal:
        """The mean of the posterior: (failures + 1/2) / (requests + 1), both counts divided by the clustering."""
        return (self.failed + self.clustering / 2) / (self.requests + self.clustering)

    def __str__(self) -> str:
        clusters = f", clustering {self.clustering}" if self.clustering != 1 else ""
        return f"{self.failed} of {self.requests} requests failed{clusters}"
