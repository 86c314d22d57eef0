"""`python -m tasq_tui` is `tasq`."""

from tasq_tui.cli import main

if __name__ == "__main__":
    main()
