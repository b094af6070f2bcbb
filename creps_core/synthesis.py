"""The reference synthesis: ws and coordinates to a picture, to be read beside the paper's figure.

Plain, differentiable, without caches or tiles; the renderer must agree with it. Row and column
coordinates are arguments: there is no resolution in here, and H ≠ W is the normal case.
"""

from __future__ import annotations

from torch import Tensor, nn

from creps_core.biline import compose
from creps_core.config import GeneratorConfig
from creps_core.decoder import Decoder, HeadBlock
from creps_core.layers import FullyConnected
from creps_core.lines import LineBlock, embed_bilines


class SynthesisNetwork(nn.Module):
    """ws [N, num_ws, w_dim] and coordinates → img [N, 3, H, W]; tensor names as in published files."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        b = config.biline_channels
        for block in config.block_resolutions:
            self.add_module(f"b{block}", LineBlock(config, block))
        for level in config.levels:  # decoder_8 is in every published file and unused
            self.add_module(f"decoder_{level}", Decoder(b))
        self.decoder_last = Decoder(b)
        self.decoder_img = FullyConnected(b, 3)
        self.block0 = HeadBlock(b, 4 * b, config.w_dim)
        self.block1 = HeadBlock(4 * b, 2 * b, config.w_dim)

    @property
    def line_blocks(self) -> list[LineBlock]:
        """b4, b8, … in order."""
        return [self.get_submodule(f"b{k}") for k in self.config.block_resolutions]  # type: ignore[misc]

    def decoder(self, level: int) -> Decoder:
        """The decoder that runs before the composition of `level` is added."""
        module = self.get_submodule(f"decoder_{level}")
        assert isinstance(module, Decoder)
        return module

    def forward(self, ws: Tensor, row_coords: Tensor, column_coords: Tensor) -> Tensor:
        """Synthesise the product grid of row_coords [H] (y) and column_coords [W] (x), plane units.

        Row and column coordinates may also be [N, H] and [N, W]: every sample has a grid of its own.
        Returns RGB [N, 3, H, W], unclamped; trained models stay near [−1, 1].
        """
        bilines = embed_bilines(self.line_blocks, ws, row_coords, column_coords)
        first, *later = bilines
        feature = compose(first)  # [N, B, H, W]
        for level, biline in zip(self.config.levels[1:], later, strict=True):
            feature = self.decoder(level)(feature) + compose(biline)
        feature = self.decoder_last(feature)
        img = self.decoder_img(feature)
        feature, img = self.block0(feature, img, ws[:, -1])
        feature, img = self.block1(feature, img, ws[:, -1])
        return img
