"""Devices by name, and whether half precision is faster there."""

from __future__ import annotations

import time
from functools import cache

import torch

from creps_core.errors import InputError

HALF_GAIN = 1.3  # half precision must be this much faster to be worth its error
EMULATED = 8.0  # times slower than float32 at a small product: no arithmetic of its own, whatever the size
_SMALL, _LARGE = 256, 1024  # sides of the probed products


def pick_device(name: str) -> tuple[torch.device, str]:
    """The device for "auto", "cpu", "cuda", "cuda:N" or "mps", and how to show it.

    Raises:
        InputError: the name is unknown or the device is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"unknown device {name!r}; use auto, cpu, cuda or mps")
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if not torch.cuda.is_available() or (device.index or 0) >= count:
            raise InputError(f"device {name} is not there ({count} CUDA devices found); use --device cpu")
        return device, f"cuda:{device.index or 0} {torch.cuda.get_device_name(device)}"
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError("device mps is not there; use --device cpu")
    return device, device.type


@cache
def draft_dtype(device: torch.device) -> torch.dtype:
    """The precision of drafts while moving: half when this device is clearly faster with it."""
    half = torch.bfloat16 if device.type == "cpu" else torch.float16
    return half if is_faster(half, device) else torch.float32


def is_faster(half: torch.dtype, device: torch.device) -> bool:
    """Whether products in `half` precision are clearly faster than in float32 here; measured, in a moment."""
    if device.type == "cpu" and not torch.backends.mkldnn.is_available():
        return False
    # A processor without such arithmetic emulates it, up to 150 times slower: the large product, which alone
    # tells what large layers gain, would take it seconds.
    if _product_time(device, half, _SMALL) > EMULATED * _product_time(device, torch.float32, _SMALL):
        return False
    full_time = _product_time(device, torch.float32, _LARGE)
    return _product_time(device, half, _LARGE) * HALF_GAIN < full_time


def _product_time(device: torch.device, dtype: torch.dtype, side: int) -> float:
    a = torch.ones(side, side, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(4):
        _synchronize(device)
        start = time.perf_counter()
        torch.mm(a, a)
        _synchronize(device)
        best = min(best, time.perf_counter() - start)
    return best


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
