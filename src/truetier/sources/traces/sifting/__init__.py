"""What a receiver keeps of the requests that are sent to it: all that mining looks at, and nothing else."""
