"""Rules on how a caller guards itself against what it needs."""
