"""Store: the only SQL in the program."""
