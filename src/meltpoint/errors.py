"""Every error that meltpoint raises on purpose.

An error says what was expected, what was found, where, and what to do. Each class also inherits the natural builtin,
so that ``except ValueError`` in a caller's code keeps working. The command line prints the text and exits 2.
"""


class MeltpointError(Exception):
    """The base of all errors that meltpoint raises on purpose."""


class InputError(MeltpointError, ValueError):
    """What the user gave cannot be used: a file, a column, a name, a value."""


class VectorFileError(InputError):
    """A file of word vectors that cannot be read; the message names the place in the file."""


class DataFileError(InputError):
    """A file of labelled texts that cannot be read; the message names the place in the file."""


class RunFolderError(InputError):
    """A run or model folder that is damaged, of another study, or in use."""


class DivergedError(MeltpointError, ArithmeticError):
    """A training whose loss is no longer finite; a study records it and goes on with its other configurations."""


class DiskError(MeltpointError, OSError):
    """Writing failed (no space, no permission); nothing half-written was left behind."""
