"""Recorders for `observe`: they note what an answer uses, in an interpreter that is thrown away after it."""

from collections.abc import Callable
from typing import Any


def before(owner: type, name: str, note: Callable[[Any], object]) -> None:
    """Have the object of a method noted at each call, before the method runs."""
    method = getattr(owner, name)

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        note(self)
        return method(self, *args, **kwargs)

    setattr(owner, name, noting)
