"""Remembering, replaceable: adapters of the ports that the services own; no policy."""
