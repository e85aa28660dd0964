"""One module per source: how its events fold into a state that remembers which event made what."""
