"""CLI: one file per verb group."""
