"""Faces over HTTP: health and Prometheus metrics. Everything is read from a `View`; nothing here changes anything."""
