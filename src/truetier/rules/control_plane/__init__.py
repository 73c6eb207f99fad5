"""Rules on what runs the fleet, and what serves while that is away."""
