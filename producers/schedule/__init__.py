"""When producers run: cycles on the wall clock's tens of minutes."""
