"""The time domain: outages come and go, and years are told apart (docs/theory.md, Years that differ)."""
