"""Event source mappings for ActiveMQ."""
