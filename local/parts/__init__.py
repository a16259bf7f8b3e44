"""The parts of the platform: each module describes one server as a child process."""
