"""The contract: what flows on the topics, its bytes, and what makes it valid."""
