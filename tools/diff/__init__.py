"""Tells what a change would do to the stacks, and first of all what it would destroy: `make diff`."""
