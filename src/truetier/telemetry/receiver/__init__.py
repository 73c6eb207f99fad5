"""Takes spans in over OTLP/HTTP and has them on disk before it says so."""
