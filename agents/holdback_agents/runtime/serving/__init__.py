"""One agent as a web application."""
