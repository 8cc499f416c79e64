"""``lockstep examples``: what makes examples of other things."""

import typer

from service.commands import conversion

app = typer.Typer(no_args_is_help=True)
conversion.register(app)
