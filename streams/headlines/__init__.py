"""What a headline says, good or bad: scores of texts, the stage that writes them, the models."""
