"""What reads the places where signals and records are kept. These are the shells; they do I/O."""
