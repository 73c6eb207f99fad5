"""What the fleet does: spans of every format in one table, and what they show of who needs whom."""
