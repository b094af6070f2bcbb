"""A small network with random weights, and the renderer of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from torch import Tensor

from creps_core.generator import Generator
from creps_core.renderer import Renderer
from tests.core.references import SMALL, random_ws, renderer_of, small_generator


@pytest.fixture(scope="module")
def small() -> Generator:
    return small_generator()


@pytest.fixture(scope="module")
def ws() -> Tensor:
    return random_ws(SMALL)


@pytest.fixture(scope="module")
def renderer(small: Generator) -> Iterator[Renderer]:
    with renderer_of(small) as made:
        yield made
