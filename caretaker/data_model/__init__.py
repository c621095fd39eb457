"""The data model of a device: types, parameters and objects, and what one CPE has of its own."""
