"""``python -m maxpool_circuits`` is the command line."""

from .cli import main

main(prog_name="maxpool-circuits")
