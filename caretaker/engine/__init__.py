"""The engine of a worker: the shard of CPEs, its scheduler, its sessions and transfers."""
