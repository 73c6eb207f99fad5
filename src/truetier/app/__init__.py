"""One use case per file, for the command line, a server and library callers alike."""
