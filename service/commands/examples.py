"""``lockstep examples``: make examples where there are too few."""

import typer

from service.commands import augmenting, generating

app = typer.Typer(no_args_is_help=True)
for family in (generating, augmenting):
    family.register(app)
