"""What the design promises, measured: `python -m benchmarks` prints a table and writes JSON."""
