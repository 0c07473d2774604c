"""``python -m monitor`` is the command `margincall`."""

from monitor.cli import main

main()
