"""A real fleet of small services, faults on command, and what truetier says of it held against what happens."""
