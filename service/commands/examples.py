"""``lockstep examples``: make examples of other data, or where there are too few."""

import typer

from service.commands import augmenting, conversion, generating

app = typer.Typer(no_args_is_help=True)
for family in (conversion, generating, augmenting):
    family.register(app)
