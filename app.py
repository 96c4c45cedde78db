"""Starts the page with the settings of ``qa.toml`` and the environment, as ``qa serve`` does."""

from qa.cli import main

if __name__ == "__main__":
    main(["serve"])
