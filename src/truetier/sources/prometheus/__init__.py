"""Metrics of a Prometheus server: who calls whom, how often that fails, and what users see of each service."""

from truetier.sources.prometheus.metrics import Indicator, read_prometheus

__all__ = ["Indicator", "read_prometheus"]
