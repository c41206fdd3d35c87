"""`python -m keyin` is the `keyin` command."""

from keyin.cli.main import main

if __name__ == "__main__":
    main()
