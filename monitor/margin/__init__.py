"""Margin: exact arithmetic on one position. Decimal only, no clock, no I/O."""
