"""Automatic margin: policies, plans and the ledger of intents."""
