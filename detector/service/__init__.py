"""Service: the long-lived daemon around the pipeline, with its partitions, publisher, reloads, metrics and HTTP."""
