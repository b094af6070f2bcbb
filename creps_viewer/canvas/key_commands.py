"""What the canvas's keys do to the model. Which key is which command is `keys`' table."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

from creps_core.source import MAX_SEED, Source
from creps_viewer.canvas.drags import without_lens
from creps_viewer.canvas.motion import Motion
from creps_viewer.model import navigation
from creps_viewer.model.movable import Movable
from creps_viewer.model.walking import at_place, place_of

KEY_OCTAVES = Fraction(1, 2)
KEY_SHARE = 0.1  # of the shorter side, one press of an arrow
KEY_DEGREES = 7.5
KEY_SEEDS = 0.125  # of the way to the next seed, one press of an arrow while L is held
WALKS = {way: f"walk_{way}" for way in ("left", "right", "up", "down")}
SEEDS = 100_000  # five digits can be remembered


def run_command(command: str, model: Movable, motion: Motion) -> None:
    """Do one command of `keys.BINDINGS` that concerns view, latents or history."""
    view, size = model.state.view, model.canvas_size
    middle = size.width / 2, size.height / 2
    step = round(size.shorter * KEY_SHARE)
    match command:
        case "zoom_in" | "zoom_out":
            motion.glide(*middle, octaves=KEY_OCTAVES if command == "zoom_in" else -KEY_OCTAVES)
        case "left" | "right":
            motion.glide(*middle, pan=(step if command == "left" else -step, 0))
        case "up" | "down":
            motion.glide(*middle, pan=(0, step if command == "up" else -step))
        case "walk_left" | "walk_right":
            _walk(model, KEY_SEEDS if command == "walk_right" else -KEY_SEEDS, 0.0)
        case "walk_up" | "walk_down":
            _walk(model, 0.0, KEY_SEEDS if command == "walk_down" else -KEY_SEEDS)
        case "turn_left" | "turn_right":
            motion.glide(*middle, degrees=KEY_DEGREES if command == "turn_right" else -KEY_DEGREES)
        case "home":
            motion.fly(navigation.home(view))
        case "mirror":
            model.update(view=replace(view, stretch=(-view.stretch[0], view.stretch[1])))
        case "remove_lens":
            motion.stop()
            model.update(view=without_lens(view))
        case "random_seed":
            model.update(sources=_reseeded(model.state.sources))
        case "undo":
            model.undo()
        case "redo":
            model.redo()


def _walk(model: Movable, right: float, down: float) -> None:
    first, *others = model.state.sources
    place = place_of(first)
    if place is not None:
        model.update(sources=(at_place(first, place[0] + right, place[1] + down), *others))


def _reseeded(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    seed = random.randrange(min(SEEDS, MAX_SEED))
    return (sources[0].reseeded(seed), *sources[1:])
