"""`tessera completion`: prints a script that makes a shell complete commands and options."""

import click
from click import shell_completion

EXAMPLES = """
\b
Examples:
  source <(tessera completion bash)     in ~/.bashrc
  source <(tessera completion zsh)      in ~/.zshrc, after compinit
  tessera completion fish | source      in ~/.config/fish/config.fish
"""


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands and options; the shell reads it when it starts."""
    made = shell_completion.get_completion_class(shell)
    root = ctx.find_root()
    if made is not None:
        click.echo(made(root.command, {}, "tessera", "_TESSERA_COMPLETE").source())
