"""`creps-info FILE [--json]`: what a checkpoint is, without executing anything of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import click

from creps_core.checkpoint import Checkpoint, CheckpointError, read_checkpoint
from creps_core.checkpoint_errors import clean
from creps_core.cli.common import run_command
from creps_core.cli.convert import progress_bar

_BUFFERS = (".w_avg", ".freqs", ".coords")  # tensors that are not trained


@click.command(name="creps-info")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
def command(file: Path, as_json: bool, debug: bool) -> None:
    """Say what a checkpoint is, without executing anything of it.

    For a file that cannot be used, every single fault is listed.
    """
    try:
        with progress_bar("reading") as progress:
            checkpoint = read_checkpoint(file, progress)
    except CheckpointError as error:
        _list_faults(file, error, as_json)
        raise
    report = describe(checkpoint)
    click.echo(json.dumps(report, indent=2, ensure_ascii=False) if as_json else _as_text(report))


def describe(checkpoint: Checkpoint) -> dict[str, Any]:
    """All that is known about a checkpoint, as plain JSON values."""
    config = checkpoint.config
    return {
        "file": checkpoint.path.name if checkpoint.path else None,
        "sha256": checkpoint.sha256,
        **checkpoint.details,
        "config": config.to_dict(),
        "num_ws": config.num_ws,
        "trained_pitch": config.trained_pitch,
        "line_channels": {str(k): config.channels(k) for k in config.block_resolutions},
        "parameters": sum(t.numel() for name, t in checkpoint.tensors.items() if not name.endswith(_BUFFERS)),
        "tensors": len(checkpoint.tensors),
        "source": checkpoint.source,
        "metadata": checkpoint.extra,
    }


def _as_text(report: dict[str, Any]) -> str:
    config = report["config"]
    n = config["resolution"]
    classes = str(config["c_dim"]) if config["c_dim"] else "none (unconditional)"
    channels = ", ".join(f"b{k} {c}" for k, c in report["line_channels"].items())
    limits = f"channel_base {config['channel_base']}, channel_max {config['channel_max']}"
    rows = [
        ("format", report["format"]),
        ("trained at", f"{n} × {n}, grid {config['grid']} (pitch {report['trained_pitch']:.6g})"),
        ("classes", classes),
        ("latents", f"z {config['z_dim']}, w {config['w_dim']}, {report['num_ws']} styles"),
        ("mapping", f"{config['mapping_layers']} layers"),
        ("lines", f"{channels} ({limits})"),
        ("bi-lines", f"{config['biline_channels']} channels, thickness {config['thickness']}"),
        ("size", f"{report['parameters']:,} parameters, {report['tensors']} tensors"),
        ("networks", _pairs(report.get("networks", {}), " ")),
        ("built from", ", ".join(report.get("classes", []))),
        ("training set", _pairs(report.get("training_set", {}), "=")),
        ("source", _pairs(report["source"], " ")),
        ("metadata", _pairs(report["metadata"], "=")),
        ("sha256", report["sha256"]),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {value}" for name, value in rows if value]
    return "\n".join([clean(report["file"]), *lines])


def _pairs(values: dict[str, Any], between: str) -> str:
    return ", ".join(f"{clean(name)}{between}{clean(value)}" for name, value in values.items())


def _list_faults(file: Path, error: CheckpointError, as_json: bool) -> None:
    """Every fault on stdout; the one line on stderr gives the count and the first three."""
    if as_json:
        report = {"file": file.name, "error": str(error), "problems": list(error.problems)}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    elif error.problems:
        click.echo("\n".join([clean(file.name), *(f"  {problem}" for problem in error.problems)]))


def main() -> NoReturn:
    """Run the command."""
    run_command(command)


if __name__ == "__main__":
    main()
