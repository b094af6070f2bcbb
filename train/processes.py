"""One process or many: devices, arithmetic, and what processes must agree on. Built on Lightning Fabric.

There is no wrapper around the networks. Gradients are averaged by one explicit call, so the code of a step
is the same for one process and for many; a run of several is started by torchrun.
"""

from __future__ import annotations

import logging
import os
from contextlib import AbstractContextManager

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from creps_core.errors import InputError
from train.config import Precision, TrainConfig

_PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "64": "64-true"}
_DTYPES = {"32": torch.float32, "bf16": torch.float32, "64": torch.float64}


class Processes:
    """This process among all that take part in a run."""

    def __init__(self, device: str, precision: Precision) -> None:
        accelerator, index = _accelerator(device)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it repeats what it was told
        local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        self._fabric = Fabric(
            accelerator=accelerator,
            devices=[index] if index is not None and local == 1 else local,
            num_nodes=int(os.environ.get("WORLD_SIZE", "1")) // local,
            strategy="ddp" if int(os.environ.get("WORLD_SIZE", "1")) > 1 else "auto",
            precision=_PRECISIONS[precision],  # type: ignore[arg-type]  # a literal, looked up
        )
        self._fabric.launch()
        self.dtype = _DTYPES[precision]
        self.layer_dtype = torch.bfloat16 if precision == "bf16" else self.dtype

    @property
    def count(self) -> int:
        """How many processes there are."""
        return self._fabric.world_size

    @property
    def rank(self) -> int:
        """Which of them this is, from 0."""
        return self._fabric.global_rank

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and talks."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self._fabric.device

    def arithmetic(self) -> AbstractContextManager[None]:
        """The precision of the large layers, as a context."""
        return self._fabric.autocast()

    def mean(self, value: Tensor) -> Tensor:
        """The mean of `value` over all processes, in each of them."""
        if self.count == 1:
            return value
        out = self._fabric.all_reduce(value, reduce_op="mean")
        assert isinstance(out, Tensor)
        return out

    def average_gradients(self, network: nn.Module) -> None:
        """Give every process the mean of all processes' gradients.

        Parameters that took no part have none, in every process alike; Adam must not count a step for them.
        """
        if self.count == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        averaged = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, averaged.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return bool(self.mean(torch.tensor(float(flag), device=self.device)) > 0)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            self._fabric.barrier()

    def leave(self) -> None:
        """Part in good order: a process that ends while others still listen to it makes them abort."""
        if self.count > 1:
            self._fabric.barrier()
            torch.distributed.destroy_process_group()


def rounds(config: TrainConfig, processes: Processes, start: int) -> list[range]:
    """The samples of this process in the step that begins at sample `start`, one range per round.

    A process's share is one run of consecutive samples, whole groups of the minibatch deviation.
    """
    share = config.batch // processes.count
    held = config.batch_gpu or share
    first = start + processes.rank * share
    return [range(first + k, first + k + held) for k in range(0, share, held)]


def check_split(config: TrainConfig, processes: int) -> None:
    """Raise `InputError` where the batch does not divide into equal whole rounds."""
    share, rest = divmod(config.batch, processes)
    held = config.batch_gpu or share
    if rest or held < 1 or share % held:
        raise InputError(
            f"a batch of {config.batch} does not divide into {processes} processes with rounds of {held}; "
            "change --batch or --batch-gpu"
        )
    if held % config.mbstd_group or held % 2:
        raise InputError(
            f"rounds of {held} pictures do not divide into groups of {config.mbstd_group}; "
            "change --batch-gpu or --mbstd-group"
        )


def _accelerator(device: str) -> tuple[str, int | None]:
    """Fabric's names for a device of the command line."""
    kind, _, index = device.partition(":")
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if kind == "auto":
        kind = next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available[kind]:
        raise InputError(f"there is no {kind} device here; use --device cpu")
    return kind, int(index) if index else (0 if kind == "cuda" else None)
