"""Automatic margin: the owner's policies, what they would do now, and the life of each intent to change a margin. Pure."""
