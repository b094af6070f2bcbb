"""A 10 s zoom of the bundled model from 1× to 64× at 720p: `--fast` against the frames rendered singly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from benchmarks.rows import Row, median_row
from benchmarks.setting import Setting, interleaved, rendering
from creps_core.checkpoint import bundled_checkpoint, read_checkpoint
from creps_core.journey import Journey
from creps_core.keyframe import Keyframe
from creps_core.session import CheckpointRef
from creps_core.source import Source
from creps_core.video import VideoOptions
from creps_core.video_frames import JourneyFrames
from creps_core.view import Size, View

FRAMES, EVERY = 300, 20  # of the video, and which of them are measured
SEED, TARGET = 26, ("0.53", "0.5")


def run(setting: Setting) -> list[Row]:
    """The share of time, and how far off the frames are."""
    generator = read_checkpoint(bundled_checkpoint()).build()
    end = View.from_zoom(64, center_x=Fraction(TARGET[0]), center_y=Fraction(TARGET[1]))
    sources = (Source(seed=SEED),)
    journey = Journey(
        [Keyframe(View(), sources, seconds=10), Keyframe(end, sources)], generator.config.num_ws
    )
    size = Size(setting.side(1280), setting.side(720))
    reference = CheckpointRef(bundled_checkpoint().name, "")
    with rendering(generator) as renderer:
        films = {
            name: JourneyFrames(renderer, journey, VideoOptions(size, 30, fast=fast), reference)
            for name, fast in (("single", False), ("fast", True))
        }
        films["single"].pixels(0)  # warmed: the plan is made, buffers are there
        numbers = range(0, FRAMES, FRAMES // 2 if setting.tiny else EVERY)
        totals: dict[str, list[float]] = {name: [0.0] * setting.repeats for name in films}
        worst = 0
        for number in numbers:
            frame = {name: film.pixels(number).astype(int) for name, film in films.items()}
            worst = max(worst, int(np.abs(frame["fast"] - frame["single"]).max()))
            works = {name: lambda film=film: film.pixels(number) for name, film in films.items()}  # noqa: B023
            for name, times in interleaved(works, setting.repeats).items():
                totals[name] = [total + time for total, time in zip(totals[name], times, strict=True)]
    share = [fast / single for fast, single in zip(totals["fast"], totals["single"], strict=True)]
    name = f"zoom 1× to 64×, {size.width}×{size.height}"
    note = f"every {numbers.step}th of {FRAMES} frames"
    per_frame = [total / len(numbers) * 1e3 for total in totals["single"]]
    return [
        median_row("video", f"{name}, fast", share, "× singly", "≤", 0.6, note=note),
        median_row("video", f"{name}, a single frame", per_frame, "ms"),
        Row("video", f"{name}, fast: off by", worst, "levels of 255", "≤", 1),
    ]
