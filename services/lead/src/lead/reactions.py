"""Other services' events that lead answers with a command. None yet: lead is where a life begins."""
