"""HTTP beneath the endpoints: listening sockets, connections with their limits, requests."""
