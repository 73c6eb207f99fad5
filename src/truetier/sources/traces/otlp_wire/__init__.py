"""OTLP as it comes over the wire: spans from its bytes, and what a receiver keeps of a request."""
