"""One step, and many: batches, loss, optimizer, checkpoints, the file at the end."""
