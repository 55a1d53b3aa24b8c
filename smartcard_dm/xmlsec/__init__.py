"""xmlsec."""
