"""`python -m pcapkit`."""

from pcapkit.cli import main

main()
