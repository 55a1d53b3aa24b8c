"""The management tree of the device."""
