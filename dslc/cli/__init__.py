"""The command line: one file per command, loaded when it is called. Only here is printed or exited."""
