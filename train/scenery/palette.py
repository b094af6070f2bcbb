"""The colours of the hours: hand-made palettes around the clock, in two moods, and how to blend them.

A palette is eleven colours. Ten hours of equal length go round from night through dawn, day and dusk; `hour`
runs over [0, 10), and between two hours, as between the two moods, colours are mixed linearly.
"""

from __future__ import annotations

import torch
from torch import Tensor

ZENITH, UPPER, LOWER, HORIZON, GLOW, DISC, HAZE, SHADE, LIT, CLOUD_LIT, CLOUD_SHADE = range(11)
HOURS = 10
NIGHT, BLUE_DAWN, SUNRISE, MORNING, NOON, AFTERNOON, GOLDEN, SUNSET, DUSK, LATE_DUSK = range(HOURS)

# One line per hour:
# zenith upper  lower horizon glow   disc   haze   shade  lit    cloud lit, shade
_CLEAR_MOOD = """
    0a0f2c 121c48 22356c 3d5c92 8fa9dc fbf6e4 34507f 080d20 3d5684 50689c 1a2550
    22336b 4a5f9f 9a8fbd f0b3a4 ffc4a0 fff0d8 8a86b4 131a38 6a6590 e0a8b0 5a5f98
    4f7cc0 96afdc f4c1bb ffdfa8 ffd390 fff6d8 b9a6be 26304a c99a86 ffd9c4 a898c0
    3f8ad6 7cbbea b9dff3 f5eedb fff2cc ffffef a9c6da 1f3f45 8fae6a ffffff a9c0da
    2a74cc 5ca6e8 9ad0f5 d9effa fff8e0 fffff4 9fc4e2 1b4038 86b060 ffffff a4bfdd
    4284c6 82b8e0 c4dce2 f7e5bf ffeab0 fffbe4 b4c3cc 2a3f38 b3a85c fff4e0 b4b8c8
    5f84ba b6b0b8 f6bf82 ffd482 ffc866 fff4c8 d0a98c 33303a b9843f ffdfa0 a8888e
    4a4189 a65a92 f0735f ffb95c ffa04c ffeab4 c47a78 241f3c 964e4a ff9f78 7a4a86
    2c2662 61448c b76694 f3a083 ff9a78 ffdcb8 8d6292 171436 6a4066 e08494 4c3a7c
    171d4b 2e3877 5d5d98 bb8796 e09a94 f8ead8 565b92 0d1030 4c4a7c 8f7098 2c2f66
"""
_DEEP_MOOD = """
    07182c 0b2b44 15506a 3a8288 9edfd4 f4fbee 2f6877 06141f 38707c 4c8690 123a52
    1d4a66 3f7f96 9fb6b4 f3cdb0 ffd9ac fff3dc 88a9ae 0f2630 6d8a86 efc6b4 50808e
    6a6cb8 b49bd0 f7b3c0 ffc9a8 ffb8a0 fff0dc c39cbc 2c2748 c9868c ffcfd0 a386c0
    4c9fc8 8ccbd8 c6e6dc fbf0cf fff0bc fffdea b2d0cc 1d4440 9fb267 ffffff a8cccc
    2f8fc4 64bcd8 a3dde2 def4ea fffbe2 fffff4 a3d0d4 164a44 7cb870 ffffff a3c8d0
    5b90b4 9cbfca d9dcc8 fbdfa6 ffe29c fff9dc c6c4b4 34402f c0a44e fff0d0 bcb4b4
    6f7cae c7a3a8 fbb06c ffc760 ffb84c fff0bc d89c7c 3b2a34 bd763c ffcf8c ac7f86
    3c3a78 8a4a86 e05a6c ff9a5c ff864c ffe0a8 b4667c 201a3c 8c4658 ff8478 6c3f80
    2a3a6c 6a5a92 c8808c ffb488 ffac7c ffe4c0 9c7a90 16203a 6a5070 e89a90 505088
    142848 2a4a70 5f7890 b8a090 e0b89c f6eedc 587890 0c1a2e 4a6074 8f8c98 28466a
"""
_OVERCAST = torch.tensor([0.66, 0.70, 0.74])


def _table(text: str) -> Tensor:
    rows = [
        [[int(word[i : i + 2], 16) / 255 for i in (0, 2, 4)] for word in line.split()]
        for line in text.split("\n")
    ]
    return torch.tensor([row for row in rows if row])


_PALETTES = torch.stack([_table(_CLEAR_MOOD), _table(_DEEP_MOOD)], dim=1)  # [hour, mood, colour, RGB]


def palette(hour: Tensor, mood: Tensor) -> Tensor:
    """Colours at `hour` (float32 [N], in [0, 10)) and `mood` ([N], 0 to 1): RGB in [0, 1], [N, 11, 3]."""
    index = hour.floor().long()
    t = (hour - index)[:, None, None, None]
    pair = torch.lerp(_PALETTES[index % HOURS], _PALETTES[(index + 1) % HOURS], t)
    return torch.lerp(pair[:, 0], pair[:, 1], mood[:, None, None])


def weathered(colours: Tensor, overcast: Tensor, warmth: Tensor) -> Tensor:
    """Palettes [N, 11, 3] under a grey sky (`overcast` [N], 0 to 1), and tinted (`warmth` [N], about ±1)."""
    luma = (colours * torch.tensor([0.30, 0.59, 0.11])).sum(-1, keepdim=True)
    grey = luma * (0.55 + 0.6 * _OVERCAST)
    grey = torch.lerp(grey, grey.mean(1, keepdim=True), torch.tensor(0.15))
    colours = torch.lerp(colours, grey, 0.65 * overcast[:, None, None])
    tint = warmth[:, None, None] * torch.tensor([0.05, 0.0, -0.05])
    return (colours * (1 + tint)).clamp(0, 1)
