"""The live driver: Faust agents around the stages, and the processes they run in."""
