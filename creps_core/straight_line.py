"""Straight-line runs of tensor operations without Python between them.

The workers' threads share one interpreter lock. A tile is some eighty short operations; whenever one
thread wants the lock while another holds it, it sleeps, and waking costs as much as an operation. On two
cores that was a quarter of all time. Compiled by TorchScript, a run of operations takes the lock once.

TorchScript is on its way out of torch, so nothing depends on it: where it is gone, or the sources are not
at hand, the same functions run as they stand, with the same results.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from functools import cache
from typing import List  # noqa: UP035  TorchScript reads these annotations

import torch
from torch import Tensor

Runner = Callable[..., None]
_COMPILING = threading.Lock()


def _products(
    weights: List[Tensor],  # noqa: UP006
    inputs: List[Tensor],  # noqa: UP006
    outputs: List[Tensor],  # noqa: UP006
    activate: List[bool],  # noqa: UP006
    bounds: List[float],  # noqa: UP006
    slope: float,
) -> None:
    """outputs[i] = clamp(lrelu(weights[i] @ inputs[i])), in order; a bound of 0 is none."""
    for i in range(len(weights)):
        torch.mm(weights[i], inputs[i], out=outputs[i])
        if activate[i]:
            torch.nn.functional.leaky_relu(outputs[i], slope, inplace=True)
        if bounds[i] > 0:
            outputs[i].clamp_(-bounds[i], bounds[i])


def _compositions(
    feature: Tensor,  # [B, h, w]
    rows: List[Tensor],  # noqa: UP006  levels of [B, h, R]
    columns: List[Tensor],  # noqa: UP006  levels of [B, R, w]
    weights: List[Tensor],  # noqa: UP006  four per level, then the last decoder's
    inputs: List[Tensor],  # noqa: UP006
    outputs: List[Tensor],  # noqa: UP006
    slope: float,
    first: int,
    stop: int,
) -> None:
    """The levels first … stop − 1 of a tile: compose (add, after the first of all), decode, and so on."""
    depth = len(weights) // len(rows)
    for level in range(first, stop):
        if level:
            feature.baddbmm_(rows[level], columns[level])
        else:
            torch.bmm(rows[0], columns[0], out=feature)
        for i in range(level * depth, (level + 1) * depth):
            torch.mm(weights[i], inputs[i], out=outputs[i])
            torch.nn.functional.leaky_relu(outputs[i], slope, inplace=True)


def _gathered_compositions(
    feature: Tensor,  # [B, n]
    row_tables: List[Tensor],  # noqa: UP006  levels of [N, R·B]
    column_tables: List[Tensor],  # noqa: UP006
    row_places: Tensor,  # [n, 4]
    column_places: Tensor,
    row_weights: Tensor,  # [n, 4]
    column_weights: Tensor,
    at_once: int,  # points whose embeddings are gathered together
    weights: List[Tensor],  # noqa: UP006  four per level, then the last decoder's
    inputs: List[Tensor],  # noqa: UP006
    outputs: List[Tensor],  # noqa: UP006
    slope: float,
    first: int,
    stop: int,
) -> None:
    """The same for points: gather both embeddings, multiply, sum over the lanes; decode; and so on."""
    b, n = feature.shape
    depth = len(weights) // len(row_tables)
    if first == 0:
        feature.zero_()
    for level in range(first, stop):
        for start in range(0, n, at_once):
            end = start + at_once
            row = _read(row_tables[level], row_places[start:end], row_weights[start:end])
            column = _read(column_tables[level], column_places[start:end], column_weights[start:end])
            feature[:, start:end] += row.mul_(column).unflatten(1, [-1, b]).sum(1).t()
        for i in range(level * depth, (level + 1) * depth):
            torch.mm(weights[i], inputs[i], out=outputs[i])
            torch.nn.functional.leaky_relu(outputs[i], slope, inplace=True)


def _read(table: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of a table's entries, [n, R·B]."""
    return torch.nn.functional.embedding_bag(places, table, mode="sum", per_sample_weights=weights)


@cache
def products() -> Runner:
    """`_products`, compiled where that is possible."""
    return _compiled(_products)


@cache
def compositions() -> Runner:
    """`_compositions`, compiled where that is possible."""
    return _compiled(_compositions)


@cache
def gathered_compositions() -> Runner:
    """`_gathered_compositions`, compiled where that is possible."""
    return _compiled(_gathered_compositions)


def _compiled(function: Runner) -> Runner:
    try:
        # Workers may come here together, and what warnings are ignored is the whole process's.
        with _COMPILING, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            compiled: Runner = torch.jit.script(function)
    except (AttributeError, OSError, RuntimeError):
        return function
    return compiled
