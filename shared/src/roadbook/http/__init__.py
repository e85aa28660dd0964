"""The edge: how a service speaks HTTP. `create_app` in `roadbook.http.app` puts the parts together."""
