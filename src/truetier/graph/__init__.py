"""Who needs whom."""
