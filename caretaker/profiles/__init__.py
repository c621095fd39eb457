"""Device profiles: what kind of device a CPE is, read from names, files, dumps and data models."""

from caretaker.profiles.loader import ProfileMix, load_profile

__all__ = ["ProfileMix", "load_profile"]
