"""Small files that describe something, for tests that load them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = "services:\n  login: {tier: 1, needs: [profile]}\n  profile: {tier: 2}\n"
COMPOSE = "services:\n  site: {image: i, depends_on: [store]}\n  store: {image: i}\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {selector: {app: cart}}\n"
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n"
    "    spec: {containers: [{env: [{name: CART_ADDR, value: 'cart:80'}]}]}\n"
)


def write(folder: Path, **files: str | bytes) -> None:
    """Write files; a double underscore in a name stands for a folder, a single one before the suffix for a dot."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
