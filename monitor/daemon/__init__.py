"""Daemon: the loops that poll, decide, commit and deliver."""
