"""What the styles of a generator are called, what they feed, and which belong together.

Torch-free: panels and messages name styles before a network is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass

from creps_core.config import GeneratorConfig

LAYOUT_STYLES = 5  # those of b4 … b16
PALETTE_STYLES = 2  # the last projection and the head


@dataclass(frozen=True)
class StyleGroup:
    """Neighbouring styles that change one thing about a picture."""

    name: str
    styles: range


def style_groups(config: GeneratorConfig) -> tuple[StyleGroup, ...]:
    """Layout, Form and Palette; small networks may have no Form."""
    palette = config.num_ws - PALETTE_STYLES
    layout = min(LAYOUT_STYLES, palette)
    groups = (
        StyleGroup("Layout", range(layout)),
        StyleGroup("Form", range(layout, palette)),
        StyleGroup("Palette", range(palette, config.num_ws)),
    )
    return tuple(group for group in groups if group.styles)


def style_name(config: GeneratorConfig, style: int) -> str:
    """A style by the first layer of the main path that it feeds: b32 · 1, or head."""
    blocks = config.block_resolutions
    if style == config.num_ws - 1:
        return "head"
    if style == 0:
        return "b4 · in"
    if style == 1:
        return "b4 · 1"
    if style == config.num_ws - 2:
        return f"b{blocks[-1]} · out"
    return f"b{blocks[(style + 1) // 2]} · {2 - style % 2}"


def style_layers(config: GeneratorConfig, style: int) -> list[str]:
    """Every layer that a style feeds, in the order in which they run."""
    if style == config.num_ws - 1:
        return ["the head, which every pixel runs through"]
    if style == 0:
        return ["the input waves of rows and columns"]
    layers = ["b4's layer"] if style == 1 else []
    for m, block in enumerate(config.block_resolutions[1:], start=1):
        if style == 2 * m - 1:
            layers.append(f"b{block}'s 1st layer")
        if style == 2 * m:
            layers.append(f"b{block}'s 2nd layer")
        if style == 2 * m + 1:
            layers.append(f"b{block}'s projection")
    return layers
