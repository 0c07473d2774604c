"""Alerts: when to speak, why, and in which words."""
