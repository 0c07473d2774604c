"""margincall: the margin call that the exchange never makes.

The package has three kinds of folder (see ARCHITECTURE.md): *decide* (``margin``, ``rules``, ``alerts``, ``topups`` and
``decide.py``: pure functions, standard library only), *touch* (``exchanges``, ``notify``, ``store``, ``practice``: one
outside system each) and *run* (``config``, ``daemon``, ``web``, ``cli``, ``app.py``: loops and faces).
"""

__version__ = "0.1.0"
