"""The command line: parses, calls one use case, prints, gives an exit code."""
