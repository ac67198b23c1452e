"""What is measured of clips. Nothing here knows how a clip was made."""
