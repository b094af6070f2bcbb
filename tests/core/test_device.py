"""Devices: what is not there is said in one line, and drafts are of a type that the device has."""

from __future__ import annotations

import pytest
import torch

from creps_core.device import draft_dtype, pick_device
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
