"""The edge: how a service speaks HTTP. `create_app` in `roadbook.http.app` puts the parts together."""

from roadbook.http import catalogue

__all__ = ["catalogue"]  # first of all: a route that names a problem of the kit must find its status
