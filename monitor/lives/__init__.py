"""Lives: what happened to a position between two readings, how it ended, and what came back."""
