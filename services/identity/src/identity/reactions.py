"""Other services' events that identity answers with a command. None yet."""
