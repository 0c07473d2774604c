"""The doctor's look at this machine: the configuration, the files, the store, the clock and the unit. What it finds are lines of
`margincall check`: each ok, warn or fail, with what to do. Reads only; an account is looked at by its own exchange's adapter.
"""
