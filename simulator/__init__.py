"""Local stand-ins of every upstream, so that the real producers run without internet."""
