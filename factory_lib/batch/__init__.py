"""Many recordings, inspected by any executor."""
