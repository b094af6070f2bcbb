"""Running creps-data in the test's own process, and comparing pictures."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from creps_core.errors import CrepsError
from train.cli import data


def inside(*arguments: object) -> Result:
    """Run the command in this process; what it raises passes on."""
    return CliRunner().invoke(data.command, [str(a) for a in arguments], catch_exceptions=False)


def refused(*arguments: object) -> str:
    """The one line that the command fails with, exit code 2."""
    with pytest.raises(CrepsError) as error:
        inside(*arguments)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    return str(error.value)


def first_of(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The first picture of a prepared zip, [H, W, 3]."""
    with (
        zipfile.ZipFile(path) as archive,
        Image.open(io.BytesIO(archive.read(archive.namelist()[0]))) as picture,
    ):
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        return np.array(picture)


def close(got: Any, want: Any, levels: float) -> bool:
    return bool(np.abs(got - np.asarray(want).astype(int)).max() <= levels)


def alike(got: Any, want: Any) -> bool:
    """Equal but for JPEG's losses."""
    return bool(np.abs(got - np.asarray(want).astype(int)).mean() <= 4)
