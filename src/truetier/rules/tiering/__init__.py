"""Rules on what services promise each other."""
