"""Service: the daemon around the pipeline, with its assignments, publisher, bundle reloads, metrics and HTTP server."""
