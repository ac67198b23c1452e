"""Files that are whole or not there, and fingerprints of what went into them."""
