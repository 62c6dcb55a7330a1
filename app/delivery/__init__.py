"""How events reach browsers: log, writer, bus, listener, hub, stream. Knows users and positions, nothing of chat."""
