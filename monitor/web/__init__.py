"""Web: what the daemon shows over HTTP."""
