"""Fault trees: the probability of a top event, what it hangs on, and the smallest sets of events that bring it about."""
