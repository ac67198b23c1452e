"""What the camera's axes come to: MotionLoRAs that were trained with signed amounts."""
