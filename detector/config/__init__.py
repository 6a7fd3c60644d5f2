"""Configuration: the schema of `config.yaml`, its loader and the interpolation of secrets."""
