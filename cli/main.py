"""The `tessera` command: each sub-command is imported when it is called."""

import gc
import importlib
import sys

import click

from models.errors import TesseraError

INTERRUPTED = 130

COMMANDS = {
    "render": ("cli.local.render", "Rebuild a picture out of a folder of photos; needs no service."),
    "compare": ("cli.local.compare", "Rebuild a picture by every loss, on one sheet with scores."),
    "index": ("cli.local.index", "Index a folder of photos now, and say what is new."),
    "up": ("cli.service.up", "Start everything on this machine: web, worker, private Redis, SQLite."),
    "doctor": ("cli.service.doctor", "Say what is there and what is missing."),
    "web": ("cli.service.serve", "Serve the pages and the API (server mode)."),
    "worker": ("cli.service.serve", "Work through the queue, and sweep (server mode)."),
    "sweep": ("cli.service.serve", "Sweep alone: free stale jobs, ring again, clear garbage."),
    "migrate": ("cli.service.serve", "Bring the database to the newest version."),
    "tiles": ("cli.service.tiles", "Import folders and buckets of photos; look after tile sets."),
    "adopt": ("cli.service.adopt", "Join a store to the database, on purpose."),
    "garbage": ("cli.service.trash", "Show what a sweep would clear away, or clear it away."),
    "trash": ("cli.service.trash", "List, restore and empty the trash."),
    "jobs": ("cli.service.jobs", "List, show, cancel and retry jobs."),
    "completion": ("cli.completion", "Print what makes a shell complete commands and options."),
}
FORMER = {"litter": "garbage"}
"""Former names of commands, which no list shows: scripts may call them."""


class Lazy(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        name = FORMER.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        # An import leaves no garbage; to look for some would take a tenth of a short command's time.
        gc.disable()
        command: click.Command = getattr(importlib.import_module(COMMANDS[name][0]), name)
        gc.freeze()
        gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a failure that a person can cause becomes one sentence and exit code 2."""
        try:
            return super().invoke(ctx)
        except TesseraError as error:
            click.echo(f"tessera: {error}", err=True)
            sys.exit(2)


def run() -> int:
    """Run the command that the process was started with, and return its exit code."""
    try:
        code = tessera.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as aborted:
        if isinstance(aborted.__cause__, KeyboardInterrupt):
            return INTERRUPTED
        click.echo("Aborted!", err=True)
        return 1
    return code if isinstance(code, int) else 0


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="tessera", prog_name="tessera")
def tessera() -> None:
    """Tessera rebuilds a picture out of many small photographs.

    \b
    One picture, no service:   tessera render portrait.jpg --tiles ~/Pictures --out mosaic.png
    Everything, in a browser:  tessera up
    """  # noqa: D301 - click wants the control character itself
