"""The errors that Lockstep raises to the outside world, each with its exit status and HTTP status.

A message says what was found, what was expected, and what to do. Misuse inside the code
(a wrong argument) is a ``ValueError`` at the point of misuse, not one of these.
"""


class LockstepError(Exception):
    """A known fault, told in one line. Never shown as a stack trace."""

    exit_status = 1
    http_status = 500
    code = "failed"


class InputError(LockstepError):
    """A document, an examples file or a request that cannot be used as it is."""

    http_status = 400
    code = "invalid_input"


class NoText(InputError):
    """A file that holds no text: nothing is lost where it is left out."""


class NotFound(LockstepError):
    """A release, run, document or file that does not exist."""

    http_status = 404
    code = "not_found"


class Busy(LockstepError):
    """Another process holds what this one needs (the workspace, the index)."""

    http_status = 409
    code = "busy"


class StorageError(LockstepError):
    """The disk or the vector database refused: full, read-only, unreachable, damaged."""

    http_status = 503
    code = "storage"


class Unavailable(LockstepError):
    """Another server that an answer needs is away, silent or failing."""

    http_status = 503
    code = "unavailable"


class TrainingError(LockstepError):
    """Training cannot start or cannot go on: empty or fully masked data, a loss that is not finite."""

    code = "training"


class ConfigurationError(LockstepError):
    """``lockstep.toml``, the environment or a command line asks for something impossible."""

    exit_status = 2
    code = "configuration"


class Refused(LockstepError):
    """A check refused to go on."""

    exit_status = 3
    http_status = 409
    code = "refused"


class LeakError(Refused):
    """Training and test data overlap. The message names the pairs."""

    code = "leak"


class MismatchError(Refused):
    """Two parts that must change together do not belong together (embedder and collection, say)."""

    code = "mismatch"


class CorruptRelease(Refused):
    """A file of a release is missing or its sha256 differs from the manifest."""

    code = "corrupt_release"


class VerdictRefused(Refused):
    """The verdict is not *promoted*, and it was asked for, or nobody has confirmed a promotion all the same."""

    code = "not_better"


class DocumentWarning(UserWarning):
    """A document was taken, but its reader should be told something: a guess, or a part that is missing."""
