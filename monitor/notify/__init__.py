"""Notify: messages to people, through apprise."""
