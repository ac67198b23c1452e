"""What one clip teaches: its motion alone, or its looks, too."""
