"""What a person can mend, said in one line."""


def printable(text: str) -> str:
    """The text in one line, with what cannot be printed escaped."""
    return ''.join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class UserError(Exception):
    """Something that the user can mend; its text is one line that says how.

    The command line prints it without a traceback and exits with 1. Line breaks and other
    characters that cannot be printed, which names in files may hold, are escaped.
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


class DescriptionError(UserError):
    """A robot, cross-embodiment or layout description is wrong."""


class DescriptionWarning(UserWarning):
    """A description loads, but its author may have meant something else."""


class ObservationError(UserError):
    """A message cannot become part of an observation: encoding, size, field or name."""


class PolicyError(UserError):
    """A policy file is not one, or does not fit the robot."""


class BagError(UserError):
    """A recording cannot be read, or lacks what the robot file declares."""


class DatasetError(UserError):
    """A dataset is not one, or what is added to it does not fit."""


class TrainingError(UserError):
    """A training run cannot begin, go on, or be resumed."""
