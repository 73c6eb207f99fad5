"""Text made safe inside XML: all that JUnit, SVG and Open-PSA need."""

from __future__ import annotations

from truetier.report.text import plain


def escaped(words: str) -> str:
    """The words as XML character data or a quoted attribute value; what XML forbids becomes a visible escape."""
    safe = plain(words)
    if "&" in safe or "<" in safe or ">" in safe or '"' in safe or "'" in safe:
        return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;").replace("'", "&#39;")
    return safe


def tag(name: str, attributes: dict[str, str]) -> str:
    """``name a="1"``: what stands between the brackets of an opening tag; values are escaped."""
    return name + "".join(f' {key}="{escaped(value)}"' for key, value in attributes.items())
