"""The rule machinery; it knows no rule by name."""
