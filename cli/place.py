"""Files and folders as they are named on the command line."""

from typing import Any

import click


class Place(click.Path):
    """The name of a file or a folder; a shell completes it.

    An empty one, as an unset variable of a shell leaves it, is refused: for Python it would be the current folder.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name, as `path_type` wants it."""
        if value == "":
            self.fail("an empty name is no file and no folder.", param, ctx)
        return super().convert(value, param, ctx)
