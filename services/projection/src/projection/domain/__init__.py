"""What the record is made of, as pure functions. Imports the standard library only."""
