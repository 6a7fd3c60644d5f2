"""Process of a program: its standard streams, its signals, the failures that its host causes, and its end."""
