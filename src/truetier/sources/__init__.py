"""Outside in: each adapter reads one format into a partial catalog."""
