"""Which network of the StyleGAN family a file holds, told by class names, module names and tensor names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """Marks of one family: any of them is enough."""

    name: str
    classes: str = ""  # pattern of a class name, or of a global's full name
    tensors: str = ""  # pattern of a tensor name


# The first match counts: later rows are what earlier ones descend from.
_FAMILIES = (
    Family("StyleGAN (TensorFlow)", r"dnnlib\.tflib\..*|.*\.tfutil\..*"),
    Family("EG3D", r"TriPlaneGenerator|OSGDecoder|ImportanceRenderer", r"backbone\.synthesis\..*"),
    Family("StyleNeRF", r"NeRFSynthesisNetwork|NeRFBlock|CameraGenerator"),
    Family("StyleGAN-T", r"StyleSplit|GroupNorm32|TextEncoder"),
    Family("StyleGAN-XL", r"SuperresGenerator", r"mapping\.embed_proj\..*|synthesis\.superres\..*"),
    Family("FastGAN", r"Fast[gG][aA][nN]Synthesis\w*"),
    Family("StyleGAN3", "", r"synthesis\.input\.(transform|phases|freqs)|synthesis\.L\d+_\d+_\d+\..*"),
    Family("CIPS", r"CIPS\w*|LFF", r"(g_ema\.)?(lff\.ffm|emb|linears)\..*"),
    Family("INR-GAN", r"INR\w*|HyperLayer|FourierINR\w*"),
    Family("StyleSwin", r"StyleSwin\w*|StyleBasicLayer"),
    Family("StyleGAN2", r"ToRGBLayer", r"synthesis\.b\d+\.(const|torgb\..*|conv[01]\..*)"),
    Family("StyleGAN2", "", r"(g_ema\.)?(to_rgb1|to_rgbs|convs\.\d+\.conv)\..*"),
)


def recognise(classes: Iterable[str], tensors: Iterable[str]) -> str | None:
    """The family's name, or None."""
    classes, tensors = tuple(classes), tuple(tensors)
    for family in _FAMILIES:
        if family.classes and any(re.fullmatch(family.classes, name) for name in classes):
            return family.name
        if family.tensors and any(re.fullmatch(family.tensors, name) for name in tensors):
            return family.name
    return None
