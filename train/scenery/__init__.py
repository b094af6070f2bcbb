"""Drawn landscapes to train on: a data set of any resolution that needs no download."""

from train.scenery.draw import Scenery

__all__ = ["Scenery"]
