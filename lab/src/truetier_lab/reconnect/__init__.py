"""Thousands of agents, one control plane, a blackout: what comes back when, with each mechanism of the runtime and without."""
