"""Messages of errors as the window says them."""

from __future__ import annotations


def sentence(text: str) -> str:
    """`text` with a capital letter, unless it begins with a file's name, and a full stop."""
    text = " ".join(text.split())
    first = text.split(" ")[0].rstrip(":,;")
    if "." not in first and "/" not in first and "_" not in first:
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "…", "!", "?")) else f"{text}."
