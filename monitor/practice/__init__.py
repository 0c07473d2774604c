"""Practice: a practice exchange on loopback."""
