"""Rules on loops and layers."""
