"""Devices by name, and whether drafts gain from half precision there."""

from __future__ import annotations

import time
from functools import cache

import torch

from creps_core.errors import InputError

DRAFT_GAIN = 1.3  # half precision must be this much faster to be worth its error
_PROBE = 1024  # side of the probed product


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
    if device.type == "cpu" and not torch.backends.mkldnn.is_available():
        return torch.float32
    full_time, half_time = _product_time(device, torch.float32), _product_time(device, half)
    return half if half_time * DRAFT_GAIN < full_time else torch.float32


def _product_time(device: torch.device, dtype: torch.dtype) -> float:
    a = torch.ones(_PROBE, _PROBE, device=device, dtype=dtype)
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
