"""The errors a caller may meet. Every message is one line that says what was wrong and what to do."""

from __future__ import annotations


class CrepsError(Exception):
    """Base of all errors of this project; commands exit with `exit_code`."""

    exit_code = 1


class InputError(CrepsError):
    """A file, an option or a value given by the user cannot be used."""

    exit_code = 2


class RunError(CrepsError):
    """Something failed while running: a full disk, no memory, a device that went away."""


class Cancelled(CrepsError):
    """The work was cancelled by its `CancelToken`; nothing is wrong."""

    exit_code = 130
