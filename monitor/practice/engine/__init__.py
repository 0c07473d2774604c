"""The engine of the practice exchange: its own money, its own arithmetic, its own liquidations."""
