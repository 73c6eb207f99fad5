"""Inside out: a renderer takes a Document and returns text."""
