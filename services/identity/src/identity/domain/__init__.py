"""One aggregate per module. Standard library and `roadbook.decider` only."""
