"""Devices: what is not there is said in one line, and drafts are of a type that the device has."""

from __future__ import annotations

import pytest
import torch

from creps_core.device import draft_dtype, is_faster, pick_device
from creps_core.errors import InputError
from creps_core.renderer import Renderer
from tests.core.references import small_generator

CUDA, MPS = torch.cuda.is_available(), torch.backends.mps.is_available()


@pytest.mark.parametrize("name", ["", "gpu", "CUDA", "cpu:x", "xla", "meta", "vulkan", "cuda:-1", "cpu\n"])
def test_unknown_names_are_bad_input(name: str) -> None:
    with pytest.raises(InputError) as caught:
        pick_device(name)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["cuda", "cuda:3", "mps"])
def test_an_absent_device_is_bad_input_that_names_the_way_out(name: str) -> None:
    if (CUDA and name.startswith("cuda")) or (MPS and name == "mps"):
        pytest.skip(f"{name} may be there")
    with pytest.raises(InputError, match=r"is not there.*--device cpu") as caught:
        Renderer(small_generator(), name)
    assert len(str(caught.value).splitlines()) == 1


def test_a_cuda_number_beyond_the_last_is_bad_input() -> None:
    with pytest.raises(InputError, match="is not there"):
        pick_device("cuda:4711")


def test_auto_takes_the_fastest_there_is() -> None:
    device, shown = pick_device("auto")
    assert device.type == ("cuda" if CUDA else "mps" if MPS else "cpu")
    assert shown.startswith(device.type)
    assert pick_device("cpu") == (torch.device("cpu"), "cpu")


def test_drafts_use_half_precision_or_float32_and_always_the_same() -> None:
    device, _ = pick_device("cpu")
    chosen = draft_dtype(device)
    assert chosen in (torch.bfloat16, torch.float32)
    assert draft_dtype(device) == chosen


def test_emulated_half_precision_is_found_out_without_waiting_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large product took it two seconds on a processor of 2021, and the first gesture waited for that."""
    asked: list[tuple[torch.dtype, int]] = []

    def emulates(_: torch.device, dtype: torch.dtype, side: int) -> float:
        asked.append((dtype, side))
        return side**3 * (1e-9 if dtype == torch.bfloat16 else 1e-11)

    monkeypatch.setattr("creps_core.device._product_time", emulates)
    assert not is_faster(torch.bfloat16, torch.device("cpu"))
    assert max(side for dtype, side in asked if dtype == torch.bfloat16) <= 256


@pytest.mark.parametrize(("gain", "clear"), [(2.0, True), (1.1, False), (0.5, False)])
def test_half_precision_is_used_where_large_products_clearly_gain(
    monkeypatch: pytest.MonkeyPatch, gain: float, clear: bool
) -> None:
    def gains(_: torch.device, dtype: torch.dtype, side: int) -> float:
        overhead = 1e-5 if dtype == torch.bfloat16 else 0.0  # small ones are slower with it
        return overhead + side**3 * 1e-11 / (gain if dtype == torch.bfloat16 else 1)

    monkeypatch.setattr("creps_core.device._product_time", gains)
    assert is_faster(torch.bfloat16, torch.device("cpu")) is clear
