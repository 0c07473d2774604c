"""Post-mortem: what is left of a liquidation or a near miss: how it went, what was told, and what would have saved it."""
