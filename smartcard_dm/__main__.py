"""`python -m smartcard_dm` is `smartcard-dm`."""

from smartcard_dm.cli.main import main

if __name__ == "__main__":
    main()
