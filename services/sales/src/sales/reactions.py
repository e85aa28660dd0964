"""Other services' events that sales answers with a command. None yet."""
