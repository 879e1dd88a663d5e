"""The commands of `quantiva`, one short file each; `quantiva/cli.py` lists them."""
