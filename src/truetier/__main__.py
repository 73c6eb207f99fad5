"""``python -m truetier``."""

from __future__ import annotations

from truetier.cli.main import main

if __name__ == "__main__":
    main()
