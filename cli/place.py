"""Names of files and folders on the command line."""

from typing import Any

import click


class Place(click.Path):
    """The name of a file or a folder, which a shell completes.

    An empty name, as it comes from an unset shell variable, is refused: Python would take it for the current folder.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name, as `path_type` wants it."""
        if value == "":
            self.fail("an empty name is no file and no folder.", param, ctx)
        return super().convert(value, param, ctx)
