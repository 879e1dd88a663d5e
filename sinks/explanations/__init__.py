"""The explanations sink: the reasons of the top signals, in prose."""
