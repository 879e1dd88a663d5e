"""The commands of `quantiva`, one short file each; `streams/cli.py` lists them."""
