"""STUN, and Connection Requests by UDP, with which an ACS reaches CPEs behind NAT (Annex G)."""
