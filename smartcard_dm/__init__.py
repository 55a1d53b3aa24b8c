"""Trust for OMA Device Management, rooted in the subscriber card."""
