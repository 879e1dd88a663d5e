"""The explanations sink: why the top signals say what they say, in prose."""
