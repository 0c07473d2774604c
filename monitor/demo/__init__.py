"""The demo: the whole product on one command, on an exchange where nothing costs money.

It serves the practice exchange, starts the real daemon on it as a subprocess (``python -m monitor run``: real configuration,
ccxt, scheduler, store, outbox, apprise), gives it a phone on loopback, plays a scenario, shows what happens, and holds the
daemon's books against the exchange's at the end. It knows the daemon only from outside: its command, its store, its messages.

- ``script``    what is played: scenario, pace, captions
- ``market``    the exchange's side: the engine, what it did, what its own figures say was urgent
- ``phone``     where the messages arrive
- ``program``   the daemon's process and its folder
- ``show``      runs it all; ``frame`` is one moment of it, ``screen`` and ``lines`` show it
- ``outcome``   the books held against each other; ``summary`` tells it to people
"""
