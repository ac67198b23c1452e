"""A package, so that Chromium ends with the folder: pytest keeps what a `package` fixture opened to
the end of the session where the folder is none."""
