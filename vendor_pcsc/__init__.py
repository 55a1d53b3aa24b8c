"""The hardware bridge: all that knows a reader, a vendor's habit, or an emulator. Usable alone."""
