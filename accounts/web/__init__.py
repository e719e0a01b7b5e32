"""Pages about people: signing in, their settings and keys, the projects they share."""
