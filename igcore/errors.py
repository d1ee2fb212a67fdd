"""The exceptions a caller can catch.

Every message is one line that says what was wrong, what was expected and the way out,
so that a page or the command line can show it as it is.
"""

__all__ = [
    "Cancelled",
    "IGError",
    "ImageError",
    "InputError",
    "ModelError",
    "ModelUnavailable",
    "UnknownKeyError",
]


class IGError(Exception):
    """Base of everything this package raises on purpose."""


class InputError(IGError, ValueError):
    """A caller's mistake: a setting, an array or a target that cannot be used."""


class ImageError(InputError):
    """An image that cannot be read, or may not be."""


class UnknownKeyError(InputError, KeyError):
    """A key that a registry does not hold; the message lists those it does."""

    def __str__(self) -> str:
        # KeyError would print the message in quotes.
        return str(self.args[0])


class ModelError(IGError):
    """A model that was found but cannot be used, for instance one without a gradient."""


class ModelUnavailable(ModelError):
    """A model that is not on this machine and could not be fetched."""


class Cancelled(IGError):
    """The caller asked a running computation to stop."""
