"""The embeddings that live on between frames: found again for the same latents, gone on from for others."""

from __future__ import annotations

from collections import OrderedDict

import torch

from creps_core.config import GeneratorConfig
from creps_core.general import LatticeTable
from creps_core.grid import Line
from creps_core.line_table import LineTable
from creps_core.plan import Plan
from creps_core.resumption import NOWHERE, last_block, shared_styles

OUTPUTS_SHARE = 0.25  # of the bytes may go to block outputs along one line


class TableCache:
    """Tables by latents and name, the longest unused first out; two always stay: a picture needs them.

    Args:
        most_bytes: bound on all tables.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._tables: OrderedDict[tuple[str, str], LineTable | LatticeTable] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tables)

    @property
    def tables(self) -> list[LineTable | LatticeTable]:
        """All tables, the one used last at the end."""
        return list(self._tables.values())

    def clear(self) -> None:
        """Forget all tables."""
        self._tables.clear()

    def line(self, plan: Plan, line: Line, name: str, device: torch.device) -> LineTable:
        """The table called `name` for a line, with all that earlier ones of that name can give."""
        key = (plan.body_key, name)
        last = self._tables.get(key)
        if isinstance(last, LineTable) and last.line == line:
            self._tables.move_to_end(key)
            return last
        if isinstance(last, LineTable):
            # A new line of the same latents is a step of a journey: the outputs would not be read again.
            table = LineTable.empty(plan, line, device)
            table.adopt(last)
        else:
            other = self._with_outputs(plan, name)
            styles = shared_styles(other.ws, plan.ws) if other is not None and other.line == line else 0
            blocks = self._blocks_to_keep(plan, line.count, last_block(styles))
            table = LineTable.empty(plan, line, device, blocks)
            if other is not None:
                if styles:
                    table.go_on_from(other, styles)
                other.outputs.clear()  # the newest table has them; of others the embeddings are worth it
        self._remember(key, table)
        return table

    def lattice(self, plan: Plan, is_row: bool, per_unit: int, device: torch.device) -> LatticeTable:
        """The table of the multiples of 1/per_unit."""
        key = (plan.body_key, f"{'row' if is_row else 'column'} lattice {per_unit}")
        table = self._tables.get(key)
        if not isinstance(table, LatticeTable):
            table = LatticeTable(plan, is_row, per_unit, device)
        self._remember(key, table)
        return table

    def trim(self) -> None:
        """Drop the tables used longest ago; those of turned views grow while they are in use."""
        while len(self._tables) > 2 and sum(t.nbytes for t in self._tables.values()) > self.most_bytes:
            self._tables.popitem(last=False)

    def _remember(self, key: tuple[str, str], table: LineTable | LatticeTable) -> None:
        self._tables[key] = table
        self._tables.move_to_end(key)
        self.trim()

    def _with_outputs(self, plan: Plan, name: str) -> LineTable | None:
        """The one table of that name and precision that has outputs, if any."""
        for (_, called), table in self._tables.items():
            if not isinstance(table, LineTable) or called != name or not table.outputs:
                continue
            if table.data.dtype == plan.dtype:
                return table
        return None

    def _blocks_to_keep(self, plan: Plan, samples: int, wanted: int) -> list[int]:
        """The block ahead of the present change, then the last ones: the cheap ones, within the bound."""
        room = self.most_bytes * OUTPUTS_SHARE
        kept: list[int] = []
        late_first = range(len(plan.config.block_resolutions) - 1, NOWHERE, -1)
        for block in dict.fromkeys([wanted, *late_first]):
            cost = _output_bytes(plan.config, block, samples, plan.dtype.itemsize) if block > NOWHERE else 0
            if block > NOWHERE and cost <= room:
                room -= cost
                kept.append(block)
            elif block > NOWHERE and block != wanted:
                break
        return kept


def _output_bytes(config: GeneratorConfig, block: int, samples: int, itemsize: int) -> int:
    return config.channels(config.block_resolutions[block]) * config.thickness * samples * itemsize
