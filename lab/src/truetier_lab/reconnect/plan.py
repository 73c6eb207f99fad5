"""The numbers of the experiment."""

from __future__ import annotations

from typing import NamedTuple


class Plan(NamedTuple):
    """How many agents there are, what the control plane can do, and when it is gone. Times are in seconds.

    A full sync holds one of ``places`` for ``full``; a heartbeat, or a question whether a version is still current, for ``light``.
    """

    agents: int = 3000
    places: int = 15
    full: float = 0.025
    light: float = 0.001
    patience: float = 1.2  # of an agent, for one answer
    round: float = 8.0  # between the heartbeats of one agent, and between its polls where it polls
    jitter: float = 0.2  # of the pace, as a share of a round
    retry: float = 1.0  # between attempts where nothing else is said
    base: float = 0.5  # of the backoff: the first pause is drawn up to it
    cap: float = 12.0  # of the backoff
    lease: float = 12.0  # for how long a configuration that is not kept may be used after the control plane was heard from
    restarts: float = 0.1  # share of the agents whose process restarts during the blackout
    calm: float = 1.0  # before the blackout
    blackout: float = 5.0
    watched: float = 24.0  # after it, at most
    hold: float = 3.0  # a run is over once nearly all agents have been registered for so long

    @classmethod
    def of(cls, agents: int) -> Plan:
        """For so many agents: a control plane that grows with them, so that the fleet takes as long to come back whatever its size."""
        usual = cls()
        exact = usual.places * agents / usual.agents
        places = max(1, round(exact))  # whole ones: what a place does takes longer or shorter for it
        return usual._replace(agents=agents, places=places, full=usual.full * places / exact, light=usual.light * places / exact)

    @property
    def capacity(self) -> float:
        """Full syncs a second."""
        return self.places / self.full

    @property
    def back(self) -> float:
        """When the control plane takes connections again, counted from the begin of a run."""
        return self.calm + self.blackout
