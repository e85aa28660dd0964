"""Who may be the same person: pure, and of two references at a time. `keys` reads values, `names` and `addresses`
compare, `judge` weighs, `blocks` says who is compared with whom at all. Nothing in here knows of a database."""
