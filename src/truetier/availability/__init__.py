"""What a service can really deliver: structure, exact probability, bounds and verdicts."""
