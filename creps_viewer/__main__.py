"""`python -m creps_viewer`."""

from creps_viewer.app import main

if __name__ == "__main__":
    main()
