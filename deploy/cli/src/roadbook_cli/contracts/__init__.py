"""`make contracts`: what others may rely on, written from the code, and never changed under their feet."""
